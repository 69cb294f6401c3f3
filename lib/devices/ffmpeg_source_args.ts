/** What `FFmpegSource` can be told, and the arguments that ffmpeg gets for it. */

/** Options of `FFmpegSource`. */
export interface FFmpegSourceOptions {
  /**
   * The input's format, where ffmpeg cannot guess it: `"lavfi"`, `"x11grab"`, `"v4l2"`, `"alsa"`, `"pulse"`,
   * `"avfoundation"`, `"dshow"`, `"gdigrab"`, `"h264"` …
   * @default what ffmpeg finds out
   */
  readonly format?: string;
  /**
   * Further arguments before `-i`, such as `["-rtsp_transport", "tcp"]` or `["-framerate", "60"]`.
   * @default {[]}
   */
  readonly inputArgs?: readonly string[];
  /**
   * Size of the pictures that `video` gives, even numbers.
   * @default the input's own
   */
  readonly size?: readonly [width: number, height: number];
  /**
   * Pictures a second that `video` gives; ffmpeg drops and repeats.
   * @default the input's own
   */
  readonly fps?: number;
  /**
   * A chain of ffmpeg's filters for `video`, before size and fps, such as `"hflip"`.
   * @default none
   */
  readonly videoFilter?: string;
  /**
   * Whether a file is read as fast as it plays (`-re`) and not as fast as possible.
   * @default {true for files and lavfi, false for addresses and devices, which have their own pace}
   */
  readonly realtime?: boolean;
  /**
   * Whether a file begins again at its end, for ever.
   * @default {false}
   */
  readonly loop?: boolean;
  /**
   * Whether ffmpeg makes raw pictures from the start on, without waiting for who subscribes to `video`.
   * @default {false}
   */
  readonly video?: boolean;
  /**
   * Whether ffmpeg makes sound from the start on, without waiting for who subscribes to `audio`.
   * @default {false}
   */
  readonly audio?: boolean;
  /**
   * Channels of `audio`.
   * @default {2}
   */
  readonly channels?: 1 | 2;
  /**
   * Samples of each channel in a frame of `audio`: 960 are 20 ms.
   * @default {960}
   */
  readonly blockSamples?: 960 | 1024;
  /**
   * ffmpeg's arguments for the encoder of `encoded`, such as `["-c:v", "h264_v4l2m2m", "-b:v", "2M"]`.
   * @default {as the input has it, without encoding}
   */
  readonly encode?: readonly string[];
  /**
   * What happens when ffmpeg ends: the source ends too, or ffmpeg is started again, after
   * `restartPauseMs`, then twice as long each time, up to 30 s; after 10 s of data it begins anew.
   * @default {"never"}
   */
  readonly restart?: "never" | "on-exit";
  /**
   * The first pause before a restart.
   * @default {500}
   */
  readonly restartPauseMs?: number;
  /**
   * After so many milliseconds without any data ffmpeg is taken for dead; 0 for never.
   * @default {10000 for addresses such as rtsp://, else 0}
   */
  readonly stallTimeoutMs?: number;
  /**
   * The program: a name on the PATH, or a path. `--allow-run` must name it.
   * @default {"ffmpeg"}
   */
  readonly ffmpeg?: string;
}

/** What can be asked of the input, in the order of the streams. */
export type TrackKind = "video" | "audio" | "encoded" | "encodedAudio";

const LIVE_ADDRESS = /^(rtsps?|rtmp[st]?|rtp|srt|udp|tcp|mms[ht]?):\/\//i;

/** ffmpeg's formats that are devices or generators ("ffmpeg -devices"). */
const DEVICES: ReadonlySet<string> = new Set([
  ...[
    "lavfi",
    "x11grab",
    "kmsgrab",
    "fbdev",
    "v4l2",
    "video4linux2",
    "alsa",
    "pulse",
    "jack",
    "oss",
  ],
  ...["avfoundation", "dshow", "gdigrab", "android_camera", "decklink"],
]);

/** Whether the input is an address that sends at its own pace. */
export function isLiveAddress(input: string): boolean {
  return LIVE_ADDRESS.test(input);
}

/** @throws {RangeError | TypeError} when an option is of no use */
export function checkOptions(input: string, options: FFmpegSourceOptions): void {
  if (typeof input !== "string" || input === "") {
    throw new TypeError("Cannot read from ffmpeg: the input is empty; give a path or an address");
  }
  const [width, height] = options.size ?? [2, 2];
  for (const side of [width, height]) {
    if (!(Number.isInteger(side) && side >= 2 && side <= 16382 && side % 2 === 0)) {
      throw new RangeError(
        `Cannot read from ffmpeg: the size is ${width}x${height}; give even numbers from 2 to 16382`,
      );
    }
  }
  if (options.fps !== undefined && !(options.fps > 0 && options.fps <= 1000)) {
    throw new RangeError(
      `Cannot read from ffmpeg: fps is ${options.fps}; give a number above 0, up to 1000`,
    );
  }
}

/** The arguments for one run, whose output streams are `tracks` in their order. */
export function sourceArgs(
  input: string,
  options: FFmpegSourceOptions,
  tracks: readonly TrackKind[],
): string[] {
  const { format, inputArgs = [], encode } = options;
  const live = isLiveAddress(input);
  const device = format !== undefined && DEVICES.has(format);
  const file = !device && !live && !/^(https?:\/\/|\/dev\/)/i.test(input);
  const realtime = options.realtime ?? (file || format === "lavfi");
  return [
    ...["-hide_banner", "-nostdin", "-loglevel", "error"],
    // A device tells all in its first packet; files and addresses need a look.
    ...(device ? ["-probesize", "32", "-analyzeduration", "0"] : []),
    ...(live ? ["-analyzeduration", "500000"] : []),
    ...(realtime ? ["-re"] : []),
    ...(options.loop ? ["-stream_loop", "-1"] : []),
    ...(format === undefined ? [] : ["-f", format]),
    ...inputArgs,
    ...["-i", input],
    ...(tracks.includes("encoded") ? encode ?? [] : []),
    ...tracks.flatMap((track, id) => outputArgs(track, id, options)),
    // NUT is written packet by packet; a stream that is late holds the other back by a frame at most.
    ...["-max_interleave_delta", "1", "-flush_packets", "1"],
    // Without syncpoints, because ffmpeg remembers each: 10 MB an hour.
    ...["-f", "nut", "-write_index", "0", "-syncpoints", "none", "-f_strict", "experimental"],
    "pipe:1",
  ];
}

function outputArgs(track: TrackKind, id: number, options: FFmpegSourceOptions): string[] {
  const { size, fps, videoFilter, channels = 2, blockSamples = 960 } = options;
  switch (track) {
    case "video": {
      const scaled = size === undefined ? "" : `${size[0]}:${size[1]}:`;
      const filters = [
        ...(videoFilter === undefined ? [] : [videoFilter]),
        ...(fps === undefined ? [] : [`fps=${fps}`]),
        // Our frames are BT.601 of limited range, whatever the input has.
        `scale=${scaled}out_color_matrix=bt601:out_range=tv`,
        "format=yuv420p",
      ];
      return [
        ...["-map", "0:V:0", `-c:${id}`, "rawvideo", `-filter:${id}`, filters.join(",")],
        // The encoder's own time base is one frame: pictures that come unevenly would be dropped.
        ...[`-enc_time_base:${id}`, "1:90000"],
      ];
    }
    case "audio": {
      const layout = channels === 1 ? "mono" : "stereo";
      const filters = `aresample=48000:async=1,aformat=sample_fmts=flt:channel_layouts=${layout},` +
        `asetnsamples=n=${blockSamples}:p=0`;
      return ["-map", "0:a:0", `-c:${id}`, "pcm_f32le", `-filter:${id}`, filters];
    }
    case "encoded":
      return ["-map", "0:V:0", ...(options.encode ? [] : [`-c:${id}`, "copy"])];
    case "encodedAudio":
      return ["-map", "0:a:0", `-c:${id}`, "copy"];
  }
}
