import { asAudioFrame, type AudioLike } from "../media/audio_like.ts";
import { SubscriptionConsumer } from "../subscriptions/consumer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { report } from "../subscriptions/report.ts";
import { writableTo } from "../subscriptions/streams.ts";
import { closedError } from "../subscriptions/subscription.ts";
import { CatchUp } from "./sound_pace.ts";
import { named, type SoundDevice, type SoundOutput, type SoundTime } from "./sound_port.ts";
import { SoundRun } from "./sound_run.ts";
import { SoundStore } from "./sound_store.ts";
import {
  checkSound,
  listSound,
  realOutputs,
  type SoundListOptions,
  type SoundOptions,
  type SoundWorld,
} from "./sound_systems.ts";

/** Options of {@linkcode Speaker}. */
export interface SpeakerOptions extends SoundOptions {
  /**
   * How many channels are played; what is put with others is remixed, and so does the sound server.
   * @default {2}
   */
  readonly channels?: number;
  /**
   * How much sound lies ready at the device, in milliseconds: the least delay, and how late the next block may
   * come before a gap is heard.
   * @default {50}
   */
  readonly latencyMs?: number;
  /**
   * When what is put waits longer than this until it sounds, the oldest is dropped. One block that lasts
   * longer is played to its end.
   * @default {250}
   */
  readonly maxLatencyMs?: number;
}

/** Blocks that wait while the device is being opened, or are put in one go. */
const MAX_EARLY = 64;
/** Who runs dry and gets nothing for so long had nothing more to say. */
const PAUSE_MS = 1000;

/**
 * Plays what is put: frames, or arrays of samples of shape `(samples, channels)`, at any rate, mono or stereo,
 * in blocks of any length. On Linux through PulseAudio or PipeWire, or else ALSA; needs `--allow-ffi` only.
 *
 * What comes too fast is dropped, the oldest first, so the delay stays bounded, and what comes a little too
 * fast is played a little faster. When too little comes, it is silent until it has its store of `latencyMs`
 * again. A source is not read before it is `ready`.
 *
 * ```ts no-run
 * import { Speaker, tone } from "rtcbot";
 *
 * await using speaker = new Speaker();
 * await speaker.onReady();
 * speaker.put_nowait(tone(0, { frequencyHz: 880, samples: 24_000 })); // half a second
 * await speaker.drained();
 * ```
 *
 * To play a file as long as it lasts, give it to `writable`, which takes no more than can be played.
 *
 * It fails with `DeviceMissing` when there is none or it was unplugged, with `DeviceBusy`, or with
 * `SystemCallError` when the sound server hangs. With `reopen` it goes on when it is back.
 *
 * RTCBot: `Speaker`.
 */
export class Speaker extends SubscriptionConsumer<AudioLike> {
  readonly #rate: number;
  readonly #aimMs: number;
  readonly #maxMs: number;
  readonly #time: SoundTime;
  readonly #run: SoundRun<SoundOutput>;
  #store: SoundStore | null = null;
  #droppedBefore = 0;
  /** What was put at once, or before it was ready, and was too much even for that. */
  readonly #tooEarlyMs: () => number;
  #putMs = 0;
  #ranDryMs: number | null = null;
  #underruns = 0;
  /** Something was written since it last began by itself or was made to begin. */
  #unstarted = false;
  #endsMs = 0;
  readonly #pace = new CatchUp();
  #waiting: { quiet: boolean; resolve(): void; reject(error: Error): void }[] = [];

  /**
   * Begins to open it; `ready` when it is.
   *
   * @param world where sound goes; `rtcbot/testing` has another
   * @throws {RangeError} when an option is of no use
   */
  constructor(options: SpeakerOptions = {}, world: SoundWorld<SoundOutput> = realOutputs) {
    const { channels = 2, latencyMs = 50, device = null, sampleRate = 48_000 } = options;
    const { maxLatencyMs = Math.max(250, 3 * latencyMs) } = options;
    checkSound("playback", options);
    checkLatency(channels, latencyMs, maxLatencyMs);
    let tooEarlyMs = 0;
    const onDrop = (value: AudioLike) =>
      tooEarlyMs += asAudioFrame(value, sampleRate, 0, "play").durationUs / 1000;
    super({ ready: false, directPutSubscription: () => new Queue({ maxSize: MAX_EARLY, onDrop }) });
    this.#tooEarlyMs = () => tooEarlyMs;
    this.#rate = sampleRate;
    this.#aimMs = latencyMs;
    this.#maxMs = maxLatencyMs;
    this.#time = world.time;
    const portOptions = {
      ...{ device, channels, sampleRateHz: sampleRate, server: options.server ?? null },
      bufferSamples: Math.round(latencyMs * sampleRate / 1000),
    };
    this.#run = new SoundRun<SoundOutput>({
      direction: "playback",
      device,
      openers: world.openers(options).map((open) => () => open(portOptions)),
      time: world.time,
      reopen: options.reopen ?? false,
      opened: (port) => this.#opened(port),
      work: (port) => this.#work(port),
      failed: (error) => this._setError(error),
    });
  }

  /** The speakers here. */
  static list(options: SoundListOptions = {}): Promise<SoundDevice[]> {
    return listSound("playback", options);
  }

  /** What it plays to, or `null` while it is not there. */
  get device(): SoundDevice | null {
    return this.#run.port?.device ?? null;
  }

  /** How long from now until a sample sounds that is put now, in milliseconds. */
  get latencyMs(): number {
    return this.#storedMs + (this.#run.port?.latencyMs ?? 0);
  }

  /** How many times it fell silent amidst the sound because nothing came in time. */
  get underruns(): number {
    return this.#underruns;
  }

  /** How much sound was dropped because it came too fast, in milliseconds. */
  get droppedMs(): number {
    const dropped = (this.#store?.dropped ?? 0) + this.#droppedBefore;
    return dropped * 1000 / this.#rate + this.#tooEarlyMs();
  }

  /**
   * Plays a value.
   * @throws {TypeError} when it is no sound
   * @throws {SubscriptionClosed} when it is closed
   */
  override put_nowait(value: AudioLike): void {
    super.put_nowait(asAudioFrame(value, this.#rate, 0, "play"));
  }

  /** A new stream whose values are played. It takes no more than can be played, so nothing is dropped. */
  override get writable(): WritableStream<AudioLike> {
    this._refuseIfClosed("write a stream into");
    return writableTo((value) => this.put_nowait(value), () => this.#wait(false));
  }

  /** Resolves when all that was put has sounded. @throws {SubscriptionClosed} when it is closed before */
  drained(): Promise<void> {
    this._refuseIfClosed("wait for");
    return this.#wait(true);
  }

  /** Lets go of the device; what has not sounded yet is dropped. */
  protected override async _close(): Promise<void> {
    const error = this.error ?? closedError("wait for", this.constructor.name);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    await this.#run.close();
  }

  get #storedMs(): number {
    return (this.#store?.samples ?? 0) * 1000 / this.#rate;
  }

  #wait(quiet: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // harms nobody who did not wait for it
    this.#waiting.push({ quiet, resolve, reject });
    return promise;
  }

  #opened(port: SoundOutput): void {
    const perMs = this.#rate / 1000;
    this.#droppedBefore += this.#store?.dropped ?? 0;
    const first = this.#store === null;
    // What lies at the device counts too; the two together are what is bounded.
    this.#store = new SoundStore({
      ...{ channels: port.channels, sampleRateHz: this.#rate },
      maxSamples: (this.#maxMs - this.#aimMs) * perMs,
      keptSamples: this.#aimMs * perMs,
    });
    this.#putMs = this.#time.now(); // what was put before is on its way
    this._setReady();
    if (first) this.#take();
  }

  /** Takes whatever is put, for as long as it lives. */
  async #take(): Promise<void> {
    const sayOnce = once((error) => report(`${this.constructor.name} cannot play a value`, error));
    for (;;) {
      let value: AudioLike;
      try {
        value = await this._get();
      } catch {
        return; // closed
      }
      this.#putMs = this.#time.now();
      this.#store!.speed = this.#pace.speed(this.#storedMs, this.#putMs);
      try {
        this.#store!.put(asAudioFrame(value, this.#rate, 0, "play")); // what a source gives was not looked at yet
      } catch (error) {
        sayOnce(error);
        continue;
      }
      this.#run.poll();
    }
  }

  /** @returns false when it should take sound and does not */
  #work(port: SoundOutput): boolean {
    const nowMs = this.#time.now();
    const store = this.#store!;
    if (port.ranDry()) {
      this.#ranDryMs = nowMs;
      this.#unstarted = false;
    }
    const { room } = port;
    const samples = store.take(room);
    if (samples.length > 0) {
      if (this.#ranDryMs !== null && nowMs - this.#ranDryMs < PAUSE_MS) this.#underruns++;
      this.#ranDryMs = null;
      port.write(samples);
      this.#unstarted = true;
      this.#endsMs = nowMs + this.#aimMs;
    }
    if (store.samples === 0) this.#finish(port, nowMs);
    return room > 0 || store.samples === 0;
  }

  /** Nothing waits here any more: what the device has is played, however little it is. */
  #finish(port: SoundOutput, nowMs: number): void {
    this.#release(false);
    if (nowMs - this.#putMs < this.#aimMs) return;
    if (this.#unstarted) {
      this.#unstarted = false;
      port.start();
      this.#endsMs = nowMs + (port.latencyMs ?? this.#aimMs);
    }
    if (nowMs >= this.#endsMs) this.#release(true);
  }

  #release(quiet: boolean): void {
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter((each) => quiet || !each.quiet);
    this.#waiting = this.#waiting.filter((each) => !ready.includes(each));
    for (const { resolve } of ready) resolve();
  }
}

function once(fn: (error: unknown) => void): (error: unknown) => void {
  let done = false;
  return (error) => {
    if (!done) fn(error);
    done = true;
  };
}

function checkLatency(channels: number, latencyMs: number, maxLatencyMs: number): void {
  const action = `Cannot open ${named("playback", null)}`;
  if (!(Number.isInteger(channels) && channels >= 1 && channels <= 32)) {
    throw new RangeError(`${action}: ${channels} channels; give a whole number from 1 to 32`);
  }
  if (!(latencyMs >= 5 && latencyMs <= 2000)) {
    throw new RangeError(`${action}: a latency of ${latencyMs} ms; give 5 to 2000`);
  }
  if (!(maxLatencyMs >= 2 * latencyMs && maxLatencyMs < Infinity)) {
    throw new RangeError(
      `${action}: it may be ${maxLatencyMs} ms late at most; give at least twice its latency of ${latencyMs} ms`,
    );
  }
}
