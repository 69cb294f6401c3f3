import { SystemCallError } from "../errors.ts";
import type { AudioFrame } from "../media/audio_frame.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { asVideoFrame, isEncodedVideo, type VideoLike } from "../media/video_like.ts";
import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { FFmpegProcess } from "./ffmpeg_process.ts";
import { masker } from "./ffmpeg_words.ts";
import {
  checkHolds,
  formatOf,
  recorderArgs,
  type RecorderFormat,
  type RecorderOptions,
} from "./recorder_args.ts";
import { RecorderClock } from "./recorder_clock.ts";
import { RecorderPipe } from "./recorder_pipe.ts";
import { RecorderTrack } from "./recorder_track.ts";
import { rows, SoundFitter, type SoundShape, streamsOf } from "./recorder_values.ts";

/** So much sound may wait to be written: 20 s in frames of 20 ms. */
const MAX_WAITING_AUDIO = 1000;
/** So many values are kept until all tracks have begun. */
const MAX_HELD = 500;
/** A microphone that is silent for so long when the pictures begin is taken for 48 kHz mono. */
const AUDIO_WAIT_MS = 2_000;

interface Held<T> {
  readonly value: T;
  readonly arrivalUs: number;
}

/** The two ways in, and what is known of them once the file has begun. */
interface Started {
  readonly pipe: RecorderPipe;
  readonly process: FFmpegProcess;
  readonly clock: RecorderClock;
  readonly video:
    | { readonly copy: boolean; readonly width: number; readonly height: number }
    | null;
  readonly audio: SoundShape | null;
  /** The number of the sound's stream. */
  readonly audioId: number;
}

/**
 * Writes pictures and sound into a WebM, MP4 or Matroska file.
 *
 * The file begins when each of `video` and `audio` that was given something has its first value, so give
 * both their sources at once. Pictures keep their own times, however unevenly they come; sound is kept in
 * step with them, with silence where there was none. The size is that of the first picture. Compressed
 * pictures (`EncodedVideo`) are written as they are, from the first key frame on.
 *
 * `close()` finishes the file and must be awaited: an MP4 that was not finished cannot be played. When
 * encoder or disk are too slow, the newest pictures are dropped and counted in `dropped`.
 *
 * Needs `--allow-run=ffmpeg` and nothing else: ffmpeg itself writes the file.
 *
 * ```ts no-run
 * import { FFmpegSource, Recorder } from "rtcbot";
 *
 * await using camera = new FFmpegSource("/dev/video0", { format: "v4l2" });
 * const recorder = new Recorder("drive.mp4");
 * recorder.video.putSubscription(camera.video);
 * await new Promise((resolve) => setTimeout(resolve, 10_000));
 * await recorder.close(); // recorder.error says if it did not work
 * ```
 *
 * It fails with `DeviceMissing` or `SystemCallError` and ffmpeg's last words, with `LibraryMissing` where
 * there is no ffmpeg, and with Deno's own error where it may not be run.
 */
export class Recorder extends Lifecycle {
  /** Takes frames, arrays of pixels, or compressed pictures; the kind of the first one is kept. */
  readonly video: RecorderTrack<VideoLike>;
  /** Takes sound of any rate; rate and channels of the first frame are kept. */
  readonly audio: RecorderTrack<AudioFrame>;
  readonly #path: string;
  readonly #options: RecorderOptions;
  readonly #format: RecorderFormat;
  readonly #heldVideo: Held<VideoLike>[] = [];
  readonly #heldAudio: Held<AudioFrame>[] = [];
  #started: Started | null = null;
  #audioWait: ReturnType<typeof setTimeout> | null = null;
  readonly #fitter = new SoundFitter();
  #written = 0;
  #dropped = 0;
  #needsKeyFrame = true;

  /**
   * Describes the file; ffmpeg starts with the first frame.
   *
   * @param path where to write, ending in `.webm`, `.mp4` or `.mkv`
   * @throws {TypeError} when the kind of file is not known
   */
  constructor(path: string, options: RecorderOptions = {}) {
    super({ ready: false });
    this.#path = path;
    this.#options = options;
    this.#format = formatOf(path, options);
    this.video = new RecorderTrack<VideoLike>((value) => this.#takeVideo(value));
    this.audio = new RecorderTrack<AudioFrame>((value) => this.#takeAudio(value));
  }

  /** How many pictures were handed to the encoder. */
  get written(): number {
    return this.#written;
  }

  /** How many pictures were dropped because encoder or disk were too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The number of the ffmpeg process, or `null` when none runs. */
  get pid(): number | null {
    const process = this.#started?.process;
    return process === undefined || process.gone ? null : process.pid;
  }

  /** Writes what was put, and has ffmpeg finish the file. */
  protected override async _close(): Promise<void> {
    if (this.#audioWait !== null) clearTimeout(this.#audioWait);
    if (this.error !== null) {
      this.video.fail(this.error);
      this.audio.fail(this.error);
      return await this.#started?.process.stop();
    }
    await Promise.all([this.video.finish(), this.audio.finish()]);
    if (this.#started === null && this.#heldVideo.length + this.#heldAudio.length > 0) {
      this.#start(); // one of the two never came
    }
    const started = this.#started as Started | null;
    if (started === null) return;
    const { finishTimeoutMs = 30_000 } = this.#options;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      started.process.stop();
    }, finishTimeoutMs);
    await started.pipe.end();
    const status = await started.process.ended;
    clearTimeout(timer);
    if (late) {
      throw new SystemCallError(
        `Cannot record to "${this.#path}": the file was not finished within ${finishTimeoutMs} ms; ` +
          "use a faster encoder or raise finishTimeoutMs",
        "ETIMEDOUT",
      );
    }
    if (!status.success) throw started.process.failure(status);
  }

  #takeVideo(value: VideoLike): Promise<void> | void {
    const held = { value, arrivalUs: performance.now() * 1000 };
    if (this.#started !== null) return this.#writeVideo(this.#started, held);
    if (
      this.#needsKeyFrame && isEncodedVideo(value) && this.#heldVideo.length === 0 &&
      !value.keyFrame
    ) {
      return;
    }
    this.#hold(this.#heldVideo, held);
  }

  #takeAudio(value: AudioFrame): Promise<void> | void {
    const held = { value, arrivalUs: performance.now() * 1000 };
    if (this.#started !== null) return this.#writeAudio(this.#started, held);
    this.#hold(this.#heldAudio, held);
  }

  /** Keeps what comes before all tracks have begun. */
  #hold<T>(line: Held<T>[], held: Held<T>): void {
    line.push(held);
    if (line.length > MAX_HELD) line.shift();
    const videoIsMissing = this.video.used && this.#heldVideo.length === 0;
    const audioIsMissing = this.audio.used && this.#heldAudio.length === 0;
    if (!videoIsMissing && !audioIsMissing) this.#start();
    else if (audioIsMissing) this.#audioWait ??= setTimeout(() => this.#start(), AUDIO_WAIT_MS);
    // Raw pictures are large: while a microphone is waited for, half a second of them is enough.
    if (this.#heldVideo.length > 15 && !isEncodedVideo(this.#heldVideo[0]!.value)) {
      this.#heldVideo.shift();
      this.#dropped++;
    }
  }

  #start(): void {
    if (this.#started !== null) return;
    if (this.#audioWait !== null) clearTimeout(this.#audioWait);
    try {
      this.#started = this.#begin();
    } catch (error) {
      if (this.closed) throw error; // it is being finished, and close() tells
      return this._setError(error);
    }
    this.#watch(this.#started.process);
    this._setReady();
    const [videos, audios] = [this.#heldVideo.splice(0), this.#heldAudio.splice(0)];
    while (videos.length + audios.length > 0) {
      const videoFirst = (videos[0]?.arrivalUs ?? Infinity) <= (audios[0]?.arrivalUs ?? Infinity);
      if (videoFirst) this.#writeVideo(this.#started, videos.shift()!);
      else this.#writeAudio(this.#started, audios.shift()!);
    }
  }

  #begin(): Started {
    const first = this.#heldVideo[0]?.value;
    const sound = this.#heldAudio[0]?.value;
    const video = first === undefined ? null : this.#videoOf(first);
    const audio = sound !== undefined || this.audio.used
      ? { sampleRateHz: sound?.sampleRateHz ?? 48_000, channels: sound?.channels ?? 1 }
      : null;
    const streams = streamsOf(first, video, audio, this.#options.fps ?? 30);
    const recorded = { video: video?.copy ? "copy" as const : video, audio: audio !== null };
    const mask = masker([this.#path]);
    const process = new FFmpegProcess({
      ffmpeg: this.#options.ffmpeg ?? "ffmpeg",
      args: recorderArgs(this.#path, this.#format, this.#options, recorded),
      pipe: "stdin",
      action: `Cannot record to "${mask(this.#path)}"`,
      mask,
    });
    const pipe = new RecorderPipe(process, streams);
    const clock = new RecorderClock();
    return { pipe, process, clock, video, audio, audioId: video === null ? 0 : 1 };
  }

  #videoOf(first: VideoLike): NonNullable<Started["video"]> {
    if (isEncodedVideo(first)) {
      checkHolds(this.#path, this.#format, first.codec);
      return { copy: true, width: first.width, height: first.height };
    }
    const frame = asVideoFrame(first, 0, "record");
    const [width, height] = this.#options.size ?? [frame.width, frame.height];
    // 4:2:0 with an odd side cannot be encoded by all.
    return { copy: false, width: Math.max(2, width & ~1), height: Math.max(2, height & ~1) };
  }

  #writeVideo(started: Started, { value, arrivalUs }: Held<VideoLike>): Promise<void> | void {
    const { pipe, clock, video } = started;
    if (video === null) return void this.#dropped++; // the file began without pictures
    const { whenSlow = "drop", maxWaiting = 15 } = this.#options;
    if (isEncodedVideo(value) !== video.copy) {
      return this._setError(
        new TypeError(
          `Cannot record to "${this.#path}": it began with ${video.copy ? "compressed" : "raw"} ` +
            "pictures and then came others; record them to a file of their own",
        ),
      );
    }
    const slow = whenSlow === "drop" && pipe.waiting(0) >= maxWaiting;
    const broken = isEncodedVideo(value) && this.#needsKeyFrame && !value.keyFrame;
    if (slow || broken) {
      this.#needsKeyFrame = true;
      return void this.#dropped++;
    }
    let frame: VideoFrame | EncodedVideo;
    try {
      frame = isEncodedVideo(value) ? value : asVideoFrame(value, arrivalUs, "record");
    } catch (error) {
      return this._setError(error);
    }
    const timestampUs = clock.stamp("video", frame.timestampUs, arrivalUs);
    if (timestampUs === null) return;
    this.#needsKeyFrame = false;
    this.#written++;
    const keyFrame = isEncodedVideo(frame) ? frame.keyFrame : true;
    const pieces = isEncodedVideo(frame)
      ? [frame.data]
      : rows(frame.resize(video.width, video.height));
    const written = pipe.put({ stream: 0, timestampUs, keyFrame, pieces });
    if (whenSlow === "wait") return written;
  }

  #writeAudio(started: Started, { value, arrivalUs }: Held<AudioFrame>): Promise<void> | void {
    const { pipe, clock, audio, audioId } = started;
    if (audio === null || pipe.waiting(audioId) >= MAX_WAITING_AUDIO) return;
    const { samples, earlierUs } = this.#fitter.fit(value, audio);
    const timestampUs = clock.stamp("audio", value.timestampUs - earlierUs, arrivalUs);
    if (timestampUs === null || samples.length === 0) return;
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    const written = pipe.put({ stream: audioId, timestampUs, keyFrame: true, pieces: [bytes] });
    if (this.#options.whenSlow === "wait") return written;
  }

  /** An ffmpeg that ends before it was asked to has failed, or has had enough (`-t` among its arguments). */
  async #watch(process: FFmpegProcess): Promise<void> {
    const status = await process.ended;
    if (status.success) this.close();
    else this._setError(process.failure(status)); // has no effect once it is being closed
  }
}
