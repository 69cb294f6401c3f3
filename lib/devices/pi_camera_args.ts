/** What `PiCamera` can be told, and the arguments that the Pi's camera commands get for it. */

import { defaultBitrate } from "../codecs/codec.ts";
import type { Preprocess } from "./camera_preprocess.ts";

/** Options of `PiCamera`. */
export interface PiCameraOptions {
  /** Which of the Pi's cameras: its number in `rpicam-vid --list-cameras`. @default {0} */
  readonly camera?: number;
  /** Width of the pictures, even. @default {320} */
  readonly width?: number;
  /** Height of the pictures, even. @default {240} */
  readonly height?: number;
  /** Pictures a second. @default {30} */
  readonly fps?: number;
  /** Whether left and right are swapped. @default {false} */
  readonly hflip?: boolean;
  /** Whether top and bottom are swapped. @default {false} */
  readonly vflip?: boolean;
  /** Degrees by which the picture is turned; 90 and 270 only with the legacy stack. @default {0} */
  readonly rotation?: 0 | 90 | 180 | 270;
  /** Bits a second of `encoded`. @default {by size and rate: 1 Mbit/s for 640x480 at 30} */
  readonly bitrate?: number;
  /**
   * Each so many pictures `encoded` has a key frame. The camera makes none on demand, so this is how long a
   * new viewer waits, and one who lost something.
   * @default {as many as come in a second}
   */
  readonly intra?: number;
  /** Called with each picture in a thread of its own, as `Camera` does; `encoded` is left alone. */
  readonly preprocess?: Preprocess | URL;
  /** Further arguments for the command, such as `["--awb", "indoor"]`. @default {[]} */
  readonly args?: readonly string[];
  /** When it fails, tries again until it goes, instead of failing. @default {false} */
  readonly reconnect?: boolean;
  /**
   * The commands to try, in this order. `--allow-run` must name what is to be found.
   * @default {["rpicam-vid", "libcamera-vid", "raspivid"]}
   */
  readonly commands?: readonly string[];
}

/** What the command is to write: raw pictures or H.264. */
export type PiOutput = "raw" | "h264";

/** {@linkcode PiCameraOptions}, checked and complete, without what is no matter of the command. */
export type PiWish = Required<
  Omit<PiCameraOptions, "preprocess" | "reconnect" | "commands">
>;

const COMMANDS = ["rpicam-vid", "libcamera-vid", "raspivid"];

/** Whether it is the command of the legacy stack, whose options and rows are others. */
export function isLegacy(command: string): boolean {
  return /(^|[/\\])raspivid[^/\\]*$/.test(command);
}

/** The commands that could do it. */
export function commandsFor({ commands = COMMANDS, rotation = 0 }: PiCameraOptions): string[] {
  // libcamera: "transforms requiring transpose not supported"
  return commands.filter((command) => rotation % 180 === 0 || isLegacy(command));
}

/** Checks the options, and fills in what was left out. @throws {RangeError} when they make no sense */
export function piWish(options: PiCameraOptions): PiWish {
  const { camera = 0, width = 320, height = 240, fps = 30, rotation = 0 } = options;
  const { hflip = false, vflip = false, args = [] } = options;
  const { intra = Math.max(1, Math.round(fps)), bitrate = defaultBitrate(width, height, fps) } =
    options;
  const refuse = (state: string, mend: string) =>
    new RangeError(`Cannot open the Pi's camera: ${state}; give ${mend}`);
  if (!Number.isInteger(camera) || camera < 0) {
    throw refuse(`camera is ${camera}`, "its number, 0 or more");
  }
  for (const side of [width, height]) {
    if (!(Number.isInteger(side) && side >= 16 && side <= 16382 && side % 2 === 0)) {
      throw refuse(`the size is ${width}x${height}`, "even numbers from 16 to 16382");
    }
  }
  if (!(fps > 0 && fps <= 1000)) throw refuse(`fps is ${fps}`, "a number above 0, up to 1000");
  if (![0, 90, 180, 270].includes(rotation)) {
    throw refuse(`rotation is ${rotation}`, "0, 90, 180 or 270");
  }
  if (!(Number.isInteger(intra) && intra > 0)) {
    throw refuse(`intra is ${intra}`, "a whole number of pictures above 0");
  }
  if (!(bitrate > 0 && bitrate < Infinity)) {
    throw refuse(`bitrate is ${bitrate}`, "a number of bits a second above 0");
  }
  return { camera, width, height, fps, rotation, hflip, vflip, intra, bitrate, args };
}

/**
 * Options that only newer builds of rpicam-vid have. Where there is no H.264 encoder in hardware (Pi 5), they
 * say what x264 is to write, and that it shall hold nothing back.
 */
export const NEWER_OPTIONS: readonly (readonly string[])[] = [
  ["--libav-format", "h264"],
  ["--low-latency"],
];

/**
 * The arguments for rpicam-vid and libcamera-vid (rpicam-apps, core/options.cpp and core/video_options.hpp).
 *
 * @param refused options of {@linkcode NEWER_OPTIONS} that this build does not know
 */
export function libcameraArgs(
  wish: PiWish,
  output: PiOutput,
  refused: ReadonlySet<string>,
): string[] {
  const h264 = [
    ...["--codec", "h264", "--inline", "--profile", "baseline"], // which every browser decodes
    ...["--intra", `${wish.intra}`, "--bitrate", `${Math.round(wish.bitrate)}`],
    ...NEWER_OPTIONS.filter(([name]) => !refused.has(name!)).flat(),
  ];
  return [
    // Without a unit, 0 is understood by all versions. --verbose makes it tell the size of what it writes.
    ...["--timeout", "0", "--nopreview", "--verbose", "--flush"],
    ...(wish.camera === 0 ? [] : ["--camera", `${wish.camera}`]),
    ...["--width", `${wish.width}`, "--height", `${wish.height}`, "--framerate", `${wish.fps}`],
    ...(wish.hflip ? ["--hflip"] : []),
    ...(wish.vflip ? ["--vflip"] : []),
    ...(wish.rotation === 0 ? [] : ["--rotation", `${wish.rotation}`]),
    ...(output === "h264" ? h264 : ["--codec", "yuv420"]),
    ...wish.args,
    ...["--output", "-"],
  ];
}

/** The arguments for raspivid (userland, host_applications/linux/apps/raspicam). */
export function raspividArgs(wish: PiWish, output: PiOutput): string[] {
  const h264 = [
    ...["-cd", "H264", "-ih", "-pf", "baseline", "-g", `${wish.intra}`],
    ...["-b", `${Math.round(wish.bitrate)}`, "-o", "-"],
  ];
  return [
    ...["-t", "0", "-n", "-fl"],
    ...(wish.camera === 0 ? [] : ["-cs", `${wish.camera}`]),
    ...["-w", `${wish.width}`, "-h", `${wish.height}`, "-fps", `${Math.round(wish.fps)}`],
    ...(wish.hflip ? ["-hf"] : []),
    ...(wish.vflip ? ["-vf"] : []),
    ...(wish.rotation === 0 ? [] : ["-rot", `${wish.rotation}`]),
    ...wish.args,
    ...(output === "h264" ? h264 : ["-rf", "yuv", "-r", "-"]),
  ];
}
