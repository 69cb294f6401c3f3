/**
 * Learns from the packets of each frame, which leave close together, how quick the link is: what arrives
 * further apart than it left was held up by the slowest link. So capacity beyond the present rate is seen
 * without a byte of padding. Pure.
 */

/** A frame of fewer bytes behind its first packet says too little. */
const SMALLEST_BYTES = 900;
/** So many frames are averaged, since one alone is mostly jitter. */
const TRAINS = 8;
/** Frames whose times count for nothing more after that. */
const FORGET_MS = 2_000;
/** Transport-wide feedback has a grain of 0.25 ms; no train is taken for quicker. */
const GRAIN_MS = 0.25;
/** What arrives this much slower than it left was held up. */
const SPREAD = 1.2;

interface Train {
  id: number;
  bytes: number;
  firstSentMs: number;
  lastSentMs: number;
  firstArrivedMs: number;
  lastArrivedMs: number;
}

/** What the frames' packets show. */
export interface Passage {
  /** Bits a second that arrived, within the frames. */
  readonly bitrate: number;
  /** Whether the link took more time than the sender, so that `bitrate` is all that it can do. */
  readonly heldUp: boolean;
}

/** Watches the packets that arrive. */
export class TrainMeter {
  #open: Train | null = null;
  #done: Train[] = [];

  /** A packet of frame `id` arrived; frames in the order in which they were sent. */
  packet(id: number, bytes: number, sentMs: number, arrivedMs: number): void {
    const open = this.#open;
    if (open?.id === id) {
      open.bytes += bytes;
      open.lastSentMs = Math.max(open.lastSentMs, sentMs);
      open.lastArrivedMs = Math.max(open.lastArrivedMs, arrivedMs);
      return;
    }
    if (open && id < open.id) return;
    if (open && open.bytes >= SMALLEST_BYTES) {
      this.#done.push(open);
      while (
        this.#done.length > TRAINS || sentMs - (this.#done[0]?.lastSentMs ?? sentMs) > FORGET_MS
      ) this.#done.shift();
    }
    // The first packet only starts the clock: its own bytes have passed when it arrives.
    this.#open = {
      id,
      bytes: 0,
      firstSentMs: sentMs,
      lastSentMs: sentMs,
      firstArrivedMs: arrivedMs,
      lastArrivedMs: arrivedMs,
    };
  }

  /** What is known; `null` while it is too little. */
  get passage(): Passage | null {
    let bytes = 0, sentMs = 0, arrivedMs = 0;
    for (const train of this.#done) {
      bytes += train.bytes;
      sentMs += Math.max(GRAIN_MS, train.lastSentMs - train.firstSentMs);
      arrivedMs += Math.max(GRAIN_MS, train.lastArrivedMs - train.firstArrivedMs);
    }
    if (bytes < 6 * SMALLEST_BYTES) return null;
    return {
      bitrate: bytes * 8_000 / arrivedMs,
      heldUp: arrivedMs > SPREAD * sentMs,
    };
  }
}
