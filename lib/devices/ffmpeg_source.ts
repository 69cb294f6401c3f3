import { LibraryMissing, SystemCallError } from "../errors.ts";
import type { AudioFrame } from "../media/audio_frame.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { Queue } from "../subscriptions/queue.ts";
import type { NutPacket, NutStream } from "../wire/nut.ts";
import { NutReader } from "../wire/nut_reader.ts";
import { FFmpegProcess } from "./ffmpeg_process.ts";
import {
  checkOptions,
  type FFmpegSourceOptions,
  isLiveAddress,
  sourceArgs,
  type TrackKind,
} from "./ffmpeg_source_args.ts";
import { type EncodedAudio, FFmpegTrack } from "./ffmpeg_track.ts";
import {
  audioFrames,
  encodedAudio,
  encodedVideo,
  type Maker,
  videoFrames,
} from "./ffmpeg_values.ts";
import { masker } from "./ffmpeg_words.ts";

/** What a reader that is late may be behind, in packets: 10 s of sound. */
const AUDIO_QUEUE = 500;
/** And of compressed pictures, which cannot be skipped one by one: 4 s. */
const ENCODED_QUEUE = 120;
const LONGEST_PAUSE_MS = 30_000;
/** Who has given data for so long was well, and is restarted after the short pause again. */
const WELL_MS = 10_000;

/** What the tracks of a run make of its packets; null before its streams are known. */
type Feed = (packet: NutPacket, timestampUs: number) => void;

/**
 * Anything that ffmpeg can read, as producers: a file, an RTSP camera, the screen, a synthetic picture,
 * a capture device on macOS or Windows.
 *
 * `video` gives `I420` frames, the newest only; `audio` gives 48 kHz frames of 960 samples; `encoded` and
 * `encodedAudio` give H.264, VP8, VP9 and Opus as they are, without decoding, in the order of decoding.
 * All come from one ffmpeg process and share one clock, that of `performance.now()`, so they are in step.
 *
 * ffmpeg starts when the first of them gets a subscriber, and runs until `close()` or the end of the
 * input; without `restart` the source then closes too. It makes what has subscribers when it starts: who
 * subscribes to another kind later makes it start anew, unless the option `video` or `audio` was set.
 * Everything is read at once and a slow reader misses old values, so none holds up the others.
 *
 * Needs `--allow-run=ffmpeg` and nothing else: ffmpeg itself opens files, devices and addresses. Other
 * users of the machine can see its arguments, also passwords in addresses; our errors show none.
 *
 * ```ts no-run
 * import { FFmpegSource } from "rtcbot";
 *
 * await using camera = new FFmpegSource("rtsp://user:password@192.168.1.20/stream", {
 *   restart: "on-exit",
 * });
 * for await (const frame of camera.video) console.log(frame.width, frame.height);
 * ```
 *
 * It fails with `DeviceMissing`, `DeviceBusy` or `SystemCallError` and ffmpeg's last words, with
 * `LibraryMissing` where there is no ffmpeg, and with Deno's own error where it may not be run.
 */
export class FFmpegSource extends Lifecycle {
  /** `I420` frames, BT.601, limited range; newest only by default. Their memory is theirs. */
  readonly video: FFmpegTrack<VideoFrame>;
  /** Sound of shape `(960, channels)` at 48 kHz, queued up to 10 s. Gaps are filled with silence. */
  readonly audio: FFmpegTrack<AudioFrame>;
  /** H.264 (Annex B, parameter sets before each key frame), VP8 or VP9, queued up to 4 s. */
  readonly encoded: FFmpegTrack<EncodedVideo>;
  /** Opus packets, queued up to 10 s. */
  readonly encodedAudio: FFmpegTrack<EncodedAudio>;
  readonly #input: string;
  readonly #options: FFmpegSourceOptions;
  readonly #mask: (text: string) => string;
  readonly #action: string;
  #process: FFmpegProcess | null = null;
  /** What the process makes. */
  #made: readonly TrackKind[] = [];
  #starting: ReturnType<typeof setTimeout> | null = null;
  #running: Promise<void> | null = null;
  /** Ends the pause before a restart. */
  #wake: (() => void) | null = null;
  #again = false;
  #lastUs = -Infinity;
  #starts = 0;

  /**
   * Describes the source; nothing is started yet.
   *
   * @param input what ffmpeg's `-i` takes: a path, an address, a device, a graph of filters
   * @throws {TypeError} when it is empty
   * @throws {RangeError} when size or fps is of no use
   */
  constructor(input: string, options: FFmpegSourceOptions = {}) {
    super({ ready: false });
    checkOptions(input, options);
    this.#input = input;
    this.#options = options;
    this.#mask = masker([input, ...options.inputArgs ?? []]);
    this.#action = `Cannot read "${this.#mask(input)}"`;
    const wish = () => this.#wish();
    this.video = new FFmpegTrack<VideoFrame>(() => new MostRecentSubscription(), wish);
    this.audio = new FFmpegTrack<AudioFrame>(() => new Queue({ maxSize: AUDIO_QUEUE }), wish);
    this.encoded = new FFmpegTrack<EncodedVideo>(() => new Queue({ maxSize: ENCODED_QUEUE }), wish);
    this.encodedAudio = new FFmpegTrack<EncodedAudio>(
      () => new Queue({ maxSize: AUDIO_QUEUE }),
      wish,
    );
  }

  /** How many times ffmpeg was started. */
  get starts(): number {
    return this.#starts;
  }

  /** The number of the ffmpeg process, or `null` when none runs. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Ends ffmpeg and closes the producers. */
  protected override async _close(): Promise<void> {
    if (this.#starting !== null) clearTimeout(this.#starting);
    this.#wake?.();
    const tracks = [this.video, this.audio, this.encoded, this.encodedAudio];
    for (const track of tracks) {
      if (this.error !== null) track.fail(this.error);
      track.close();
    }
    await this.#process?.stop();
    await this.#running;
  }

  /** Somebody subscribed. What else is subscribed to in the same turn starts along with it. */
  #wish(): void {
    if (this.closed || this.#starting !== null) return;
    this.#starting = setTimeout(() => {
      this.#starting = null;
      if (this.#running === null) this.#running = this.#run();
      else if (this.#wanted().some((kind) => !this.#made.includes(kind))) {
        this.#again = true;
        this.#process?.stop();
        this.#wake?.();
      }
    }, 0);
  }

  #wanted(): TrackKind[] {
    const { video = false, audio = false } = this.#options;
    return [
      ...(video || this.video.wanted ? ["video" as const] : []),
      ...(audio || this.audio.wanted ? ["audio" as const] : []),
      ...(this.encoded.wanted ? ["encoded" as const] : []),
      ...(this.encodedAudio.wanted ? ["encodedAudio" as const] : []),
    ];
  }

  async #run(): Promise<void> {
    const { restart = "never", restartPauseMs = 500 } = this.#options;
    let pauseMs = restartPauseMs;
    while (!this.closed) {
      this.#again = false;
      const startedMs = performance.now();
      const failure = await this.#once();
      if (this.closed) return;
      if (this.#again) continue;
      const hopeless = failure instanceof LibraryMissing ||
        failure instanceof Deno.errors.NotCapable ||
        failure instanceof Deno.errors.PermissionDenied;
      if (restart === "never" || hopeless) {
        if (failure === null) this.close();
        else this._setError(failure);
        return;
      }
      if (performance.now() - startedMs > WELL_MS) pauseMs = restartPauseMs;
      await this.#pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = end;
    });
  }

  /** One run of ffmpeg. @returns why it failed, or null if the input just ended */
  async #once(): Promise<Error | null> {
    const tracks = this.#made = this.#wanted();
    const { ffmpeg = "ffmpeg" } = this.#options;
    const args = sourceArgs(this.#input, this.#options, tracks);
    let process: FFmpegProcess;
    try {
      process = new FFmpegProcess({
        ...{ ffmpeg, args, pipe: "stdout", action: this.#action, mask: this.#mask },
      });
    } catch (error) {
      return error as Error;
    }
    this.#process = process;
    this.#starts++;
    const stall = this.#watchForStall(process);
    let failure: unknown = null;
    try {
      await process.read(this.#taker(tracks, stall.alive));
    } catch (error) {
      failure = error;
      process.kill("SIGKILL"); // nobody reads it any more
    }
    const status = await process.ended;
    stall.end();
    this.#process = null;
    if (failure instanceof Error) return failure;
    if (stall.error !== null) return stall.error;
    return status.success ? null : process.failure(status);
  }

  /** Turns the bytes of one run into values. */
  #taker(tracks: readonly TrackKind[], alive: () => void): (bytes: Uint8Array) => void {
    const reader = new NutReader();
    let feeds: readonly Feed[] | null = null;
    let offsetUs: number | null = null;
    return (bytes) => {
      alive();
      for (const packet of reader.push(bytes)) {
        if (this.closed) return;
        feeds ??= this.#begin(tracks, reader.streams);
        offsetUs ??= Math.max(performance.now() * 1000, this.#lastUs + 1000) - packet.timestampUs;
        const timestampUs = Math.round(packet.timestampUs + offsetUs);
        this.#lastUs = Math.max(this.#lastUs, timestampUs);
        feeds[packet.stream]?.(packet, timestampUs);
      }
    };
  }

  #begin(tracks: readonly TrackKind[], streams: readonly NutStream[]): Feed[] {
    const feeds = tracks.map((kind, id): Feed => {
      const stream = streams[id]!;
      switch (kind) {
        case "video":
          return feed(this.video, videoFrames(stream));
        case "audio":
          return feed(this.audio, audioFrames(stream));
        case "encoded":
          return feed(this.encoded, encodedVideo(stream, this.#action));
        case "encodedAudio":
          return feed(this.encodedAudio, encodedAudio(stream, this.#action));
      }
    });
    this._setReady();
    return feeds;
  }

  #watchForStall(process: FFmpegProcess): Stall {
    const { stallTimeoutMs = isLiveAddress(this.#input) ? 10_000 : 0 } = this.#options;
    let lastMs = performance.now();
    const stall: Stall = { error: null, alive: () => lastMs = performance.now(), end: () => {} };
    if (stallTimeoutMs <= 0) return stall;
    const periodMs = Math.max(50, stallTimeoutMs / 4);
    let tickMs = lastMs;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      // If the whole program was held up, what came meanwhile has not been read yet.
      if (nowMs - tickMs > 2 * periodMs) lastMs = nowMs;
      tickMs = nowMs;
      if (nowMs - lastMs < stallTimeoutMs) return;
      stall.error ??= new SystemCallError(
        `${this.#action}: nothing has come for ${stallTimeoutMs} ms; check the cable or the address`,
        "ETIMEDOUT",
      );
      process.stop();
    }, periodMs);
    stall.end = () => clearInterval(timer);
    return stall;
  }
}

interface Stall {
  error: Error | null;
  alive(): void;
  end(): void;
}

function feed<T>(track: FFmpegTrack<T>, make: Maker<T>): Feed {
  track.begin();
  return (packet, timestampUs) => track.give(make(packet, timestampUs));
}
