/** The way to a recording ffmpeg: a line of frames that wait to be written, and the writing of them. */

import type { NutPacket, NutStream } from "../wire/nut.ts";
import { NutWriter } from "../wire/nut_writer.ts";
import type { FFmpegProcess } from "./ffmpeg_process.ts";

/** A frame to be written; its bytes may lie in pieces. */
export interface PipedFrame extends Omit<NutPacket, "data"> {
  /** The pieces, which are not copied: nobody may write to them. */
  readonly pieces: readonly Uint8Array[];
}

/** Writes frames to ffmpeg one after the other. */
export class RecorderPipe {
  readonly #process: FFmpegProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBufferLike>>;
  readonly #nut = new NutWriter();
  readonly #waiting: PipedFrame[] = [];
  readonly #counts: number[];
  #pumping: Promise<void>;
  #idle = true;
  #broken = false;

  /** Begins the file. */
  constructor(process: FFmpegProcess, streams: readonly NutStream[]) {
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    this.#writer.closed.catch(() => {}); // how ffmpeg ended tells more
    this.#counts = streams.map(() => 0);
    this.#pumping = this.#write([this.#nut.header(streams)]);
  }

  /** How many frames of a stream wait. */
  waiting(stream: number): number {
    return this.#counts[stream] ?? 0;
  }

  /** Puts a frame in line; resolves when all before it is written, or ffmpeg is gone. */
  put(frame: PipedFrame): Promise<void> {
    if (this.#broken) return Promise.resolve();
    this.#waiting.push(frame);
    this.#counts[frame.stream]!++;
    if (this.#idle) {
      this.#idle = false;
      this.#pumping = this.#pump(this.#pumping);
    }
    return this.#pumping;
  }

  /** Writes what is in line, and ends the stream. */
  async end(): Promise<void> {
    await this.#pumping;
    await this.#writer.close().catch(() => {});
  }

  async #pump(before: Promise<void>): Promise<void> {
    await before;
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      const bytes = frame.pieces.reduce((sum, piece) => sum + piece.length, 0);
      await this.#write([this.#nut.frameHead(frame, bytes), ...frame.pieces]);
      this.#counts[frame.stream]!--;
    }
    this.#idle = true;
  }

  /** A pipe that breaks is no error of its own: how ffmpeg ended says why. */
  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    try {
      for (const piece of pieces) {
        if (!this.#broken && piece.length > 0) await this.#writer.write(piece);
      }
    } catch {
      this.#broken = true;
      this.#waiting.length = 0;
    }
    if (this.#process.gone) this.#broken = true;
  }
}
