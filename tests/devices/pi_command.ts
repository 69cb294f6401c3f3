/**
 * Stands in for the Pi's camera commands: takes the arguments that their sources name and no others
 * (rpicam-apps: core/options.cpp, core/video_options.hpp; userland: host_applications/linux/apps/raspicam),
 * and writes what they are documented to write, made by ffmpeg.
 *
 *     deno run -A pi_command.ts SCENARIO COMMAND ARGUMENT…
 */

import { splitNalUnits } from "../../lib/wire/h264_bitstream.ts";

/** What happens. */
export interface PiScenario {
  /** How many cameras there are. @default {1} */
  readonly cameras?: number;
  /** Another program has the camera. */
  readonly busy?: boolean;
  /** Rows of raw pictures begin at multiples of so many bytes: 64 until the Pi 4, 128 on the Pi 5. */
  readonly align?: number;
  /** A build without libav's options. */
  readonly old?: boolean;
  /** It says nothing of the size of what it writes. */
  readonly quiet?: boolean;
  /** Lines of other threads break into those that tell sizes. */
  readonly garbled?: boolean;
  /** The camera gives this size, whatever was asked. */
  readonly size?: readonly [width: number, height: number];
  /** It writes so many pictures, and then nothing more. */
  readonly silentAfter?: number;
  /** It writes so many pictures, and ends with an error. */
  readonly diesAfter?: number;
  /** ffmpeg's source of the picture. @default bars */
  readonly picture?: string;
}

type Values = ReadonlyMap<string, string>;

const LIBCAMERA_FLAGS =
  "help h version list-cameras nopreview n fullscreen f qt-preview hflip vflip flush lores-par no-raw " +
  "inline listen l keypress k signal s split libav-audio low-latency";
const LIBCAMERA_VALUES =
  "camera config c info-text width height timeout t output o post-process-file post-process-libs " +
  "preview p preview-libs rotation roi shutter analoggain gain metering exposure ev awb awbgains ccm " +
  "wrap brightness contrast saturation sharpness framerate denoise viewfinder-width viewfinder-height " +
  "tuning-file lores-width lores-height mode viewfinder-mode buffer-count viewfinder-buffer-count " +
  "autofocus-mode autofocus-range autofocus-speed autofocus-window lens-position metadata " +
  "metadata-format flicker-period bitrate b profile level intra g codec encoder-libs save-pts quality q " +
  "initial i segment frames libav-video-codec libav-video-codec-opts libav-format audio-codec " +
  "audio-source audio-device audio-channels audio-bitrate audio-samplerate av-sync sync";
/** Options whose value may be left out. */
const LIBCAMERA_EITHER = "verbose v circular hdr";
const NEWER = new Set(["libav-format", "low-latency"]);

const RASPI_FLAGS =
  "timed td signal s keypress k inline ih split sp circular c flush fl listen l spstimings stm help ? " +
  "verbose v gpsdexif gps nopreview n fullscreen f vstab vs hflip hf vflip vf stats st decimate dec " +
  "3dswap settings set focus fw penc e";
const RASPI_VALUES =
  "bitrate b timeout t demo d framerate fps intra g profile pf initial i qp segment sg wrap wr start sn " +
  "vectors x irefresh if save-pts pts codec cd level lev raw r raw-format rf slices width w height h " +
  "output o camselect cs mode md preview p opacity op dispnum dn sharpness sh contrast co brightness br " +
  "saturation sa ISO ev exposure ex flicker fli awb imxfx ifx colfx cfx metering mm rotation rot roi " +
  "shutter ss awbgains awbg drc annotate a stereo 3d analoggain ag digitalgain dg";

class Refused extends Error {}

const names = (text: string) => new Set(text.split(" "));

function parseLibcamera(args: string[], scenario: PiScenario): Values {
  const [flags, values, either] = [LIBCAMERA_FLAGS, LIBCAMERA_VALUES, LIBCAMERA_EITHER].map(names);
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [, dashes, name] = /^(--?)(.+)$/.exec(arg) ?? [];
    // One letter behind one dash, words behind two.
    const known = name !== undefined && (dashes === "--") === (name.length > 1) &&
      (flags!.has(name) || values!.has(name) || either!.has(name)) &&
      !(scenario.old && NEWER.has(name));
    if (!known) throw new Refused(`unrecognised option '${arg}'`);
    const next = args[i + 1];
    if (flags!.has(name)) given.set(name, "1");
    else if (next !== undefined && (values!.has(name) || !next.startsWith("-"))) {
      given.set(name, next);
      i++;
    } else if (either!.has(name)) given.set(name, "2");
    else throw new Refused(`the required argument for option '${arg}' is missing`);
  }
  return given;
}

function parseRaspi(args: string[]): Values {
  const [flags, values] = [RASPI_FLAGS, RASPI_VALUES].map(names);
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!.replace(/^-{1,2}/, "");
    if (args[i]!.startsWith("-") && flags!.has(name)) given.set(name, "1");
    else if (args[i]!.startsWith("-") && values!.has(name) && i + 1 < args.length) {
      given.set(name, args[++i]!);
    } else throw new Refused(`Invalid command line option (${args[i]})`);
  }
  return given;
}

/** What is asked, in words of both. */
interface Asked {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly timeoutMs: number;
  readonly filters: readonly string[];
  readonly codec: "h264" | "raw" | "none";
  readonly inline: boolean;
  readonly intra: number;
  readonly bitrate: number;
  readonly flush: boolean;
  readonly camera: number;
  /** Whether it tells what it writes. */
  readonly verbose: boolean;
}

function askedOfLibcamera(given: Values): Asked {
  const get = (name: string, short: string, usual: string) =>
    given.get(name) ?? given.get(short) ?? usual;
  const rotation = Number(get("rotation", "", "0"));
  if (rotation % 90 !== 0) throw new Refused("illegal rotation value");
  if (rotation % 180 !== 0) throw new Refused("transforms requiring transpose not supported");
  const codec = get("codec", "", "h264");
  if (!["h264", "yuv420"].includes(codec)) throw new Refused(`unrecognised codec ${codec}`);
  if (!["", "baseline", "main", "high"].includes(get("profile", "", ""))) {
    throw new Refused(`no such profile ${given.get("profile")}`);
  }
  return {
    ...{ width: Number(get("width", "", "640")), height: Number(get("height", "", "480")) },
    ...{ fps: Number(get("framerate", "", "30")), timeoutMs: Number(get("timeout", "t", "5000")) },
    filters: [
      ...(given.has("hflip") ? ["hflip"] : []),
      ...(given.has("vflip") ? ["vflip"] : []),
      ...(rotation === 180 ? ["hflip", "vflip"] : []),
    ],
    codec: get("output", "o", "") !== "-" ? "none" : codec === "h264" ? "h264" : "raw",
    ...{ inline: given.has("inline"), intra: Number(get("intra", "g", "60")) },
    ...{ bitrate: Number(get("bitrate", "b", "1000000")), flush: given.has("flush") },
    camera: Number(get("camera", "", "0")),
    verbose: Number(get("verbose", "v", "1")) >= 2,
  };
}

function askedOfRaspi(given: Values): Asked {
  const get = (name: string, short: string, usual: string) =>
    given.get(name) ?? given.get(short) ?? usual;
  const turns: Record<string, string[]> = {
    ...{ "0": [], "90": ["transpose=1"], "180": ["hflip", "vflip"], "270": ["transpose=2"] },
  };
  return {
    ...{ width: Number(get("width", "w", "1920")), height: Number(get("height", "h", "1080")) },
    ...{
      fps: Number(get("framerate", "fps", "30")),
      timeoutMs: Number(get("timeout", "t", "5000")),
    },
    filters: [
      ...(given.has("hflip") || given.has("hf") ? ["hflip"] : []),
      ...(given.has("vflip") || given.has("vf") ? ["vflip"] : []),
      ...turns[get("rotation", "rot", "0")]!,
    ],
    codec: get("raw", "r", "") === "-" ? "raw" : get("output", "o", "") === "-" ? "h264" : "none",
    inline: given.has("inline") || given.has("ih"),
    intra: Number(get("intra", "g", "60")),
    bitrate: Number(get("bitrate", "b", "17000000")),
    flush: given.has("flush") || given.has("fl"),
    ...{ camera: Number(get("camselect", "cs", "0")), verbose: false },
  };
}

const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
const alignUp = (value: number, by: number) => Math.ceil(value / by) * by;

function put(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** As C's stdio does it with a pipe: whole blocks at once, the rest with the next ones, or by flush. */
class Stdout {
  #kept: Uint8Array = new Uint8Array(0);

  write(bytes: Uint8Array, flush: boolean): void {
    const all = new Uint8Array(this.#kept.length + bytes.length);
    all.set(this.#kept);
    all.set(bytes, this.#kept.length);
    const end = flush ? all.length : all.length - all.length % 4096;
    put(all.subarray(0, end));
    this.#kept = all.slice(end);
  }
}

async function* pictures(asked: Asked, scenario: PiScenario, legacy: boolean) {
  const { width, height, fps, filters, codec, intra, bitrate } = asked;
  const source = scenario.picture ?? "smptebars";
  // raspivid turns within the picture's size; what is seen is all that is tested.
  const range = codec === "raw" && !legacy ? ":out_range=full" : "";
  const graph = [...filters, `scale=${width}:${height}${range}`, "format=yuv420p"].join(",");
  const x264 =
    `aud=1:repeat-headers=1:bframes=0:keyint=${intra}:min-keyint=${intra}:scenecut=0:slices=1`;
  const child = new Deno.Command("ffmpeg", {
    args: [
      ...["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi"],
      ...["-i", `${source}=size=${width}x${height}:rate=${fps}`, "-vf", graph],
      ...(codec === "raw" ? ["-f", "rawvideo", "-"] : [
        ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
        ...[
          "-profile:v",
          "baseline",
          "-b:v",
          `${bitrate}`,
          "-x264-params",
          x264,
          "-f",
          "h264",
          "-",
        ],
      ]),
    ],
    ...{ stdin: "null", stdout: "piped", stderr: "null" },
  }).spawn();
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  const size = 1.5 * width * height;
  for await (const bytes of child.stdout) {
    const all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    let begin = 0;
    if (codec === "raw") {
      for (; begin + size <= all.length; begin += size) yield all.slice(begin, begin + size);
    } else {
      for (let next = aud(all, 1); next > 0; next = aud(all, begin + 1)) {
        yield all.slice(begin, next);
        begin = next;
      }
    }
    rest = all.slice(begin);
  }
}

/** Where the next access unit delimiter begins, at or after `from`. */
function aud(bytes: Uint8Array, from: number): number {
  for (let i = from; i + 4 < bytes.length; i++) {
    const found = bytes[i] === 0 && bytes[i + 1] === 0 && bytes[i + 2] === 0 && bytes[i + 3] === 1;
    if (found && (bytes[i + 4]! & 0x1f) === 9) return i;
  }
  return -1;
}

/** Rows and planes as wide as the hardware likes them. */
function padded(picture: Uint8Array, asked: Asked, stride: number, rows: number): Uint8Array {
  const { width, height } = asked;
  const result = new Uint8Array(1.5 * stride * rows).fill(0xaa);
  let from = 0;
  let to = 0;
  for (
    const [across, down, pitch, lines] of [
      [width, height, stride, rows],
      [width / 2, height / 2, stride / 2, rows / 2],
      [width / 2, height / 2, stride / 2, rows / 2],
    ] as const
  ) {
    for (let y = 0; y < down; y++, from += across) {
      result.set(picture.subarray(from, from + across), to + y * pitch);
    }
    to += pitch * lines;
  }
  return result;
}

/** As the Pi's encoder gives it: without delimiters, with parameter sets at the start or at each key frame. */
function coded(unit: Uint8Array, withSets: boolean): Uint8Array {
  const kept = splitNalUnits(unit).filter((nal) => {
    const type = nal[0]! & 0x1f;
    return type !== 9 && type !== 6 && (withSets || (type !== 7 && type !== 8));
  });
  return new Uint8Array(kept.flatMap((nal) => [0, 0, 0, 1, ...nal]));
}

async function main(scenario: PiScenario, command: string, args: string[]): Promise<number> {
  const legacy = command === "raspivid";
  try {
    let asked = legacy
      ? askedOfRaspi(parseRaspi(args))
      : askedOfLibcamera(parseLibcamera(args, scenario));
    const { cameras = 1, align = 64 } = scenario;
    if (legacy && cameras === 0) {
      say("mmal: Cannot read camera info, keeping the defaults for OV5647");
      say("mmal: mmal_component_create_core: could not create component 'vc.ril.camera' (1)");
      say("mmal: Failed to create camera component");
      throw new Refused(
        "mmal: main: Failed to create camera component\nmmal: Camera is not detected. " +
          "Please check carefully the camera module is installed correctly.",
      );
    }
    if (cameras === 0) throw new Refused("no cameras available");
    if (asked.camera >= cameras) throw new Refused("selected camera is not available");
    if (scenario.busy) {
      throw new Refused("failed to acquire camera /base/soc/i2c0mux/i2c@1/imx219@10");
    }
    if (scenario.size) asked = { ...asked, width: scenario.size[0], height: scenario.size[1] };
    const { width, height, timeoutMs } = asked;
    if (!legacy) {
      say("[2:03:04.567890123] [4711]  INFO Camera camera_manager.cpp:325 libcamera v0.3.2+27");
      say(
        `[2:03:04.667890123] [4712]  INFO Camera camera.cpp:1197 configuring streams: (0) ` +
          `${width}x${height}-YUV420 (1) 640x480-SGBRG10_CSI2P`,
      );
    }
    if (timeoutMs > 0) setTimeout(() => Deno.exit(0), timeoutMs);
    const stdout = new Stdout();
    const [stride, rows] = legacy
      ? [alignUp(width, 32), alignUp(height, 16)]
      : [alignUp(width, align), height];
    let count = 0;
    for await (const picture of pictures(asked, scenario, legacy)) {
      if (count === scenario.silentAfter) await new Promise(() => setInterval(() => {}, 1000));
      if (count === scenario.diesAfter) throw new Refused("failed to start camera");
      const bytes = asked.codec === "raw"
        ? padded(picture, asked, stride, rows)
        : coded(picture, asked.inline || count === 0);
      if (asked.verbose) say(`Viewfinder frame ${count}`);
      if (asked.verbose && !scenario.quiet) {
        const broken = scenario.garbled && count % 3 !== 0 ? `Viewfinder frame ${count}\n` : "";
        say(`FileOutput: output buffer 0x7f8a${broken} size ${bytes.length}`);
      }
      if (asked.codec !== "none") stdout.write(bytes, asked.flush);
      count++;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(legacy ? error.message : `ERROR: *** ${error.message} ***`);
    return legacy ? 70 : 255;
  }
}

if (import.meta.main) {
  const [scenario, command, ...args] = Deno.args;
  Deno.exit(await main(JSON.parse(scenario!), command!, args));
}
