/**
 * What was sent lately to one viewer, by the packets' transport-wide numbers
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01), so that feedback can be read. Pure, and of one
 * size however much is sent.
 */

/** Packets that are remembered: two seconds at 10 Mbit/s. A power of two. */
const SIZE = 2_048;
const NOTHING = 0, IN_FLIGHT = 1, LOST = 2, ARRIVED = 3;

/** What feedback says of a packet that was sent. */
export interface PacketFate {
  readonly sentMs: number;
  readonly bytes: number;
  /** Which frame it was part of; negative for none. */
  readonly train: number;
  /** On the receiver's clock; `null` when it is missing. */
  readonly arrivedMs: number | null;
  /** An earlier feedback had called it missing. */
  readonly wasMissing: boolean;
}

/** The packets of one transport. */
export class PacketHistory {
  readonly #numbers = new Uint16Array(SIZE);
  readonly #state = new Uint8Array(SIZE);
  readonly #bytes = new Uint16Array(SIZE);
  readonly #sentMs = new Float64Array(SIZE);
  readonly #trains = new Float64Array(SIZE);

  /** Bytes of packets of which nothing is known yet. */
  inFlightBytes = 0;

  /**
   * @param number the packet's 16 bits
   * @param train which frame it is part of; negative for none
   */
  sent(number: number, bytes: number, nowMs: number, train: number): void {
    const at = number & (SIZE - 1);
    if (this.#state[at] === IN_FLIGHT) this.inFlightBytes -= this.#bytes[at]!;
    this.#numbers[at] = number;
    this.#state[at] = IN_FLIGHT;
    this.#bytes[at] = bytes;
    this.#sentMs[at] = nowMs;
    this.#trains[at] = train;
    this.inFlightBytes += bytes;
  }

  /**
   * Notes what feedback says of a packet.
   *
   * @param arrivedMs `NaN` when it is missing
   * @returns `null` when that is no news
   */
  reported(number: number, arrivedMs: number): PacketFate | null {
    const at = number & (SIZE - 1);
    const state = this.#state[at]!, missing = Number.isNaN(arrivedMs);
    if (state === NOTHING || state === ARRIVED || this.#numbers[at] !== (number & 0xffff)) {
      return null;
    }
    if (missing && state === LOST) return null;
    this.#state[at] = missing ? LOST : ARRIVED;
    if (state === IN_FLIGHT) this.inFlightBytes -= this.#bytes[at]!;
    return {
      sentMs: this.#sentMs[at]!,
      bytes: this.#bytes[at]!,
      train: this.#trains[at]!,
      arrivedMs: missing ? null : arrivedMs,
      wasMissing: state === LOST,
    };
  }
}
