/**
 * Whole pictures from a stream of H.264 (Annex B) that may be cut anywhere.
 *
 * A picture's end shows only when the next one begins (7.4.1.2.3), which is one picture late. Who knows
 * how large the pieces are that the stream is written in tells by `announce()`, and then each picture comes
 * as soon as its last byte is there. Announcements that are wrong or missing cost no more than that.
 */

import { NAL } from "./h264_bitstream.ts";

/** A picture, or the pictures of two fields, with what stands before them: an access unit. */
export interface AccessUnit {
  /** Annex B, in memory of its own. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The time at which its first byte came. */
  readonly timestampUs: number;
}

/** More bytes than any picture has; a stream that has no picture among so many is none. */
const MAX_BYTES = 1 << 23;

/** Cuts a stream into access units. */
export class AccessUnitReader {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  /** How far it was looked for start codes. */
  #scanned = 0;
  /** Whether a picture has begun. */
  #hasPicture = false;
  #beginUs = 0;
  /** Sizes of the pieces that begin at `#mark`. */
  #announced: number[] = [];
  #mark = 0;

  /** The next piece of the stream, of those not announced yet, has so many bytes. */
  announce(bytes: number): AccessUnit[] {
    this.#announced.push(bytes);
    return this.#atEndOfPiece();
  }

  /** Takes bytes, which are copied, and gives what is whole. */
  push(bytes: Uint8Array, nowUs: number): AccessUnit[] {
    if (this.#length === 0) this.#beginUs = nowUs;
    if (this.#length > MAX_BYTES) this.#drop(this.#length);
    this.#append(bytes);
    const units: AccessUnit[] = [];
    // The byte behind a start code's type tells whether a slice is its picture's first.
    for (let i = this.#scanned; i + 4 < this.#length; i++) {
      this.#scanned = i + 1;
      const at = this.#bytes;
      if (at[i] !== 0 || at[i + 1] !== 0 || at[i + 2] !== 1) continue;
      const type = at[i + 3]! & 0x1f;
      const slice = type >= NAL.slice && type <= NAL.idr;
      const first = slice
        ? (at[i + 4]! & 0x80) !== 0 // first_mb_in_slice, ue(v): 0 is the bit 1
        : (type >= NAL.sei && type <= NAL.aud) || (type >= 14 && type <= 18); // 7.4.1.2.3
      if (first && this.#hasPicture) {
        units.push(this.#take(at[i - 1] === 0 ? i - 1 : i, nowUs));
        i = this.#scanned - 1;
        continue;
      }
      this.#hasPicture ||= slice;
    }
    return [...units, ...this.#atEndOfPiece()];
  }

  /** All that is there, if the pieces that were announced end just here and a picture is among it. */
  #atEndOfPiece(): AccessUnit[] {
    let end = this.#mark;
    for (const [i, size] of this.#announced.entries()) {
      end += size;
      if (end > this.#length) return [];
      if (end < this.#length) continue;
      this.#announced.splice(0, i + 1);
      this.#mark = end;
      return this.#hasPicture ? [this.#take(end, this.#beginUs)] : [];
    }
    return [];
  }

  /** @param nextUs when the byte at `end` came */
  #take(end: number, nextUs: number): AccessUnit {
    const unit = { data: this.#bytes.slice(0, end), timestampUs: this.#beginUs };
    let announced = this.#mark;
    while (this.#announced.length > 0 && announced < end) announced += this.#announced.shift()!;
    if (announced > end) this.#announced = []; // the pieces are not what was announced
    this.#mark = end;
    this.#drop(end);
    this.#beginUs = nextUs;
    return unit;
  }

  #drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#mark = Math.max(0, this.#mark - count);
    this.#scanned = 0;
    this.#hasPicture = false;
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }
}
