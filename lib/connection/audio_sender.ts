/**
 * One encoder for all who listen to the same source: a frame is encoded once, and what a further
 * listener costs is its packets' encryption and sending. With the last listener the encoder is freed and
 * the source let go. See {@linkcode AudioPacketizer} for what becomes of gaps and of haste.
 */
import type { AudioEncoder, AudioEncoderOptions } from "../codecs/audio_codec.ts";
import { OpusEncoder } from "../codecs/opus.ts";
import { SubscriptionClosed } from "../errors.ts";
import { AudioPacketizer } from "../media/audio_packetizer.ts";
import { producerOf } from "../subscriptions/origin.ts";
import { Queue } from "../subscriptions/queue.ts";
import { asError } from "../subscriptions/report.ts";
import type { Sink, Source } from "../subscriptions/types.ts";
import { type AudioClock, systemAudioClock } from "./audio_clock.ts";
import { asAudioFrame, type AudioLike } from "../media/audio_like.ts";

/** Who listens. Its calls must not block and must not throw. */
export interface AudioListener {
  /** An Opus packet of 20 ms; all listeners are given the same bytes. */
  packet(payload: Uint8Array<ArrayBuffer>, timestamp48kHz: number, marker: boolean): void;
  /** The encoder or the source failed, and no packet will follow. */
  failed(error: Error): void;
}

/** How a source is encoded. */
export interface AudioSendingOptions
  extends Pick<AudioEncoderOptions, "channels" | "bitrate" | "application" | "complexity"> {
  /** The rate of samples that come without one. @default {48000} */
  readonly sampleRate?: number;
  /** Whether sound may be left out when it comes faster than it can be heard. @default {true} */
  readonly canSkip?: boolean;
}

/** What the outside world is made of; tests give their own. */
export interface AudioSendingWorld {
  readonly clock: AudioClock;
  createEncoder(options: AudioEncoderOptions): AudioEncoder;
}

const WORLD: AudioSendingWorld = {
  clock: systemAudioClock,
  createEncoder: (options) => new OpusEncoder(options),
};

/** Blocks that wait, if sound may be left out, and if it may not: some seconds, some minutes. */
const QUEUE_LIMIT = 100, PATIENT_QUEUE_LIMIT = 10_000;
/** Below this share of loss nothing is spent on it. */
const LOSS_WORTH_IT = 0.005;
/** What the encoder is told to expect: hardly anything; at least what makes it copy; at most. */
const FEW_LOST = 0.02, COPY_FROM = 0.06, MOST_LOST = 0.3;

const senders = new WeakMap<object, Map<string, SharedAudioSender>>();

/** The sender of a source: the same one for the same producer, or any subscription of it. */
export function sharedAudioSender(
  source: Source<AudioLike>,
  options: AudioSendingOptions = {},
): SharedAudioSender {
  const origin = producerOf(source) ?? source;
  const { sampleRate, canSkip, channels, bitrate, application, complexity } = options;
  const key = JSON.stringify([sampleRate, canSkip, channels, bitrate, application, complexity]);
  let ofOrigin = senders.get(origin);
  if (!ofOrigin) senders.set(origin, ofOrigin = new Map());
  let sender = ofOrigin.get(key);
  if (!sender) ofOrigin.set(key, sender = new SharedAudioSender(origin as Origin, options));
  return sender;
}

type Origin =
  & Source<AudioLike>
  & Partial<{
    subscribe(sink: Sink<AudioLike>): unknown;
    unsubscribe(sink: Sink<AudioLike>): void;
  }>;

/** One source, its encoder, and its listeners. */
export class SharedAudioSender {
  readonly #origin: Origin;
  readonly #options: AudioSendingOptions;
  readonly #world: AudioSendingWorld;
  /** Each with the share of packets that it lost, once it has said so. */
  readonly #listeners = new Map<AudioListener, number | null>();
  #run: SendingRun | null = null;

  constructor(origin: Origin, options: AudioSendingOptions, world: AudioSendingWorld = WORLD) {
    this.#origin = origin;
    this.#options = options;
    this.#world = world;
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Begins to send to a listener. */
  join(listener: AudioListener): void {
    if (!this.#listeners.has(listener)) this.#listeners.set(listener, null);
    this.#run ??= new SendingRun(this.#origin, this.#options, this.#world, {
      packet: (payload, timestamp48kHz, marker) => {
        for (const one of [...this.#listeners.keys()]) one.packet(payload, timestamp48kHz, marker);
      },
      failed: (error) => {
        const left = [...this.#listeners.keys()];
        this.#listeners.clear();
        this.#run = null;
        for (const one of left) one.failed(error);
      },
    });
  }

  /** Ends sending to a listener; does nothing when it does not listen. */
  leave(listener: AudioListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) {
      this.#run?.stop();
      this.#run = null;
    } else this.#expect();
  }

  /** A listener lost this share of the packets lately, from 0 to 1; the worst one counts. */
  reportLoss(listener: AudioListener, share: number): void {
    if (!this.#listeners.has(listener)) return;
    this.#listeners.set(listener, share);
    this.#expect();
  }

  #expect(): void {
    const shares = [...this.#listeners.values()].filter((share) => share !== null);
    if (shares.length === 0) return;
    const worst = Math.max(...shares);
    this.#run?.expectLoss(
      worst < LOSS_WORTH_IT ? FEW_LOST : Math.min(MOST_LOST, Math.max(COPY_FROM, 1.5 * worst)),
    );
  }
}

/** From the first listener's coming to the last one's leaving. */
class SendingRun {
  readonly #options: AudioSendingOptions;
  readonly #world: AudioSendingWorld;
  readonly #listener: AudioListener;
  readonly #stopped = new AbortController();
  #encoder: AudioEncoder | null = null;
  #packetizer: AudioPacketizer | null = null;
  #expectedLoss: number | null = null;

  constructor(
    origin: Origin,
    options: AudioSendingOptions,
    world: AudioSendingWorld,
    listener: AudioListener,
  ) {
    this.#options = options;
    this.#world = world;
    this.#listener = listener;
    this.#send(this.#blocksOf(origin)).catch((error) => {
      if (!this.#stopped.signal.aborted) listener.failed(asError(error));
      this.stop(); // lets the producer go
    });
  }

  stop(): void {
    this.#stopped.abort(new SubscriptionClosed("Cannot send sound: nobody listens any more"));
  }

  expectLoss(share: number): void {
    this.#expectedLoss = share;
    this.#encoder?.setExpectedLoss(share);
  }

  /** A producer's are queued, and the oldest forgotten; other sources are asked when there is room. */
  #blocksOf(origin: Origin): Source<AudioLike> {
    if (!origin.subscribe || !origin.unsubscribe) return origin;
    const maxSize = this.#options.canSkip === false ? PATIENT_QUEUE_LIMIT : QUEUE_LIMIT;
    const queue = new Queue<AudioLike>({ maxSize });
    origin.subscribe(queue);
    this.#stopped.signal.addEventListener("abort", () => origin.unsubscribe!(queue), {
      once: true,
    });
    return queue;
  }

  async #send(blocks: Source<AudioLike>): Promise<void> {
    const { signal } = this.#stopped;
    const { clock } = this.#world;
    try {
      while (!signal.aborted) {
        this.#sendDue();
        const waitMs = this.#packetizer?.waitMs(clock.nowMs()) ?? Infinity;
        if (waitMs === Infinity) this.#put(await blocks.get({ signal }));
        else await this.#sleep(waitMs);
      }
    } finally {
      this.#encoder?.close();
    }
  }

  #put(value: AudioLike): void {
    const nowMs = this.#world.clock.nowMs();
    const frame = asAudioFrame(value, this.#options.sampleRate ?? 48_000, nowMs * 1000);
    const channels = this.#options.channels ?? (frame.channels === 1 ? 1 : 2);
    this.#packetizer ??= new AudioPacketizer({ channels });
    const { bitrate, application, complexity } = this.#options;
    this.#encoder ??= this.#world.createEncoder({
      channels,
      ...(bitrate === undefined ? {} : { bitrate }),
      ...(application === undefined ? {} : { application }),
      ...(complexity === undefined ? {} : { complexity }),
      ...(this.#expectedLoss === null ? {} : { expectedLoss: this.#expectedLoss }),
    });
    this.#packetizer.put(frame, nowMs);
  }

  #sendDue(): void {
    const nowMs = this.#world.clock.nowMs();
    for (let frame; (frame = this.#packetizer?.take(nowMs) ?? null) !== null;) {
      const payload = this.#encoder!.encode(frame.samples);
      this.#listener.packet(payload, frame.timestamp48kHz, frame.marker);
      if (this.#stopped.signal.aborted) return;
    }
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((wake) => {
      const cancel = this.#world.clock.after(ms, done);
      signal.addEventListener("abort", done, { once: true });
      function done() {
        cancel();
        signal.removeEventListener("abort", done);
        wake();
      }
    });
  }
}
