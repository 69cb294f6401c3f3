/** One run of the ffmpeg command, and what it means when it ends. */

import { DeviceBusy, DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import { CommandProcess } from "./command_process.ts";
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

const PACKAGES: Partial<Record<typeof Deno.build.os, string>> = {
  linux: 'install it with "sudo apt install ffmpeg" (Debian and Ubuntu)',
  darwin: 'install it with "brew install ffmpeg"',
  windows: 'install it with "winget install ffmpeg"',
};

/** A running ffmpeg. */
export class FFmpegProcess extends CommandProcess {
  readonly #run: FFmpegRun;

  /**
   * Starts it.
   *
   * @throws {LibraryMissing} when there is no such program
   * @throws {Deno.errors.NotCapable} when `--allow-run=ffmpeg` was not granted
   */
  constructor(run: FFmpegRun) {
    super({
      ...{ program: run.ffmpeg, args: run.args, pipe: run.pipe },
      missing: (cause) => missing(run, cause),
    });
    this.#run = run;
  }

  /** The error for how it ended, with its last words. */
  failure(status: Deno.CommandStatus, cause?: unknown): Error {
    const { action, mask } = this.#run;
    const said = mask(lastWords(this.said));
    const how = status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`;
    const sentence = said === ""
      ? `${action}: ffmpeg ended with ${how} and said nothing; start it again`
      : `${action}: ffmpeg says "${said}"; ${hintFor(said)}`;
    const options = cause === undefined ? {} : { cause };
    if (/No such (file|device)/.test(said)) return new DeviceMissing(sentence, options);
    if (/Device or resource busy/.test(said)) return new DeviceBusy(sentence, options);
    return new SystemCallError(sentence, status.signal ?? `EXIT_${status.code}`, options);
  }
}

function missing({ action, ffmpeg }: FFmpegRun, cause: Error): LibraryMissing {
  const hint = PACKAGES[Deno.build.os] ?? "install the package ffmpeg";
  const where = ffmpeg === "ffmpeg" ? "on this machine" : `at "${ffmpeg}"`;
  return new LibraryMissing(`${action}: there is no ffmpeg ${where}; ${hint}`, { cause });
}
