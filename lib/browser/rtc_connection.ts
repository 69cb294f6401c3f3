/// <reference lib="dom" />
/** The page's end of a WebRTC connection to a robot. */

import { ConnectionLost, NegotiationError, SubscriptionClosed } from "../errors.ts";
import type { Control } from "./control.ts";
import { gatherCandidates } from "./ice_gathering.ts";
import { LibraryChannel } from "./library_channel.ts";
import { type Callback, callSafely } from "./life.ts";
import { MediaLane } from "./media_lane.ts";
import { decodeMessage, encodeMessage, type Wire } from "./message.ts";
import type { Route } from "../wire/route.ts";
import { Producer } from "./producer.ts";
import { RouteReader } from "./route.ts";
import { withStereo } from "./stereo.ts";

/** An offer or answer, with all candidates inside. */
export interface Description {
  type: RTCSdpType;
  sdp: string;
}

/**
 * `connecting` until the default channel opens, `open` while messages flow, `lost` when the other end
 * vanished or never could be reached, `closed` when either side closed it.
 */
export type ConnectionState = "connecting" | "open" | "lost" | "closed";

/** RTCBot's default: one public STUN server. */
const DEFAULT_CONFIGURATION: RTCConfiguration = {
  iceServers: [{ urls: "stun:stun.l.google.com:19302" }],
};

/** When a message goes from the buffer to the network, `drained()` is told below this many bytes. */
const LOW_WATER_BYTES = 256 * 1024;

/**
 * Mirrors RTCConnection on the robot.
 *
 * ```js
 * const conn = new rtcbot.RTCConnection();
 * conn.video.subscribe((stream) => document.querySelector("video").srcObject = stream);
 * conn.subscribe((message) => console.log(message));
 * const offer = await conn.getLocalDescription();
 * const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
 * await conn.setRemoteDescription(await reply.json());
 * ```
 */
export class RTCConnection extends Producer<unknown> {
  /** The browser's connection, for what this class has no word for. */
  readonly _rtc: RTCPeerConnection;
  /** The channel of `put_nowait` and `subscribe`, null until a description was made or received. */
  _defaultChannel: RTCDataChannel | null = null;
  /** Video both ways. */
  readonly video: MediaLane;
  /** Sound both ways. */
  readonly audio: MediaLane;

  readonly #ordered: boolean;
  readonly #library: LibraryChannel;
  readonly #route: RouteReader;
  readonly #ending = new AbortController();
  readonly #onState: Callback<ConnectionState>[] = [];
  #state: ConnectionState = "connecting";
  #waiting: Wire[] = [];

  /**
   * @param defaultOrdered whether messages of the default channel keep their order
   * @param rtcConfiguration the browser's RTCConfiguration: STUN and TURN servers; by default one public STUN server
   */
  constructor(defaultOrdered = true, rtcConfiguration: RTCConfiguration = DEFAULT_CONFIGURATION) {
    super();
    this.#ordered = defaultOrdered;
    const pc = new RTCPeerConnection(rtcConfiguration);
    this._rtc = pc;
    this.#route = new RouteReader(pc);
    this.video = new MediaLane("video", pc);
    this.audio = new MediaLane("audio", pc);
    this.#library = new LibraryChannel(
      pc,
      () => this.#lose("nothing was heard from the other end for 2.5 s"),
    );
    pc.addEventListener("datachannel", ({ channel }) => {
      if (channel.label === "default" && !this._defaultChannel) this.#adopt(channel);
    });
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState === "failed") this.#lose("there is no way through the network");
    });
    // So that the robot notices at once, instead of when its patience ends.
    globalThis.addEventListener("pagehide", () => this.close(), { signal: this.#ending.signal });
  }

  /** Commands of which only the newest matters; see {@linkcode Control}. */
  get control(): Control {
    return this.#library.control;
  }

  /** Where the connection is in its life. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Smoothed round-trip time in milliseconds; null until known, or if the other end is foreign. */
  get rttMs(): number | null {
    return this.#library.rttMs;
  }

  /**
   * How old the robot's pictures were lately when they came on the screen, from the moment they were
   * taken, in milliseconds; null until known, or if the other end is foreign. See `watchPicture`.
   */
  get pictureAgeMs(): number | null {
    return this.#library.pictureAgeMs;
  }

  /** Measures how old the pictures in this element are; a few words a second with the robot. */
  watchPicture(video: HTMLVideoElement): void {
    this.#assertOpen("watch the picture");
    this.#library.pictures.watch(video);
  }

  /** Bytes that were put and have not left yet. */
  get bufferedAmount(): number {
    return this._defaultChannel?.bufferedAmount ?? 0;
  }

  /** Calls back with each new state. */
  onState(callback: Callback<ConnectionState>): void {
    this.#onState.push(callback);
  }

  /**
   * Which way the connection takes through the network, what became of each STUN and TURN server, and
   * why other paths failed; `sentences` says it to a person. After the end it tells what was last read.
   */
  describeRoute(): Promise<Route> {
    return this.#route.read();
  }

  /** Makes an offer; or, given the other end's offer, the answer to it. All candidates are inside. */
  async getLocalDescription(description?: Description | null): Promise<Description> {
    this.#assertOpen("describe the connection");
    const pc = this._rtc;
    if (description) {
      await this.#unlessClosed(pc.setRemoteDescription(checkDescription(description)));
      await this.#setLocal(await this.#unlessClosed(pc.createAnswer()));
    } else {
      if (!this._defaultChannel) {
        this.#adopt(pc.createDataChannel("default", { ordered: this.#ordered }));
      }
      this.video._prepareOffer();
      this.audio._prepareOffer();
      await this.#setLocal(await this.#unlessClosed(pc.createOffer()));
    }
    await gatherCandidates(pc, this.#ending.signal);
    const local = pc.localDescription;
    if (!local) {
      throw new NegotiationError("Cannot describe the connection: the browser gave nothing");
    }
    return { type: local.type, sdp: local.sdp };
  }

  /** Takes the answer to our offer. */
  async setRemoteDescription(description: Description): Promise<void> {
    this.#assertOpen("take the answer");
    await this.#unlessClosed(this._rtc.setRemoteDescription(checkDescription(description)));
  }

  /**
   * Sends a message: bytes as they are, everything else as JSON. Bound, so that it can be handed on as
   * a callback. Before the channel is open, messages wait and keep their order.
   *
   * @throws SubscriptionClosed after the end, RangeError for what is larger than the other end takes
   */
  readonly put_nowait: (value: unknown) => void = (value) => {
    this.#assertOpen("send");
    const wire = encodeMessage(value);
    if (this._defaultChannel?.readyState === "open") this.#transmit(wire);
    else this.#waiting.push(wire);
  };

  /** The same as `put_nowait`. */
  get send(): (value: unknown) => void {
    return this.put_nowait;
  }

  /** Resolves when little is waiting to be sent, for who sends much. */
  drained(): Promise<void> {
    const channel = this._defaultChannel;
    if (!channel || channel.bufferedAmount <= LOW_WATER_BYTES) return Promise.resolve();
    const { signal } = this.#ending;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        channel.removeEventListener("bufferedamountlow", done);
        signal.removeEventListener("abort", done); // or each call would leave one until the end
        resolve();
      };
      channel.addEventListener("bufferedamountlow", done);
      signal.addEventListener("abort", done);
    });
  }

  /** Ends the connection. The other end is told; calling it again does nothing. */
  close(): void {
    this.#finish("closed", null);
  }

  #adopt(channel: RTCDataChannel): void {
    this._defaultChannel = channel;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.addEventListener("message", ({ data }) => {
      this.#library.noteLife();
      this._emit(decodeMessage(data));
    });
    channel.addEventListener("close", () => this.close());
    if (channel.readyState === "open") this.#opened();
    else channel.addEventListener("open", () => this.#opened());
  }

  #opened(): void {
    if (this.closed) return;
    for (const wire of this.#waiting.splice(0)) callSafely((w) => this.#transmit(w), wire);
    this.#state = "open";
    this._becomeReady();
    this.#tellState();
  }

  #transmit(wire: Wire): void {
    const limit = this._rtc.sctp?.maxMessageSize ?? Infinity;
    const size = typeof wire === "string" ? utf8Size(wire, limit) : wire.byteLength;
    if (size > limit) {
      throw new RangeError(
        `Cannot send ${size} bytes: the other end takes ${limit} in one message; send smaller pieces`,
      );
    }
    this._defaultChannel?.send(wire as string);
  }

  #lose(reason: string): void {
    this.#finish("lost", new ConnectionLost(`Cannot stay connected: ${reason}; connect anew`));
  }

  #finish(state: "lost" | "closed", error: Error | null): void {
    if (this.closed) return;
    this.#waiting = [];
    this.#ending.abort(error ?? closedError("describe the connection"));
    this.#library.close();
    this._defaultChannel?.close();
    this._rtc.close();
    // Set before anybody is told, so that no callback finds half an end.
    this.#state = state;
    this._end(error);
    this.#tellState();
  }

  #tellState(): void {
    for (const callback of [...this.#onState]) callSafely(callback, this.#state);
  }

  /** A browser never settles the promises of a connection that was closed meanwhile. */
  #unlessClosed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { signal } = this.#ending;
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort);
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  /** A browser that takes none but its own words has sound in mono. */
  async #setLocal({ type, sdp = "" }: RTCLocalSessionDescriptionInit): Promise<void> {
    const pc = this._rtc;
    const stereo: RTCLocalSessionDescriptionInit = { sdp: withStereo(sdp) };
    if (type) stereo.type = type;
    await this.#unlessClosed(
      pc.setLocalDescription(stereo).catch(() => pc.setLocalDescription()),
    );
  }

  #assertOpen(action: string): void {
    if (this.closed) throw closedError(action);
  }
}

function closedError(action: string): SubscriptionClosed {
  return new SubscriptionClosed(
    `Cannot ${action}: the RTCConnection is closed; make a new RTCConnection`,
  );
}

function checkDescription(description: Description): RTCSessionDescriptionInit {
  const { type, sdp } = description ?? {};
  if (typeof type !== "string" || typeof sdp !== "string") {
    throw new NegotiationError(
      "Cannot use the description: it is not {type, sdp}; give what the other end's getLocalDescription() returned",
    );
  }
  return { type, sdp };
}

/** The size in UTF-8, counted only when it could matter: a UTF-16 unit takes three bytes at most. */
function utf8Size(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : new TextEncoder().encode(text).length;
}
