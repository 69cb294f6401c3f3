/**
 * Which chunks arrived: a number up to which all did, and runs beyond it. Writes the SACK chunk
 * (RFC 9260, section 3.3.4):
 *
 * ```text
 * |  type = 3     |   flags = 0   |            length             |
 * +---------------+---------------+-------------------------------+
 * |                      cumulative TSN ack                       |
 * +---------------------------------------------------------------+
 * |               advertised receiver window                      |
 * +-------------------------------+-------------------------------+
 * |    number of gap blocks       |    number of duplicates       |
 * +-------------------------------+-------------------------------+
 * |  gap block start, from ack    |       gap block end           |  for each
 * +-------------------------------+-------------------------------+
 * |                        duplicate TSN                          |  for each
 * ```
 */
import { CHUNK } from "./chunks.ts";
import { CHUNK_HEADER_BYTES, type PacketWriter } from "./packet.ts";
import { tsnAdd, tsnDistance } from "./serial.ts";

/** A run of chunks costs memory and SACK bytes, and a stranger chooses how many there are. */
const MAX_RUNS = 250;
const MAX_DUPLICATES = 16;
const MAX_AHEAD = 0xffff; // a gap block counts in 16 bits

/** Remembers the TSNs that arrived. */
export class TsnTracker {
  /** Everything up to it arrived. */
  cumulative: number;
  #starts: number[] = [];
  #ends: number[] = [];
  #duplicates: number[] = [];

  /** @param initialTsn the first TSN that the peer will send */
  constructor(initialTsn: number) {
    this.cumulative = tsnAdd(initialTsn, -1);
  }

  /** Whether something is missing before what arrived. */
  get hasGaps(): boolean {
    return this.#starts.length > 0;
  }

  /** Whether the next SACK reports a duplicate. */
  get hasDuplicates(): boolean {
    return this.#duplicates.length > 0;
  }

  /** Takes note of a chunk; `false` when it came before or cannot be remembered, and is to be dropped. */
  add(tsn: number): boolean {
    const ahead = tsnDistance(this.cumulative, tsn);
    if (ahead === 1) {
      this.cumulative = tsn;
      this.#swallow();
      return true;
    }
    if (ahead <= 0) return this.#duplicate(tsn);
    if (ahead > MAX_AHEAD) return false;
    // From behind, because most chunks are the newest.
    let i = this.#starts.length - 1;
    while (i >= 0 && tsnDistance(this.#starts[i]!, tsn) < 0) i--;
    const pastEnd = i < 0 ? Infinity : tsnDistance(this.#ends[i]!, tsn);
    if (pastEnd <= 0) return this.#duplicate(tsn);
    const joinsNext = i + 1 < this.#starts.length && this.#starts[i + 1] === tsnAdd(tsn, 1);
    if (pastEnd === 1) {
      this.#ends[i] = joinsNext ? this.#ends[i + 1]! : tsn;
      if (joinsNext) this.#remove(i + 1);
    } else if (joinsNext) {
      this.#starts[i + 1] = tsn;
    } else {
      if (this.#starts.length >= MAX_RUNS) return false;
      this.#starts.splice(i + 1, 0, tsn);
      this.#ends.splice(i + 1, 0, tsn);
    }
    return true;
  }

  /** The peer gave up everything up to `tsn` (RFC 3758, section 3.6); `false` when that is no news. */
  forward(tsn: number): boolean {
    if (tsnDistance(this.cumulative, tsn) <= 0) return false;
    this.cumulative = tsn;
    while (this.#starts.length > 0 && tsnDistance(this.#ends[0]!, tsn) >= 0) this.#remove(0);
    if (this.#starts.length > 0 && tsnDistance(this.#starts[0]!, tsn) >= 0) {
      this.cumulative = this.#ends[0]!;
      this.#remove(0);
    }
    this.#swallow();
    return true;
  }

  /** Writes a SACK chunk; `false` when it did not fit. */
  writeSack(out: PacketWriter, window: number): boolean {
    const room = (out.room - CHUNK_HEADER_BYTES - 12) >> 2;
    if (room < 0) return false;
    const gaps = Math.min(this.#starts.length, room);
    const duplicates = Math.min(this.#duplicates.length, room - gaps);
    let at = out.open(CHUNK.sack, 0, 12 + 4 * (gaps + duplicates));
    const { view } = out;
    view.setUint32(at, this.cumulative);
    view.setUint32(at + 4, window);
    view.setUint16(at + 8, gaps);
    view.setUint16(at + 10, duplicates);
    at += 12;
    for (let i = 0; i < gaps; i++, at += 4) {
      view.setUint16(at, tsnDistance(this.cumulative, this.#starts[i]!));
      view.setUint16(at + 2, tsnDistance(this.cumulative, this.#ends[i]!));
    }
    for (let i = 0; i < duplicates; i++, at += 4) view.setUint32(at, this.#duplicates[i]!);
    this.#duplicates.length = 0;
    return true;
  }

  /** Moves the cumulative number over a run that it has reached. */
  #swallow(): void {
    if (this.#starts.length > 0 && this.#starts[0] === tsnAdd(this.cumulative, 1)) {
      this.cumulative = this.#ends[0]!;
      this.#remove(0);
    }
  }

  #duplicate(tsn: number): boolean {
    if (this.#duplicates.length < MAX_DUPLICATES) this.#duplicates.push(tsn);
    return false;
  }

  #remove(i: number): void {
    this.#starts.splice(i, 1);
    this.#ends.splice(i, 1);
  }
}
