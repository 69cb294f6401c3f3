/// <reference lib="dom" />
/** `conn.video` and `conn.audio`: one kind of media, both ways. */

import { type Callback, callSafely } from "./life.ts";

/** A receiver with the two ways in which browsers let a page ask for little delay. */
type DelayableReceiver = RTCRtpReceiver & {
  /** https://www.w3.org/TR/webrtc-extensions/#dom-rtcrtpreceiver-jitterbuffertarget, in ms */
  jitterBufferTarget?: number | null;
  /** Its forerunner in Chromium, in seconds. */
  playoutDelayHint?: number | null;
};

/** Is called with a track, and with what the other end calls it. */
export type TrackCallback = (track: MediaStreamTrack, name: string | null) => unknown;

interface ReceivedTrack {
  readonly track: MediaStreamTrack;
  readonly name: string | null;
}

/** Receives with `subscribe`, sends with `putSubscription`; both before `getLocalDescription()`. */
export class MediaLane {
  readonly #kind: "audio" | "video";
  readonly #pc: RTCPeerConnection;
  readonly #onStream: Callback<MediaStream>[] = [];
  readonly #onTrack: TrackCallback[] = [];
  readonly #received: ReceivedTrack[] = [];
  #wanted = 0;
  #sender: RTCRtpSender | null = null;

  /** Made by the connection only. */
  constructor(kind: "audio" | "video", pc: RTCPeerConnection) {
    this.#kind = kind;
    this.#pc = pc;
    pc.addEventListener("track", ({ track, receiver, streams }) => {
      if (track.kind === kind) this.#receive(track, receiver, streams[0]?.id ?? null);
    });
  }

  /**
   * Calls back once, with a stream of the first track that arrives, ready for `srcObject` of a media
   * element. Makes the offer ask for a track.
   */
  subscribe(callback: Callback<MediaStream>): Callback<MediaStream> {
    this.offerToReceive(Math.max(1, this.#wanted));
    const first = this.#received[0];
    if (first) queueMicrotask(() => callSafely(callback, new MediaStream([first.track])));
    else this.#onStream.push(callback);
    return callback;
  }

  /** Calls back with every track that arrives and what the robot calls it, for who has asked for several. */
  onTrack(callback: TrackCallback): void {
    const before = [...this.#received];
    queueMicrotask(() => before.forEach((received) => this.#tell(callback, received)));
    this.#onTrack.push(callback);
  }

  /** Makes the offer ask for `count` tracks. */
  offerToReceive(count: number = 1): void {
    this.#wanted = count;
  }

  /** Sends a track (or the first fitting track of a stream); another one replaces it, null stops it. */
  async putSubscription(source: MediaStreamTrack | MediaStream | null): Promise<void> {
    const track = this.#trackOf(source);
    if (this.#sender) await this.#sender.replaceTrack(track);
    else if (track) this.#sender = this.addTrack(track);
  }

  /** Sends one more track. */
  addTrack(track: MediaStreamTrack): RTCRtpSender {
    if (this.#pc.currentLocalDescription) {
      throw new Error(
        `Cannot send ${this.#kind}: the connection was made without it; ` +
          `call putSubscription() before getLocalDescription()`,
      );
    }
    return this.#pc.addTrack(track, new MediaStream([track]));
  }

  /** For the connection: says in the offer what is sent and what is asked for. */
  _prepareOffer(): void {
    let wanted = this.#wanted;
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.receiver.track.kind !== this.#kind) continue;
      transceiver.direction = wanted-- > 0 ? "sendrecv" : "sendonly";
    }
    while (wanted-- > 0) this.#pc.addTransceiver(this.#kind, { direction: "recvonly" });
  }

  #trackOf(source: MediaStreamTrack | MediaStream | null): MediaStreamTrack | null {
    if (source === null || source instanceof MediaStreamTrack) return source;
    const track = source.getTracks().find((t) => t.kind === this.#kind);
    if (track) return track;
    throw new TypeError(`Cannot send ${this.#kind}: the stream has no ${this.#kind} track`);
  }

  #receive(track: MediaStreamTrack, receiver: DelayableReceiver, name: string | null): void {
    if (this.#kind === "video") askForLittleDelay(receiver);
    const received = { track, name };
    this.#received.push(received);
    for (const callback of this.#onTrack) this.#tell(callback, received);
    for (const callback of this.#onStream.splice(0)) callSafely(callback, new MediaStream([track]));
  }

  #tell(callback: TrackCallback, { track, name }: ReceivedTrack): void {
    callSafely((track) => callback(track, name), track);
  }
}

/** Who drives wants the newest picture, not the smoothest film. */
function askForLittleDelay(receiver: DelayableReceiver): void {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}
