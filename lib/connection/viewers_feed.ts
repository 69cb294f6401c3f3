/** Compressed frames, cut into packets once for all viewers whose packets are of one size. */
import type { EncodedVideo, VideoCodecName } from "../media/encoded.ts";
import { H264Packetizer } from "../wire/h264_rtp.ts";
import { packetizeVp8 } from "../wire/vp8_rtp.ts";
import { packetizeVp9 } from "../wire/vp9_rtp.ts";
import type { SendRate } from "./peer.ts";
import type { FrameFacts } from "./sent_video.ts";
import type { SourceClock } from "./source_clock.ts";

/** A compressed frame, ready to be sent to any number of viewers. */
export interface SharedFrame {
  readonly codec: VideoCodecName;
  readonly payloads: readonly Uint8Array<ArrayBuffer>[];
  readonly timestamp90kHz: number;
  readonly keyFrame: boolean;
  readonly facts: FrameFacts;
}

/** Who watches. Its calls must not block and must not throw. */
export interface Viewer {
  /** The payload size that fits its packets. */
  readonly maxPayload: number;
  /** How much can be sent to it; without it, it takes what comes. */
  readonly rate?: SendRate;
  frame(frame: SharedFrame): void;
  /** The encoder or the source failed, and no frame will follow. */
  failed(error: Error): void;
}

/** Feeds the viewers of one encoding. */
export class ViewersFeed {
  readonly #viewers: ReadonlySet<Viewer>;
  readonly #clock: SourceClock;
  readonly #h264 = new H264Packetizer();
  /** Those who have had a key frame, without which the frames that follow are noise. */
  #begun = new WeakSet<Viewer>();
  #pictureId = -1;

  /** @param viewers those who watch at each moment; kept by the owner */
  constructor(viewers: ReadonlySet<Viewer>, clock: SourceClock) {
    this.#viewers = viewers;
    this.#clock = clock;
  }

  /** A viewer has no picture: it begins with the next key frame. */
  welcome(viewer: Viewer): void {
    this.#begun.delete(viewer);
  }

  /** Frames were lost before they came here: all begin again with the next key frame. */
  restart(): void {
    this.#begun = new WeakSet();
  }

  /** Hands a frame to all who have begun, or begin with it. */
  send(chunk: EncodedVideo, timestamp90kHz: number, facts: FrameFacts): void {
    const { codec, keyFrame } = chunk;
    this.#pictureId = this.#clock.pictureId(this.#pictureId, keyFrame);
    const cuts = new Map<number, SharedFrame>();
    const cutFor = (maxPayload: number): SharedFrame => {
      let cut = cuts.get(maxPayload);
      if (!cut) {
        const payloads = this.#cut(chunk, maxPayload);
        cuts.set(maxPayload, cut = { codec, payloads, timestamp90kHz, keyFrame, facts });
      }
      return cut;
    };
    for (const viewer of this.#viewers) {
      if (keyFrame) this.#begun.add(viewer);
      // Parameter sets may stand before the first key frame, and are remembered in the cutting.
      const frame = cutFor(viewer.maxPayload);
      if (this.#begun.has(viewer) && frame.payloads.length > 0) viewer.frame(frame);
    }
  }

  #cut({ codec, data, keyFrame }: EncodedVideo, maxPayload: number): Uint8Array<ArrayBuffer>[] {
    const pictureId = this.#pictureId & 0x7fff;
    switch (codec) {
      case "VP8":
        return packetizeVp8(data, pictureId, maxPayload);
      case "VP9":
        return packetizeVp9(data, keyFrame, pictureId, maxPayload);
      case "H264":
        return this.#h264.packetize(data, maxPayload);
    }
    throw new TypeError(
      `Cannot send the video frame: codec "${codec}" has no packets; give VP8, VP9 or H264`,
    );
  }
}
