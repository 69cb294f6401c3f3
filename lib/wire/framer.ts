/**
 * Finds messages in a stream of bytes, which a serial port delivers in pieces of any size.
 *
 * A framer gives the same messages wherever the stream is cut, never throws whatever comes, and keeps no
 * more than one unfinished message. What it gives belongs to the caller, unless it says otherwise.
 */
export interface Framer {
  /** How many bytes were dropped because they belonged to no message. */
  readonly skipped: number;
  /** Takes the next bytes, and gives the messages that end in them. */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[];
}

/** Every piece is a message, as it came. */
export class RawFramer implements Framer {
  /** Nothing is ever dropped. */
  readonly skipped = 0;

  /** Gives the piece itself. */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    return bytes.length === 0 ? [] : [bytes];
  }
}

const NEWLINE = 10, RETURN = 13;

/**
 * Lines, as bytes and without their end, which is `\n` or `\r\n`. A line that is longer than the bound is
 * dropped as a whole.
 */
export class LineFramer implements Framer {
  readonly #maxBytes: number;
  #line: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #tooLong = false;
  #skipped = 0;

  /** Begins with an empty line. @param maxBytes the longest line that is given, without its end */
  constructor(maxBytes = 65_536) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of lines that were too long. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Gives the lines that end in these bytes. */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const lines: Uint8Array<ArrayBuffer>[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#append(bytes.subarray(start, end));
      start = end + 1;
      const line = this.#end();
      if (line) lines.push(line);
    }
    this.#append(bytes.subarray(start));
    return lines;
  }

  #append(bytes: Uint8Array<ArrayBuffer>): void {
    // One more than the bound, because the last may be the "\r" that is not counted.
    if (!this.#tooLong && this.#line.length + bytes.length > this.#maxBytes + 1) {
      this.#skipped += this.#line.length;
      this.#line = new Uint8Array(0);
      this.#tooLong = true;
    }
    if (this.#tooLong) this.#skipped += bytes.length;
    else if (this.#line.length === 0) this.#line = bytes.slice();
    else this.#line = joined(this.#line, bytes);
  }

  #end(): Uint8Array<ArrayBuffer> | null {
    const line = this.#line.at(-1) === RETURN ? this.#line.subarray(0, -1) : this.#line;
    const tooLong = this.#tooLong || line.length > this.#maxBytes;
    if (tooLong) this.#skipped += this.#line.length + 1;
    this.#line = new Uint8Array(0);
    this.#tooLong = false;
    return tooLong ? null : line;
  }
}

/** Messages of one size that follow each other without anything between them. */
export class FixedFramer implements Framer {
  /** Nothing is ever dropped: a byte that was lost shifts all that follow. */
  readonly skipped = 0;
  readonly #message: Uint8Array<ArrayBuffer>;
  #filled = 0;

  /** Begins with a whole message. @param size bytes of a message, at least 1 */
  constructor(size: number) {
    if (!(Number.isInteger(size) && size > 0)) {
      throw new RangeError(
        `Cannot cut messages of ${size} bytes; a struct needs at least one value`,
      );
    }
    this.#message = new Uint8Array(size);
  }

  /** Gives the messages that are complete now. */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const messages: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.#message.length - this.#filled);
      this.#message.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#message.length) break;
      messages.push(this.#message.slice());
      this.#filled = 0;
    }
    return messages;
  }
}

/** Drops everything up to a mark and the mark itself, once; what follows goes to another framer. */
export class StartFramer implements Framer {
  readonly #mark: Uint8Array;
  readonly #next: Framer;
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #started: boolean;
  #skipped = 0;

  /** Waits for the mark. @param mark one byte or several @param next takes what comes after it */
  constructor(mark: Uint8Array, next: Framer) {
    this.#mark = mark;
    this.#next = next;
    this.#started = mark.length === 0;
  }

  /** Bytes before the mark, and what the other framer dropped. */
  get skipped(): number {
    return this.#skipped + this.#next.skipped;
  }

  /** Gives what the other framer makes of the bytes after the mark. */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    if (this.#started) return this.#next.push(bytes);
    const held = joined(this.#held, bytes);
    const at = indexOf(held, this.#mark);
    if (at < 0) {
      const kept = Math.min(held.length, this.#mark.length - 1);
      this.#skipped += held.length - kept;
      this.#held = held.slice(held.length - kept);
      return [];
    }
    this.#started = true;
    this.#skipped += at;
    this.#held = new Uint8Array(0);
    return this.#next.push(held.slice(at + this.#mark.length));
  }
}

function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  for (let at = bytes.indexOf(mark[0]!); at >= 0; at = bytes.indexOf(mark[0]!, at + 1)) {
    if (at + mark.length > bytes.length) return -1;
    if (mark.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
