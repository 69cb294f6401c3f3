import { deserialize, serialize } from "node:v8";

/** The length before each message: an unsigned number of four bytes, little-endian. */
const HEAD = 4;

/** Messages over two streams of bytes: a length, then the value as V8 serialises it. */
export class Pipe {
  readonly #input: ReadableStream<Uint8Array>;
  readonly #output: WritableStreamDefaultWriter<Uint8Array>;

  /** Takes hold of the output. */
  constructor(input: ReadableStream<Uint8Array>, output: WritableStream<Uint8Array>) {
    this.#input = input;
    this.#output = output.getWriter();
  }

  /** Resolves when it is written. Rejects when the value cannot be copied, or the other end is gone. */
  async write(message: unknown): Promise<void> {
    const body: Uint8Array = serialize(message);
    const bytes = new Uint8Array(HEAD + body.length);
    new DataView(bytes.buffer).setUint32(0, body.length, true);
    bytes.set(body, HEAD);
    await this.#output.write(bytes);
  }

  /** Gives all messages until the other end closes; what was cut off at the end is dropped. */
  async *read<T>(): AsyncGenerator<T, void, undefined> {
    let bytes = new Uint8Array(64 * 1024);
    let filled = 0;
    for await (const chunk of this.#input) {
      if (filled + chunk.length > bytes.length) {
        const larger = new Uint8Array(Math.max(2 * bytes.length, filled + chunk.length));
        larger.set(bytes.subarray(0, filled));
        bytes = larger;
      }
      bytes.set(chunk, filled);
      filled += chunk.length;
      let start = 0;
      while (filled - start >= HEAD) {
        const end = start + HEAD + new DataView(bytes.buffer, start).getUint32(0, true);
        if (end > filled) break;
        yield deserialize(bytes.slice(start + HEAD, end)); // a copy: views in the value stay whole
        start = end;
      }
      bytes.copyWithin(0, start, filled);
      filled -= start;
    }
  }

  /** Closes the output; never rejects. */
  async end(): Promise<void> {
    await this.#output.close().catch(() => {});
  }
}
