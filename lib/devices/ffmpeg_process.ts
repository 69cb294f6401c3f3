/** One run of the ffmpeg command: started, read, and never left behind. */

import { DeviceBusy, DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import { hintFor, lastWords } from "./ffmpeg_words.ts";

/** How a run is started. */
export interface FFmpegRun {
  /** The program: a name on the PATH, or a path. */
  readonly ffmpeg: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Whether it reads from us (a recorder) or writes to us (a source). */
  readonly pipe: "stdin" | "stdout";
  /** How errors begin, for example `Cannot read "robot.mp4"`. */
  readonly action: string;
  /** Takes secrets out of what it said. */
  readonly mask: (text: string) => string;
}

/** So many lines of what it said are kept. */
const KEPT_LINES = 24;
/** The longest that it may take to end by itself when it was asked to, in milliseconds. */
const GRACE_MS = 500;

const PACKAGES: Partial<Record<typeof Deno.build.os, string>> = {
  linux: 'install it with "sudo apt install ffmpeg" (Debian and Ubuntu)',
  darwin: 'install it with "brew install ffmpeg"',
  windows: 'install it with "winget install ffmpeg"',
};

/** A running ffmpeg. */
export class FFmpegProcess {
  readonly #child: Deno.ChildProcess;
  readonly #run: FFmpegRun;
  readonly #lines: string[] = [];
  /** Settles when the process is gone and all that it said is read. Never rejects. */
  readonly ended: Promise<Deno.CommandStatus>;
  #gone = false;

  /**
   * Starts it.
   *
   * @throws {LibraryMissing} when there is no such program
   * @throws {Deno.errors.NotCapable} when `--allow-run=ffmpeg` was not granted
   */
  constructor(run: FFmpegRun) {
    this.#run = run;
    try {
      this.#child = new Deno.Command(run.ffmpeg, {
        args: [...run.args],
        stdin: run.pipe === "stdin" ? "piped" : "null",
        stdout: run.pipe === "stdout" ? "piped" : "null",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      const hint = PACKAGES[Deno.build.os] ?? "install the package ffmpeg";
      const where = run.ffmpeg === "ffmpeg" ? "on this machine" : `at "${run.ffmpeg}"`;
      throw new LibraryMissing(`${run.action}: there is no ffmpeg ${where}; ${hint}`, {
        cause: error,
      });
    }
    this.ended = this.#watch();
  }

  /** Its number, for tests that end it. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it has ended. */
  get gone(): boolean {
    return this.#gone;
  }

  /** What it writes; the bytes handed over are overwritten by the next read. Ends with the process. */
  async read(take: (bytes: Uint8Array) => void): Promise<void> {
    const reader = this.#child.stdout.getReader({ mode: "byob" });
    let memory = new Uint8Array(1 << 16); // a Linux pipe holds no more
    for (;;) {
      const { value, done } = await reader.read(memory);
      if (done) return;
      take(value);
      memory = new Uint8Array(value.buffer);
    }
  }

  /** Where to write what it reads. */
  get stdin(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#child.stdin as WritableStream<Uint8Array<ArrayBufferLike>>;
  }

  /** Asks it to end, and makes it end when it does not; resolves when it is gone. */
  async stop(graceMs = GRACE_MS): Promise<void> {
    if (this.#gone) return;
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Sends a signal; does nothing when it is gone. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!this.#gone && !(error instanceof TypeError)) throw error; // TypeError: it has just ended
    }
  }

  /** The error for how it ended, with its last words. */
  failure(status: Deno.CommandStatus, cause?: unknown): Error {
    const { action, mask } = this.#run;
    const said = mask(lastWords(this.#lines));
    const how = status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`;
    const sentence = said === ""
      ? `${action}: ffmpeg ended with ${how} and said nothing; start it again`
      : `${action}: ffmpeg says "${said}"; ${hintFor(said)}`;
    const options = cause === undefined ? {} : { cause };
    if (/No such (file|device)/.test(said)) return new DeviceMissing(sentence, options);
    if (/Device or resource busy/.test(said)) return new DeviceBusy(sentence, options);
    return new SystemCallError(sentence, status.signal ?? `EXIT_${status.code}`, options);
  }

  async #watch(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([this.#child.status, this.#listen()]);
    this.#gone = true;
    return status;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const bytes of this.#child.stderr) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split(/[\r\n]+/);
        rest = (lines.pop() ?? "").slice(-1000);
        this.#lines.push(...lines.map((line) => line.slice(0, 1000)));
        this.#lines.splice(0, this.#lines.length - KEPT_LINES);
      }
    } catch {
      // What it said is lost with the pipe; how it ended is still told.
    }
    if (rest !== "") this.#lines.push(rest);
  }
}
