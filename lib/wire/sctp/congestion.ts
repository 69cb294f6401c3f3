/** How many bytes may be under way: RFC 9260, section 7.2. */
import { tsnDistance } from "./serial.ts";

const INITIAL_PACKETS = 10; // RFC 6928, section 2; RFC 9260 allows about 4380 bytes
const MAX_WINDOW_BYTES = 8 * 1024 * 1024;

/** The congestion window of one path; every size is in bytes of chunks. */
export class Congestion {
  readonly #mtu: number;
  #slowStartUntil = Infinity; // ssthresh
  #partialBytes = 0; // partial_bytes_acked
  #recoveryEnd: number | null = null;
  /** The bytes that may be under way. */
  window: number;

  /** @param mtu the largest packet */
  constructor(mtu: number) {
    this.#mtu = mtu;
    this.window = INITIAL_PACKETS * mtu;
  }

  /** Whether a loss is being repaired, for which the window was already halved. */
  get recovering(): boolean {
    return this.#recoveryEnd !== null;
  }

  /**
   * Bytes arrived at the peer (sections 7.2.1 and 7.2.2).
   *
   * @param cumulativeTsn everything up to it arrived
   * @param wasFull whether the window held the sender back: an unused one proves nothing and does not grow
   */
  acknowledged(bytes: number, cumulativeTsn: number, wasFull: boolean): void {
    if (this.#recoveryEnd !== null) {
      if (tsnDistance(this.#recoveryEnd, cumulativeTsn) < 0) return;
      this.#recoveryEnd = null;
    }
    if (this.window <= this.#slowStartUntil) {
      // Up to four packets for each SACK (RFC 3465), because in bulk one comes for every fourth; without
      // a limit the window leaps over what the path holds, and commands are lost with the bulk.
      if (wasFull) this.window += Math.min(bytes, 4 * this.#mtu);
    } else {
      this.#partialBytes += bytes;
      if (this.#partialBytes >= this.window) {
        this.#partialBytes = wasFull ? this.#partialBytes - this.window : this.window;
        if (wasFull) this.window += this.#mtu;
      }
    }
    this.window = Math.min(this.window, MAX_WINDOW_BYTES);
  }

  /** A chunk was reported missing: halve the window, once until `highestTsn` arrived (section 7.2.4). */
  lost(highestTsn: number): void {
    if (this.#recoveryEnd !== null) return;
    this.#halve();
    this.window = this.#slowStartUntil;
    this.#recoveryEnd = highestTsn;
  }

  /** Nothing came back in time: begin again with one packet (section 7.2.3). */
  timedOut(): void {
    this.#halve();
    this.window = this.#mtu;
    this.#recoveryEnd = null;
  }

  #halve(): void {
    this.#slowStartUntil = Math.max(this.window / 2, 4 * this.#mtu);
    this.#partialBytes = 0;
  }
}
