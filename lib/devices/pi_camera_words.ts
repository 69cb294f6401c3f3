/** What the Pi's camera commands say, understood. */

import { DeviceBusy, DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import { lastWords } from "./ffmpeg_words.ts";

/** How errors begin. */
export const PI_ACTION = "Cannot open the Pi's camera";

/** What a line tells of the stream. */
export interface PiNews {
  /** The bytes of the piece that comes next: FileOutput::outputBuffer in rpicam-apps. */
  readonly pieceBytes?: number;
  /** The size of the pictures, which may be another than was asked: libcamera's Camera::configure. */
  readonly size?: readonly [width: number, height: number];
  /** Whether it is worth keeping for errors. */
  readonly kept: boolean;
}

/** Reads a line. Those of other threads may break into one, which is then not understood. */
export function readPiLine(line: string): PiNews {
  const piece = /^FileOutput: output buffer \S+ size (\d+)$/.exec(line);
  if (piece !== null) return { pieceBytes: Number(piece[1]), kept: false };
  const stream = /configuring streams: \(0\) (\d+)x(\d+)-YUV420\b/.exec(line);
  if (stream !== null) return { size: [Number(stream[1]), Number(stream[2])], kept: false };
  return { kept: !/^(Viewfinder frame|FileOutput:|#\d+ )/.test(line) };
}

/** The option that the command does not know, if it ended for that (boost::program_options). */
export function unknownOption(said: readonly string[]): string | null {
  return /unrecognised option '([^']+)'/.exec(said.join("\n"))?.[1] ?? null;
}

const PACKAGES = 'install it with "sudo apt install rpicam-apps" (Raspberry Pi OS)';

/** The error for when none of the commands is there. */
export function noCommand(commands: readonly string[], cause: unknown): LibraryMissing {
  if (commands.length === 0) {
    return new LibraryMissing(
      `${PI_ACTION}: only raspivid turns the picture by 90 degrees, and it is not among the commands; ` +
        "give rotation 0 or 180",
      { cause },
    );
  }
  const mend = commands.every((command) => command === "raspivid")
    ? "it is part of the legacy camera stack; give rotation 0 or 180 for others"
    : PACKAGES;
  return new LibraryMissing(
    `${PI_ACTION}: there is no ${listed(commands)} on this machine; ${mend}`,
    { cause },
  );
}

/** Words joined as in speech, by "or". */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

const TELLING = /error|fail|invalid|unrecognised|could not|cannot|not (detected|enabled|found)/i;

/** What is wrong and how it is mended, by what was said. */
const KINDS: readonly (readonly [RegExp, "missing" | "busy" | "call", string])[] = [
  [
    /no cameras available|not detected|selected camera is not available/i,
    "missing",
    'check its ribbon cable, and what "rpicam-vid --list-cameras" shows',
  ],
  [
    /not enabled|failed to create camera component|legacy camera stack/i,
    "missing",
    'switch the legacy camera on with "sudo raspi-config", or use rpicam-vid',
  ],
  [
    /failed to acquire camera|in use by another process|resource busy|out of resources/i,
    "busy",
    "close the program that has it",
  ],
  [/unrecognised option|invalid command line option/i, "call", "check the option args"],
];

/** The error for how a command ended, with its last words. */
export function piFailure(
  command: string,
  said: readonly string[],
  status: Deno.CommandStatus,
): Error {
  const telling = said.filter((line) => TELLING.test(line));
  const words = lastWords(telling.length > 0 ? telling : said);
  const how = status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`;
  if (words === "") {
    return new SystemCallError(
      `${PI_ACTION}: ${command} ended with ${how} and said nothing; start it again`,
      status.signal ?? `EXIT_${status.code}`,
    );
  }
  const [, kind, mend] = KINDS.find(([pattern]) => pattern.test(words)) ??
    [null, "call", `try ${command} in a terminal`];
  const sentence = `${PI_ACTION}: ${command} says "${words}"; ${mend}`;
  if (kind === "missing") return new DeviceMissing(sentence);
  if (kind === "busy") return new DeviceBusy(sentence);
  return new SystemCallError(sentence, status.signal ?? `EXIT_${status.code}`);
}
