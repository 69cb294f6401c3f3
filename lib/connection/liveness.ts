/** Notices within three seconds that the other end is gone, although it did not say so. */
import { PING_INTERVAL_MS, SILENCE_LIMIT_MS } from "../wire/library_channel.ts";
import type { Peer } from "./peer.ts";

/** Twice as often as we ask, so that silence is noticed soon after it has lasted too long. */
const TICK_MS = PING_INTERVAL_MS / 2;
/** A tick as late as this means that we slept, and that what arrived meanwhile is not read yet. */
const SLEPT_MS = 1_000;

/** Asks for signs of life, and watches that they come. */
export class Liveness {
  readonly #timer: ReturnType<typeof setInterval>;
  #tickMs = performance.now();
  #graceMs = this.#tickMs;
  #askedMs = this.#tickMs;

  /**
   * @param peer is asked for a sign of life that any WebRTC peer gives
   * @param ping asks a peer of this library for one
   * @param gone called once, with how long nothing came
   */
  constructor(
    peer: Pick<Peer, "lastHeardMs" | "probe">,
    ping: () => void,
    gone: (ms: number) => void,
  ) {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      if (nowMs - this.#tickMs > SLEPT_MS) this.#graceMs = nowMs;
      this.#tickMs = nowMs;
      const silentMs = nowMs - Math.max(peer.lastHeardMs, this.#graceMs);
      if (silentMs > SILENCE_LIMIT_MS) {
        this.stop();
        return gone(silentMs);
      }
      if (nowMs - this.#askedMs < PING_INTERVAL_MS - TICK_MS / 2) return;
      this.#askedMs = nowMs;
      if (silentMs > PING_INTERVAL_MS) peer.probe();
      ping();
    }, TICK_MS);
    ping();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
