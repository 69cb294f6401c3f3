import { RtcbotError } from "../errors.ts";
import { explainMissingVariable, type PackedError, unpackError } from "./crossing.ts";
import { type Host, type Link, within } from "./link.ts";
import { Pipe } from "./pipe.ts";

/** What the process is told: first what to run, then a value whenever it wants one. */
export type ToProcess =
  | { readonly kind: "start"; readonly loader: string; readonly data: unknown }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "close" };

/** What the process tells. */
export type FromProcess =
  | { readonly kind: "ready" | "want" | "end" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: PackedError };

/** What a {@linkcode ProcessLink} is made of. */
export interface ProcessLinkInit {
  /** The text of an async function that gives the user's function. */
  readonly loader: string;
  readonly data: unknown;
  readonly joinTimeoutMs: number;
  /** What stands between `deno run` and the program. */
  readonly flags: readonly string[];
}

/** Runs code in another process, which is joined by its standard input and output. */
export class ProcessLink implements Link {
  readonly #host: Host;
  readonly #joinTimeoutMs: number;
  #child: Deno.ChildProcess | null = null;
  #pipe: Pipe | null = null;
  #over = false;

  /** Starts the process. */
  constructor(init: ProcessLinkInit, host: Host) {
    this.#host = host;
    this.#joinTimeoutMs = init.joinTimeoutMs;
    this.#run(init).then(() => this.#end(), (error) => this.#end(error));
  }

  /** Asks the code to return, and kills the process after the join time-out. */
  async close(): Promise<void> {
    this.#over = true;
    const [child, pipe] = [this.#child, this.#pipe];
    if (child === null || pipe === null) return;
    this.#tell(pipe, { kind: "close" });
    if (!await within(this.#joinTimeoutMs, child.status)) kill(child);
    await child.status;
    await pipe.end();
  }

  async #run({ loader, data, flags }: ProcessLinkInit): Promise<void> {
    await null; // so that the host hears nothing before its own constructor is through
    if (this.#over) return;
    const child = this.#child = spawn(flags);
    const pipe = this.#pipe = new Pipe(child.stdout, child.stdin);
    try {
      await pipe.write({ kind: "start", loader, data } satisfies ToProcess);
    } catch (error) {
      kill(child); // the data cannot be copied
      throw error;
    }
    for await (const message of pipe.read<FromProcess>()) {
      if (await this.#heard(message, pipe)) return;
    }
    const { code, signal } = await child.status;
    throw new RtcbotError(
      `Cannot go on: the process ended by itself (${signal ?? `code ${code}`}); ` +
        `what it wrote to standard error may say why`,
    );
  }

  /** Whether it was the last. */
  async #heard(message: FromProcess, pipe: Pipe): Promise<boolean> {
    if (message.kind === "error") throw explainMissingVariable(unpackError(message.error));
    if (message.kind === "end") return true;
    if (this.#over) return false;
    if (message.kind === "ready") this.#host.ready();
    if (message.kind === "value") await this.#host.put?.(message.value);
    if (message.kind === "want") this.#send(pipe);
    return false;
  }

  /** Passes on the next value. */
  async #send(pipe: Pipe): Promise<void> {
    let value: unknown;
    try {
      value = await this.#host.get?.();
    } catch {
      return; // there is none any more; close() tells the process
    }
    this.#tell(pipe, { kind: "value", value });
  }

  /** A process that is gone says so at its end; a value that cannot be copied is a failure. */
  #tell(pipe: Pipe, message: ToProcess): void {
    pipe.write(message).catch((error) => {
      if (!(error instanceof Deno.errors.BrokenPipe)) this.#end(error);
    });
  }

  #end(error?: unknown): void {
    if (this.#over) return;
    this.#host.end(error);
  }
}

function spawn(flags: readonly string[]): Deno.ChildProcess {
  if (Deno.build.standalone) {
    throw new RtcbotError(
      "Cannot start a process: a compiled program has no Deno to start; use a thread instead",
    );
  }
  const main = new URL("./process_main.ts", import.meta.url).href;
  try {
    return new Deno.Command(program(), {
      args: ["run", "--no-prompt", "--quiet", ...flags, main],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new RtcbotError(
      "Cannot start a process: there is no deno on PATH; add its folder there",
      {
        cause,
      },
    );
  }
}

/** This very Deno if we may start it, else what `--allow-run=deno` allows. */
function program(): string {
  const command = Deno.execPath();
  const { state } = Deno.permissions.querySync({ name: "run", command });
  return state === "granted" ? command : "deno";
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // it is gone already
  }
}
