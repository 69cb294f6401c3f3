/**
 * Websocket frames of a client, read as they come (RFC 6455, section 5.2):
 *
 *     0: FIN RSV1-3 opcode   1: MASK length   2..: 2 or 8 bytes of length   then 4 of mask, then the data
 *
 * Input may be cut anywhere. Nothing is kept but what came of the present message, and no more of it than
 * is allowed: what is announced to be larger is refused by its header.
 */

/** What came. */
export type FrameEvent =
  | { readonly kind: "message"; readonly data: string | Uint8Array<ArrayBuffer> }
  | { readonly kind: "ping" | "pong"; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly kind: "close"; readonly code: number };

/** The client left the protocol; it is closed with this code. */
export class FrameError extends Error {
  /** @param code of the close frame (RFC 6455, section 7.4.1) */
  constructor(readonly code: 1002 | 1007 | 1008 | 1009, message: string) {
    super(message);
  }
}

const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
const MAX_CONTROL_BYTES = 125;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that are added one after the other; grows with what is there, not with what is announced. */
class Gathering {
  #bytes = new Uint8Array(0);
  length = 0;

  append(bytes: Uint8Array): Uint8Array {
    const length = this.length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.length);
    const added = this.#bytes.subarray(this.length, length);
    this.length = length;
    return added;
  }

  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.length);
    this.#bytes = new Uint8Array(0);
    this.length = 0;
    return bytes;
  }
}

/** Reads the frames of one client. */
export class FrameReader {
  /** How many have begun, empty ones too. */
  frames = 0;
  readonly #maxMessageBytes: number;
  readonly #head = new Uint8Array(14);
  #headLength = 0;
  /** What the frame's header says; null while it is being read. */
  #frame: { opcode: number; fin: boolean; left: number; maskAt: number } | null = null;
  readonly #message = new Gathering();
  readonly #control = new Gathering();
  /** The opcode of the message that is under way. */
  #kind: typeof TEXT | typeof BINARY | null = null;

  /** @param maxMessageBytes of all fragments together */
  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /**
   * Reads on.
   * @throws {FrameError} when it is not allowed; nothing can be read after that
   */
  *read(input: Uint8Array): Generator<FrameEvent, void, undefined> {
    let at = 0;
    while (at < input.length || this.#frame?.left === 0) {
      if (this.#frame === null) {
        this.#head[this.#headLength++] = input[at++]!;
        this.#readHead();
        continue;
      }
      const frame = this.#frame;
      const part = input.subarray(at, at + frame.left);
      at += part.length;
      frame.left -= part.length;
      this.#unmask((frame.opcode >= CLOSE ? this.#control : this.#message).append(part), frame);
      if (frame.left > 0) return;
      this.#frame = null;
      this.#headLength = 0;
      const event = this.#finish(frame.opcode, frame.fin);
      if (event) yield event;
    }
  }

  #readHead(): void {
    if (this.#headLength < 2) return;
    const head = this.#head;
    const [first, second] = [head[0]!, head[1]!];
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (this.#headLength === 2) this.#checkStart(first, second);
    if (this.#headLength < 2 + lengthBytes + 4) return;
    const view = new DataView(head.buffer);
    const length = lengthBytes === 0
      ? short
      : lengthBytes === 2
      ? view.getUint16(2)
      : Number(view.getBigUint64(2));
    const opcode = first & 0x0f;
    if (opcode < CLOSE && this.#message.length + length > this.#maxMessageBytes) {
      throw new FrameError(1009, `a message may have ${this.#maxMessageBytes} bytes`);
    }
    this.frames++;
    this.#frame = { opcode, fin: first >= 0x80, left: length, maskAt: 0 };
    head.copyWithin(0, 2 + lengthBytes, 2 + lengthBytes + 4); // the mask
  }

  #checkStart(first: number, second: number): void {
    const opcode = first & 0x0f;
    const control = opcode >= CLOSE;
    if ((first & 0x70) !== 0) throw new FrameError(1002, "no extension was agreed on");
    if (second < 0x80) throw new FrameError(1002, "a client's frames are masked");
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) {
      throw new FrameError(1002, `there is no opcode ${opcode}`);
    }
    if (control && (first < 0x80 || (second & 0x7f) > MAX_CONTROL_BYTES)) {
      throw new FrameError(1002, "control frames are whole and short");
    }
    if (control) return;
    if ((opcode === CONTINUATION) !== (this.#kind !== null)) {
      throw new FrameError(1002, "a message is continued before another begins");
    }
    if (opcode !== CONTINUATION) this.#kind = opcode as typeof TEXT | typeof BINARY;
  }

  #unmask(bytes: Uint8Array, frame: { maskAt: number }): void {
    for (let i = 0; i < bytes.length; i++) bytes[i]! ^= this.#head[(frame.maskAt + i) & 3]!;
    frame.maskAt = (frame.maskAt + bytes.length) & 3;
  }

  #finish(opcode: number, fin: boolean): FrameEvent | null {
    if (opcode >= CLOSE) {
      const data = this.#control.take();
      if (opcode === PING) return { kind: "ping", data };
      if (opcode === PONG) return { kind: "pong", data };
      return { kind: "close", code: data.length < 2 ? 1005 : data[0]! * 256 + data[1]! };
    }
    if (!fin) return null;
    const bytes = this.#message.take();
    const text = this.#kind === TEXT;
    this.#kind = null;
    return { kind: "message", data: text ? decode(bytes) : bytes };
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new FrameError(1007, "text is UTF-8");
  }
}

/** A whole frame of a server, which is not masked. */
export function writeFrame(
  opcode: "text" | "close" | "ping" | "pong",
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { length } = data;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(2 + extra + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | { text: TEXT, close: CLOSE, ping: PING, pong: PONG }[opcode];
  frame[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  frame.set(data, 2 + extra);
  return frame;
}

/** The data of a close frame. */
export function closeData(code: number, reason: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(reason);
  const data = new Uint8Array(2 + text.length);
  new DataView(data.buffer).setUint16(0, code);
  data.set(text, 2);
  return data;
}
