/** Time and codecs that a test has in its hands. */

import type {
  AudioDecoder,
  AudioEncoder,
  AudioEncoderOptions,
} from "../../lib/codecs/audio_codec.ts";
import type { AudioClock } from "../../lib/connection/audio_clock.ts";
import { RemoteProtocolError } from "../../lib/errors.ts";
import { settle } from "../subscriptions/helpers.ts";

/** A clock that stands until it is advanced. */
export class FakeClock implements AudioClock {
  #nowMs = 1000;
  #timers: { atMs: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((one) => one !== timer));
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets time pass, with all that is due meanwhile. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass while nothing can run, as when the process is busy. */
  freeze(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Packets of one frame of 20 ms whose second byte is the level of the first sample, in hundredths. */
export class FakeEncoder implements AudioEncoder {
  static readonly made: FakeEncoder[] = [];
  readonly channels: 1 | 2;
  readonly bitrate: number = 32_000;
  expectedLoss = 0.1;
  encoded = 0;
  closed = false;

  constructor(options: AudioEncoderOptions) {
    this.channels = options.channels ?? 1;
    this.expectedLoss = options.expectedLoss ?? 0.1;
    FakeEncoder.made.push(this);
  }
  encode(samples: Float32Array): Uint8Array<ArrayBuffer> {
    this.encoded++;
    return Uint8Array.of(31 << 3, Math.round(samples[0]! * 100));
  }
  setBitrate(): void {}
  setExpectedLoss(share: number): void {
    this.expectedLoss = share;
  }
  close(): void {
    this.closed = true;
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The reverse: 20 ms of the level; -0.5 for what was guessed; 0.01 less for a copy. */
export class FakeDecoder implements AudioDecoder {
  readonly channels = 2;
  resets = 0;
  closed = false;

  decode(packet: Uint8Array): Float32Array<ArrayBuffer> {
    if (packet[1] === 255) throw new RemoteProtocolError("Cannot decode: it is 255; send another");
    return new Float32Array(1920).fill(packet[1]! / 100);
  }
  decodeLost(next: Uint8Array | null, samples = 960): Float32Array<ArrayBuffer> {
    return new Float32Array(2 * samples).fill(next === null ? -0.5 : (next[1]! - 1) / 100);
  }
  reset(): void {
    this.resets++;
  }
  close(): void {
    this.closed = true;
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
