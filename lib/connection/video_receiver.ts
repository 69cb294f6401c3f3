/**
 * Receiving one video, whatever engine the packets come from: order, loss, key frames, decoding. It
 * decodes only while somebody listens.
 */
import type { VideoDecoder } from "../codecs/codec.ts";
import { readVp8Header } from "../codecs/vp8_header.ts";
import { ConnectionLost, RemoteProtocolError } from "../errors.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { type AssembledFrame, FrameAssembler } from "../wire/frame_assembler.ts";
import { beginsKeyFrame, depacketizerOf } from "../wire/rtp_formats.ts";
import { PacketOrder } from "../wire/rtp_receive.ts";
import { KeyFrameRequests } from "./key_frame_requests.ts";
import { MediaClock } from "./media_clock.ts";
import type { ReceivedPacket } from "./peer.ts";
import { VideoDecoding } from "./video_decoding.ts";

/** Who sends the video, as far as we can speak to them, and who looks at it. */
export interface VideoReceiverHost {
  /** Asks the sender for a key frame (PLI). */
  requestKeyFrame(): void;
  /** Asks the sender for packets again (generic NACK). */
  nack(sequences: readonly number[]): void;
  /** Whether anybody wants the pictures. */
  listening(): boolean;
  /** A picture; its `timestampUs` is on the clock of `nowMs`, and rises evenly. */
  frame(frame: VideoFrame): void;
  /** It does not start, said once; it may start all the same. */
  silent(error: Error): void;
  /** It cannot be shown, and no call follows. */
  failed(error: Error): void;
}

/** Time, so that tests can have their own. */
export interface Clock {
  /** As `performance.now()`. */
  nowMs(): number;
  /** As `setTimeout`. */
  startTimer(run: () => void, ms: number): unknown;
  /** As `clearTimeout`. */
  stopTimer(timer: unknown): void;
}

/** The clock of this machine. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  startTimer: (run, ms) => setTimeout(run, ms),
  stopTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** What may be replaced. */
export interface VideoReceiverOptions {
  /** @default this machine's */
  readonly clock?: Clock;
  /** Makes decoders. @default the library's */
  readonly createDecoder?: (codec: VideoCodecName) => VideoDecoder;
}

/** What has happened so far; all counts. */
export interface VideoReceiverStats {
  /** What comes; `null` before the first packet. */
  readonly codec: VideoCodecName | null;
  /** Of the newest picture; 0 before the first. */
  readonly width: number;
  /** As the width. */
  readonly height: number;
  /** Of the frames that came whole, without packets' headers and repetitions. */
  readonly bytesReceived: number;
  /** Each once, however often it came. */
  readonly packetsReceived: number;
  /** Never came, or too late. */
  readonly packetsLost: number;
  /** Came again because we asked. */
  readonly packetsRecovered: number;
  /** Pictures that were given out. */
  readonly framesDecoded: number;
  /** Whole frames that were not decoded, because we were behind. */
  readonly framesSkipped: number;
  /** So often the sender was asked for a picture to begin anew with. */
  readonly keyFrameRequests: number;
}

/** A stream that has not begun after this is asked for a key frame, again and again. */
const START_LIMIT_MS = 2_000;
/** How often the state is looked at when nothing else happens. */
const LOOK_MS = 500;
/** After this it is said that nothing came, or that what comes is no picture. */
const GIVE_UP_MS = 10_000;

/** One video that the other end sends. */
export class VideoReceiver {
  readonly #host: VideoReceiverHost;
  readonly #clock: Clock;
  readonly #createDecoder: VideoReceiverOptions["createDecoder"];
  readonly #requests = new KeyFrameRequests();
  readonly #order = new PacketOrder<ReceivedPacket>({
    startsKeyFrame: ({ codec, payload }) => beginsKeyFrame(codec, payload),
  });
  readonly #mediaClock = new MediaClock();
  #assembler: FrameAssembler | null = null;
  #codec: VideoCodecName | null = null;
  #decoding: VideoDecoding | null = null;
  #ssrc: number | null = null;
  #timer: unknown = null;
  #timerDueMs = Infinity;
  /** When somebody began to listen to a standing connection. */
  #sinceMs: number | null = null;
  #packetMs: number | null = null;
  #decoded = 0;
  #skipped = 0;
  #bytes = 0;
  #shown: { codec: VideoCodecName | null; width: number; height: number } = {
    codec: null,
    width: 0,
    height: 0,
  };
  #saidSilent = false;
  #running = false;
  #size = { width: 0, height: 0 };
  #rtpTime: number | null = null;

  /** It does nothing before {@linkcode start}. */
  constructor(host: VideoReceiverHost, options: VideoReceiverOptions = {}) {
    this.#host = host;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#createDecoder = options.createDecoder;
  }

  /** What has happened so far. */
  get stats(): VideoReceiverStats {
    const { received, lost, recovered } = this.#order.stats;
    return {
      ...this.#shown,
      bytesReceived: this.#bytes,
      packetsReceived: received,
      packetsLost: lost,
      packetsRecovered: recovered,
      framesDecoded: this.#decoded,
      framesSkipped: this.#skipped + (this.#decoding?.skipped ?? 0),
      keyFrameRequests: this.#requests.count,
    };
  }

  /** The connection stands: packets are expected from now on. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#look();
  }

  /** Takes a packet from the network, in whatever order, once or more often. */
  receive(packet: ReceivedPacket): void {
    const followed = this.#running && this.#follow();
    if (this.#ssrc !== packet.ssrc && this.#ssrc !== null) this.#order.restart();
    this.#ssrc = packet.ssrc;
    if (!followed) return;
    const nowMs = this.#clock.nowMs();
    this.#packetMs ??= nowMs;
    this.#order.receive(packet, nowMs);
    this.#drain(nowMs);
    this.#schedule(nowMs);
  }

  /** Stops and frees the decoder. Idempotent. */
  close(): void {
    this.#running = false;
    this.#clock.stopTimer(this.#timer);
    this.#rest();
  }

  /** Begins or stops the work as listeners come and go; says whether there are any. */
  #follow(): boolean {
    const listening = this.#host.listening();
    if (listening && this.#sinceMs === null) {
      this.#sinceMs = this.#clock.nowMs();
      // A stream that runs already was not kept; one that is yet to begin does so with a key frame.
      if (this.#ssrc !== null) this.#requests.want();
    } else if (!listening && this.#sinceMs !== null) {
      this.#rest();
    }
    return listening;
  }

  #rest(): void {
    this.#sinceMs =
      this.#packetMs =
      this.#codec =
      this.#assembler =
        null;
    this.#order.restart();
    this.#requests.satisfied();
    this.#skipped += this.#decoding?.skipped ?? 0;
    this.#decoding?.close();
    this.#decoding = null;
  }

  /** Makes frames of the packets that are in order. */
  #drain(nowMs: number): void {
    for (let next = this.#order.take(); next; next = this.#order.take()) {
      const { codec } = next.packet;
      if (codec !== this.#codec || this.#assembler === null) {
        this.#codec = codec;
        this.#assembler = new FrameAssembler(depacketizerOf(codec));
      }
      for (const frame of this.#assembler.push(next)) this.#decode(codec, frame, nowMs);
    }
    const assembler = this.#assembler;
    if (!assembler) return;
    if (!assembler.needsKeyFrame || assembler.keyFrameComing) this.#requests.satisfied();
    else this.#requests.want();
    if (this.#requests.due(nowMs)) this.#host.requestKeyFrame();
  }

  #decode(codec: VideoCodecName, frame: AssembledFrame, nowMs: number): void {
    if (!this.#running) return;
    const { data, keyFrame } = frame;
    this.#bytes += data.length;
    if (keyFrame) this.#readSize(codec, data);
    const timestampUs = this.#mediaClock.stamp(this.#unwrap(frame.timestamp) / 0.09, nowMs * 1000);
    this.#decoding ??= new VideoDecoding({
      frame: (frame) => {
        this.#decoded++;
        this.#shown = { codec: this.#codec, width: frame.width, height: frame.height };
        this.#host.frame(frame);
      },
      needsKeyFrame: () => this.#assembler?.loseReference(),
      failed: (error) => this.#fail(error),
    }, this.#createDecoder);
    this.#decoding.put({ codec, data, keyFrame, timestampUs, ...this.#size });
  }

  /** VP8 says its size in front; other decoders find it out for themselves. */
  #readSize(codec: VideoCodecName, data: Uint8Array): void {
    if (codec !== "VP8") return;
    try {
      const header = readVp8Header(data);
      if (header.keyFrame) this.#size = { width: header.width, height: header.height };
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error; // the decoder says it better
    }
  }

  #unwrap(timestamp: number): number {
    this.#rtpTime ??= timestamp;
    return this.#rtpTime += timestamp - this.#rtpTime | 0;
  }

  /** What time alone brings. */
  #look(): void {
    this.#timerDueMs = Infinity;
    const nowMs = this.#clock.nowMs();
    if (this.#follow()) {
      const lost = this.#order.due(nowMs);
      if (lost.length > 0) this.#host.nack(lost);
      this.#drain(nowMs);
      this.#watchStart(nowMs);
      if (this.#requests.due(nowMs)) this.#host.requestKeyFrame();
    }
    if (this.#running) this.#schedule(nowMs);
  }

  /** Sees to it that a stream begins. */
  #watchStart(nowMs: number): void {
    if (this.#decoded > 0 || this.#sinceMs === null) return;
    if (nowMs - this.#sinceMs >= START_LIMIT_MS) this.#requests.want();
    if (this.#packetMs !== null && nowMs - this.#packetMs >= GIVE_UP_MS) {
      const cause = this.#assembler?.lastError;
      this.#fail(
        new RemoteProtocolError(
          `Cannot show the video: packets come, but for ${GIVE_UP_MS / 1000} s no whole picture ` +
            `did${cause ? ` (${cause.message})` : ""}`,
          cause ? { cause } : {},
        ),
      );
    } else if (nowMs - this.#sinceMs >= GIVE_UP_MS && !this.#saidSilent) {
      this.#saidSilent = true;
      this.#host.silent(
        new ConnectionLost(
          `Cannot show the video: nothing came for ${GIVE_UP_MS / 1000} s; ` +
            "see whether the other end has a source to show",
        ),
      );
    }
  }

  #fail(error: Error): void {
    if (!this.#running) return;
    this.close();
    this.#host.failed(error);
  }

  #schedule(nowMs: number): void {
    if (!this.#running) return;
    const dueMs = Math.min(this.#order.nextDueMs, this.#requests.nextDueMs, nowMs + LOOK_MS);
    if (dueMs >= this.#timerDueMs) return;
    this.#clock.stopTimer(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.startTimer(() => this.#look(), Math.max(1, dueMs - nowMs));
  }
}
