import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducerConsumer } from "../subscriptions/producer_consumer.ts";
import { report } from "../subscriptions/report.ts";
import { LIBRARY_CHANNEL, LibraryProtocol } from "../wire/library_channel.ts";
import type { PeerChannel } from "./peer.ts";

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/**
 * Commands: small values of which only the newest matters, such as `{forward, leftright}`. They travel
 * on a channel that neither orders nor repeats. On the default channel one lost packet would hold back
 * all later commands and then play them at once; here the newest wins, and what is older than half a
 * second is dropped.
 *
 * Both ends must be of this library; from and to others nothing comes.
 *
 * ```ts
 * import { RTCConnection } from "rtcbot";
 *
 * await using conn = new RTCConnection();
 * conn.control.subscribe((command) => console.log(command));
 * ```
 */
export class ControlChannel extends SubscriptionProducerConsumer<unknown> {
  readonly #protocol = new LibraryProtocol();
  readonly #capturedMs: (timestamp90kHz: number) => number | null;
  #channel: PeerChannel | null = null;
  /** The newest command, while the network does not take it. */
  #held: { readonly value: unknown; readonly givenMs: number } | null = null;

  /**
   * Made by the connection.
   *
   * @param capturedMs when the picture that was sent with this RTP time was taken, if that is known
   */
  constructor(capturedMs: (timestamp90kHz: number) => number | null = () => null) {
    super({
      ready: false,
      defaultSubscription: () => new MostRecentSubscription(),
      directPutSubscription: () => new MostRecentSubscription(),
    });
    this.#capturedMs = capturedMs;
  }

  /** Smoothed round-trip time to the other end in ms; `null` until measured, or when it is not ours. */
  get rttMs(): number | null {
    return this.#protocol.roundTripMs;
  }

  /** How old our pictures were lately on the other end's screen, in ms; `null` when it does not tell. */
  get _pictureAgeMs(): number | null {
    return this.#protocol.pictureAgeMs(performance.now());
  }

  /** For {@linkcode RTCConnection}: the library's own channel. */
  _attach(channel: PeerChannel): void {
    if (this.closed) return channel.close();
    this.#channel = channel;
    channel.listener = {
      opened: () => this.#opened(),
      message: ({ bytes, text }) => {
        if (text) this.#receive(utf8Decoder.decode(bytes));
      },
      drained: () => this.#sendHeld(),
      closed: () => this.close(),
    };
    if (channel.state === "open") this.#opened();
  }

  /** For {@linkcode RTCConnection}: asks for a sign of life, and measures how long it takes. */
  _ping(): void {
    this.#send(this.#protocol.ping(performance.now()));
  }

  protected override _close(): void {
    this.#channel?.close();
  }

  #opened(): void {
    if (this.ready || this.closed) return;
    this._setReady();
    this.#pump();
  }

  async #pump(): Promise<void> {
    while (!this.closed) {
      const value = await this._get().catch(() => {}); // it was closed, and the loop ends
      if (this.closed) return;
      this.#held = { value, givenMs: performance.now() };
      this.#sendHeld();
    }
  }

  /** Nothing waits in line behind what has not left, but the last command, a stop, is not lost. */
  #sendHeld(): void {
    if (this.#held === null || !this.#clear) return;
    const { value, givenMs } = this.#held;
    this.#held = null;
    try {
      this.#send(this.#protocol.command(value, givenMs));
    } catch (error) {
      report("a command was not sent", error);
    }
  }

  #receive(text: string): void {
    const { reply, command, shown } = this.#protocol.receive(text, performance.now());
    if (reply) this.#send(reply);
    if (shown) this.#tellAge(shown.timestamp90kHz, shown.shownMs);
    if (command) this._put_nowait(command.value);
  }

  #tellAge(timestamp90kHz: number, shownMs: number): void {
    const capturedMs = this.#capturedMs(timestamp90kHz);
    if (capturedMs === null) return;
    // On one machine the two clocks may be known less well than the picture is young.
    const ageMs = Math.max(0, shownMs - capturedMs);
    this.#send(this.#protocol.age(Math.round(ageMs * 10) / 10, performance.now()));
  }

  get #clear(): boolean {
    return this.#channel?.state === "open" && this.#channel.bufferedAmount === 0;
  }

  /** What cannot leave at once is old when it can. */
  #send(text: string): void {
    if (this.#clear) this.#channel!.send({ bytes: utf8.encode(text), text: true });
  }
}

/** How the channel is made, for {@linkcode RTCConnection}. */
export const CONTROL_CHANNEL_OPTIONS = {
  label: LIBRARY_CHANNEL.label,
  protocol: LIBRARY_CHANNEL.protocol,
  ordered: LIBRARY_CHANNEL.ordered,
  maxRetransmits: LIBRARY_CHANNEL.maxRetransmits,
  negotiatedId: LIBRARY_CHANNEL.id,
} as const;
