/** One run of a command that devices are made of: started, read, and never left behind. */

/** How a run is started. */
export interface CommandRun {
  /** The program: a name on the PATH, or a path. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Whether it reads from us or writes to us. */
  readonly pipe: "stdin" | "stdout";
  /** Makes the error for when there is no such program. @default {Deno's own} */
  readonly missing?: (cause: Error) => Error;
  /**
   * Told each line that it says on standard error.
   * @returns false for one that is no news, and not kept for errors
   */
  readonly onLine?: (line: string) => boolean;
}

/** So many lines of what it said are kept. */
const KEPT_LINES = 24;
/** The longest that it may take to end by itself when it was asked to, in milliseconds. */
const GRACE_MS = 500;

/** A running command. */
export class CommandProcess {
  readonly #child: Deno.ChildProcess;
  readonly #onLine: (line: string) => boolean;
  readonly #lines: string[] = [];
  /** Settles when the process is gone and all that it said is read. Never rejects. */
  readonly ended: Promise<Deno.CommandStatus>;
  #gone = false;

  /**
   * Starts it.
   *
   * @throws {Error} what `missing` makes, when there is no such program
   * @throws {Deno.errors.NotCapable} when `--allow-run` was not granted for it
   */
  constructor(run: CommandRun) {
    this.#onLine = run.onLine ?? (() => true);
    try {
      this.#child = new Deno.Command(run.program, {
        args: [...run.args],
        stdin: run.pipe === "stdin" ? "piped" : "null",
        stdout: run.pipe === "stdout" ? "piped" : "null",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      throw error instanceof Deno.errors.NotFound && run.missing ? run.missing(error) : error;
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

  /** The last lines of what it said. */
  get said(): readonly string[] {
    return this.#lines;
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
        lines.forEach((line) => this.#hear(line));
      }
    } catch {
      // What it said is lost with the pipe; how it ended is still told.
    }
    if (rest !== "") this.#hear(rest);
  }

  #hear(line: string): void {
    if (!this.#onLine(line)) return;
    this.#lines.push(line.slice(0, 1000));
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }
}
