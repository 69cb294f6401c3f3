import { LibraryMissing } from "../errors.ts";
import type { CompressingSource, EncodedVideo } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { type AccessUnit, AccessUnitReader } from "../wire/h264_access_units.ts";
import { Preprocessor } from "./camera_preprocess.ts";
import { CommandProcess } from "./command_process.ts";
import { encodedVideo, type Maker } from "./ffmpeg_values.ts";
import { pause } from "./pause.ts";
import {
  commandsFor,
  isLegacy,
  libcameraArgs,
  NEWER_OPTIONS,
  type PiCameraOptions,
  type PiOutput,
  type PiWish,
  piWish,
  raspividArgs,
} from "./pi_camera_args.ts";
import { PiDecoding } from "./pi_camera_decoding.ts";
import { PiCameraEncoded } from "./pi_camera_encoded.ts";
import { legacyLayout, PiPictures } from "./pi_camera_pictures.ts";
import { noCommand, PI_ACTION, piFailure, readPiLine, unknownOption } from "./pi_camera_words.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** What is made of the bytes of one run. */
interface Reading {
  /** The next piece has so many bytes. */
  announce(bytes: number): void;
  push(bytes: Uint8Array, nowUs: number): void;
  resize(width: number, height: number): void;
}

/**
 * The camera of a Raspberry Pi, by the command that Raspberry Pi OS has for it: `rpicam-vid`, in older
 * versions `libcamera-vid`, in the legacy stack `raspivid`.
 *
 * Gives `I420` frames that own their memory, the newest only. `encoded` is the H.264 of the Pi's own encoder,
 * which viewers get: `conn.video.putSubscription(camera)` costs the processor next to nothing. Its bit rate does
 * not follow their networks; `addTrack(camera, { bitrate })` has frames encoded instead.
 * The camera makes either raw pictures or H.264. It begins with what is subscribed to in the turn in which it
 * was made; when `encoded` gets its first subscriber later, it starts anew, which takes about a second, and
 * who also wants frames gets decoded ones (libavcodec).
 *
 * It is opened at construction; `ready` comes with the first picture. Needs `--allow-run=rpicam-vid` (and the
 * names of the other commands, where those are meant), and `--allow-ffi` for decoding.
 *
 * Tried against a stand-in that takes the arguments which the commands' sources name, not yet on a Pi.
 *
 * ```ts no-run
 * import { PiCamera } from "rtcbot";
 *
 * await using camera = new PiCamera({ width: 640, height: 480, rotation: 180 });
 * for await (const frame of camera) console.log(frame.width, frame.height);
 * ```
 *
 * It fails with `DeviceMissing` when the command finds no camera, `DeviceBusy` when another program has it,
 * `LibraryMissing` when there is no such command, `SystemCallError` when it ends, all with its last words,
 * and with Deno's own error where it may not be run.
 *
 * RTCBot: `PiCamera` and `PiCamera2`, which are one here; the command is chosen by what the system has.
 */
export class PiCamera extends SubscriptionProducer<VideoFrame> implements CompressingSource {
  /** The Pi's own H.264, with a key frame about every second (`intra`). */
  readonly encoded: PiCameraEncoded = new PiCameraEncoded();
  readonly #options: PiCameraOptions;
  readonly #wish: PiWish;
  readonly #commands: readonly string[];
  readonly #preprocessor: Preprocessor | null;
  readonly #decoding: PiDecoding;
  readonly #running: Promise<void>;
  readonly #closing = new AbortController();
  /** Options that the command turned out not to know. */
  readonly #refused = new Set<string>();
  #command: string | null = null;
  #process: CommandProcess | null = null;
  #output: PiOutput = "raw";
  /** It was stopped to make something else. */
  #again = false;
  #starts = 0;
  #pictures = 0;

  /**
   * Begins to open it.
   *
   * @param options see {@linkcode PiCameraOptions}
   * @throws {RangeError | TypeError} when they make no sense
   */
  constructor(options: PiCameraOptions = {}) {
    super({ ready: false, defaultSubscription: () => new MostRecentSubscription() });
    this.#wish = piWish(options);
    this.#options = options;
    this.#commands = commandsFor(options);
    const failed = (error: unknown) => this._setError(error);
    const { preprocess } = options;
    this.#preprocessor = preprocess === undefined
      ? null
      : new Preprocessor(preprocess, { give: (frame) => this._put_nowait(frame), failed });
    this.#decoding = new PiDecoding((frame) => this.#give(frame), failed);
    this.#running = this.#run();
  }

  /** What connections pass on: the Pi's own H.264, unless `preprocess` alters its frames. */
  get passThrough(): PiCameraEncoded | null {
    return this.#preprocessor === null && !this.encoded.closed ? this.encoded : null;
  }

  /** The command that was found; `null` before that. */
  get command(): string | null {
    return this.#command;
  }

  /** The number of the command's process, or `null` when none runs. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** How many times a command was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Ends the command. */
  protected override async _close(): Promise<void> {
    this.#closing.abort();
    if (this.error !== null) this.encoded.fail(this.error);
    this.encoded.close();
    await this.#process?.stop();
    await this.#running;
    this.#decoding.close();
    await this.#preprocessor?.close();
  }

  async #run(): Promise<void> {
    await pause(0, this.#closing.signal); // until it is known what is subscribed to
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.closed) {
      this.#again = false;
      this.#output = this.encoded.wanted ? "h264" : "raw";
      const before = this.#pictures;
      const failure = await this.#once();
      if (this.closed) return;
      if (this.#again) continue;
      const hopeless = failure instanceof LibraryMissing || !(failure instanceof Error) ||
        failure instanceof Deno.errors.NotCapable || failure instanceof RangeError;
      if (!this.#options.reconnect || hopeless) return this._setError(failure);
      if (this.#pictures > before) pauseMs = FIRST_PAUSE_MS;
      await pause(pauseMs, this.#closing.signal);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** One run of the command. @returns why it ended */
  async #once(): Promise<unknown> {
    let failure: unknown = null;
    let reading: Reading | null = null;
    /** What is wrong with the stream ends the run. */
    const guarded = (work: () => void) => {
      try {
        work();
      } catch (error) {
        failure ??= error;
        this.#process?.kill("SIGKILL");
      }
    };
    const onLine = (line: string) => {
      const { kept, pieceBytes, size } = readPiLine(line);
      if (size !== undefined) guarded(() => reading?.resize(...size));
      if (pieceBytes !== undefined) guarded(() => reading?.announce(pieceBytes));
      return kept;
    };
    let process: CommandProcess;
    try {
      process = this.#process = this.#start(onLine);
    } catch (error) {
      return error;
    }
    reading = this.#output === "h264" ? this.#readH264() : this.#readRaw();
    await process.read((bytes) => {
      guarded(() => reading?.push(bytes, performance.now() * 1000));
    }).catch((error) => failure ??= error);
    const status = await process.ended;
    this.#process = null;
    this.#decoding.skip();
    if (failure !== null) return failure;
    const option = unknownOption(process.said);
    if (option !== null && NEWER_OPTIONS.some(([name]) => name === option)) {
      if (!this.#refused.has(option)) this.#again = true;
      this.#refused.add(option);
    }
    return piFailure(this.#command!, process.said, status);
  }

  /** @throws {LibraryMissing} when there is none of the commands */
  #start(onLine: (line: string) => boolean): CommandProcess {
    let missing: unknown;
    let denied: unknown;
    for (const command of this.#command === null ? this.#commands : [this.#command]) {
      const args = isLegacy(command)
        ? raspividArgs(this.#wish, this.#output)
        : libcameraArgs(this.#wish, this.#output, this.#refused);
      try {
        const process = new CommandProcess({ program: command, args, pipe: "stdout", onLine });
        this.#command = command;
        this.#starts++;
        return process;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) missing ??= error;
        else if (error instanceof Deno.errors.NotCapable) denied ??= error;
        else throw error;
      }
    }
    if (denied !== undefined) throw denied; // one that is here, or it would be missing
    throw noCommand(this.#commands, missing);
  }

  #readRaw(): Reading {
    const { width, height } = this.#wish;
    const pictures = isLegacy(this.#command!)
      ? new PiPictures(width, height, legacyLayout(width, height), false)
      : new PiPictures(width, height, null, true);
    const give = (frames: VideoFrame[]) => frames.forEach((frame) => this.#raw(frame));
    return {
      announce: (bytes) => give(pictures.announce(bytes)),
      push: (bytes, nowUs) => give(pictures.push(bytes, nowUs)),
      resize: (...size) => pictures.resize(...size),
    };
  }

  #raw(frame: VideoFrame): void {
    this.#arrived();
    this.#give(frame);
    if (!this.encoded.wanted || this.#again) return;
    this.#again = true;
    this.#process?.stop();
  }

  #readH264(): Reading {
    const { width, height } = this.#wish;
    const make = encodedVideo({
      ...{ kind: "video", fourcc: "H264", extradata: new Uint8Array(0), width, height },
      ...{ fps: this.#wish.fps, sampleRateHz: 0, channels: 0 },
    }, PI_ACTION);
    const reader = new AccessUnitReader();
    const state = { started: false };
    const give = (units: AccessUnit[]) => units.forEach((unit) => this.#coded(unit, make, state));
    return {
      announce: (bytes) => give(reader.announce(bytes)),
      push: (bytes, nowUs) => give(reader.push(bytes, nowUs)),
      resize: () => {}, // the stream says so itself
    };
  }

  #coded(unit: AccessUnit, make: Maker<EncodedVideo>, state: { started: boolean }): void {
    if (this.closed) return;
    const { data, timestampUs } = unit;
    const chunk = make({ stream: 0, data, keyFrame: false, timestampUs }, timestampUs);
    state.started ||= chunk.keyFrame;
    if (!state.started) return;
    this.#arrived();
    this.encoded.begin();
    this.encoded.give(chunk);
    if (this._hasSubscribers) this.#decoding.push(chunk);
    else this.#decoding.skip();
  }

  #arrived(): void {
    this.#pictures++;
    this._setReady();
  }

  #give(frame: VideoFrame): void {
    if (this.closed || !this._hasSubscribers) return;
    if (this.#preprocessor === null) this._put_nowait(frame);
    else this.#preprocessor.push(frame);
  }
}
