/** What `Recorder` can be told, and the arguments that ffmpeg gets for it. */

import type { VideoCodecName } from "../media/encoded.ts";

/** Options of `Recorder`. */
export interface RecorderOptions {
  /**
   * The kind of file.
   * @default by the file's name
   */
  readonly format?: RecorderFormat;
  /**
   * Size of the pictures, even numbers; frames of another size are scaled.
   * @default that of the first frame
   */
  readonly size?: readonly [width: number, height: number];
  /**
   * Pictures a second that are meant to come, by which encoders divide their bits; real times are taken
   * from the frames.
   * @default {30}
   */
  readonly fps?: number;
  /**
   * Bits a second of the pictures.
   * @default {1 Mbit/s for 640x480, by size, in WebM; constant quality (crf 23) in MP4}
   */
  readonly videoBitrate?: number;
  /**
   * ffmpeg's arguments for encoding pictures, instead of ours.
   * @default libvpx (VP8) for WebM, libx264 for MP4
   */
  readonly videoArgs?: readonly string[];
  /**
   * ffmpeg's arguments for encoding sound, instead of ours.
   * @default libopus for WebM, aac for MP4
   */
  readonly audioArgs?: readonly string[];
  /**
   * Whether a file of that name is replaced.
   * @default {false}
   */
  readonly overwrite?: boolean;
  /**
   * What happens to frames that come faster than they can be written: the newest are dropped and
   * counted, or `put_nowait` keeps them all and `writable` waits, for pictures that are computed.
   * @default {"drop"}
   */
  readonly whenSlow?: "drop" | "wait";
  /**
   * How many pictures may wait to be written.
   * @default {15, half a second}
   */
  readonly maxWaiting?: number;
  /**
   * How long `close()` waits for the file to be finished before it gives up, in milliseconds.
   * @default {30000}
   */
  readonly finishTimeoutMs?: number;
  /**
   * The program: a name on the PATH, or a path. `--allow-run` must name it.
   * @default {"ffmpeg"}
   */
  readonly ffmpeg?: string;
}

/** Kinds of files: WebM and Matroska can be played up to where a robot lost its power, MP4 cannot. */
export type RecorderFormat = "webm" | "mp4" | "matroska";

const BY_EXTENSION: Readonly<Record<string, RecorderFormat>> = {
  webm: "webm",
  mp4: "mp4",
  m4v: "mp4",
  mkv: "matroska",
};

/** What each kind of file can hold without encoding. */
const HOLDS: Readonly<Record<RecorderFormat, readonly VideoCodecName[]>> = {
  webm: ["VP8", "VP9"],
  mp4: ["H264", "VP9"],
  matroska: ["VP8", "VP9", "H264"],
};

/** The kind of file. @throws {TypeError} when its name does not tell */
export function formatOf(path: string, options: RecorderOptions): RecorderFormat {
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const format = options.format ?? BY_EXTENSION[extension];
  if (format === undefined) {
    throw new TypeError(
      `Cannot record to "${path}": its name does not tell the kind of file; ` +
        "let it end in .webm, .mp4 or .mkv, or give format",
    );
  }
  return format;
}

/** @throws {TypeError} when the file cannot hold the codec */
export function checkHolds(path: string, format: RecorderFormat, codec: VideoCodecName): void {
  if (HOLDS[format].includes(codec)) return;
  throw new TypeError(
    `Cannot record ${codec} to "${path}": ${format} holds ${HOLDS[format].join(" and ")} only; ` +
      `name it ${codec === "H264" ? ".mp4 or .mkv" : ".webm or .mkv"}`,
  );
}

/** What is in the file. */
export interface Recorded {
  /** The size of raw pictures, `"copy"` for compressed ones, null for none. */
  readonly video: { readonly width: number; readonly height: number } | "copy" | null;
  /** Whether there is sound. */
  readonly audio: boolean;
}

/** The arguments for one file. */
export function recorderArgs(
  path: string,
  format: RecorderFormat,
  options: RecorderOptions,
  { video, audio }: Recorded,
): string[] {
  return [
    ...["-hide_banner", "-nostdin", "-loglevel", "error", options.overwrite ? "-y" : "-n"],
    // The header of our stream tells all: nothing has to be guessed.
    ...["-probesize", "32", "-analyzeduration", "0", "-f", "nut", "-i", "pipe:0"],
    ...(video === null ? [] : ["-map", "0:v:0"]),
    ...(video === "copy" ? ["-c:v", "copy"] : []),
    ...(video === null || video === "copy" ? [] : videoArgs(format, options, video)),
    ...(audio ? ["-map", "0:a:0", ...audioArgs(format, options)] : []),
    ...["-f", format],
    // Without "file:", a name such as a:b.mp4 is taken for an address, and -x.mp4 for an option.
    /^[a-z][a-z0-9+.-]+:\/\//i.test(path) ? path : `file:${path}`,
  ];
}

function videoArgs(
  format: RecorderFormat,
  options: RecorderOptions,
  { width, height }: { readonly width: number; readonly height: number },
): string[] {
  const webm = format === "webm";
  const bitrate = options.videoBitrate ??
    (webm ? Math.max(200_000, Math.round(3.3 * width * height)) : undefined);
  const rate = bitrate === undefined ? ["-crf", "23"] : ["-b:v", String(bitrate)];
  return [
    ...(options.videoArgs ??
      (webm
        ? ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", ...rate]
        : ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", ...rate])),
    // Times are kept as they are, not moved to a grid of frames, nor are frames made up between them.
    ...["-vsync", "vfr", "-enc_time_base:v", webm ? "1:1000" : "1:90000"],
    ...["-colorspace", "smpte170m", "-color_range", "tv"],
  ];
}

function audioArgs(format: RecorderFormat, options: RecorderOptions): string[] {
  return [
    ...(options.audioArgs ??
      (format === "webm"
        ? ["-c:a", "libopus", "-b:a", "96k", "-ar", "48000"]
        : ["-c:a", "aac", "-b:a", "128k"])),
    // Silence where there was no sound, and a little faster or slower where its clock was off.
    // flags=res: without a resampler from the start on, that change repeats half a second (ffmpeg 5.1).
    ...["-af", "aresample=async=1000:first_pts=0:flags=res"],
  ];
}
