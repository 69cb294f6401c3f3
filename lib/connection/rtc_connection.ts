/**
 * One end of a connection, as its user sees it.
 *
 * Long because it is a public face: most lines are what it promises, and the work is done elsewhere.
 */
import { ConnectionLost, NegotiationError, SubscriptionClosed } from "../errors.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Queue } from "../subscriptions/queue.ts";
import type { Callback, Sink, Source } from "../subscriptions/types.ts";
import type { HiddenCandidate } from "../wire/candidates.ts";
import { type Description, hiddenIn, parseDescription, wants } from "../wire/description.ts";
import { describeFindings, NOTHING_FOUND, type Route, serverProblems } from "../wire/route.ts";
import { withoutData } from "../wire/media_sections.ts";
import { CONTROL_CHANNEL_OPTIONS, ControlChannel } from "./control_channel.ts";
import { AudioHandler } from "./audio_handler.ts";
import { ChannelRegistry, type DataChannelOptions } from "./channel_registry.ts";
import type { DataChannel } from "./data_channel.ts";
import { checkConfiguration } from "./ice_servers.ts";
import { Liveness } from "./liveness.ts";
import type { Peer, PeerFactory, PeerState } from "./peer.ts";
import { createWeriftPeer } from "./peer_werift.ts";
import { readConnection } from "./connection_reading.ts";
import type { RTCConnectionOptions } from "./rtc_connection_options.ts";
import { StatsProducer } from "./stats_producer.ts";
import { VideoHandler } from "./video_handler.ts";
import { warmUp } from "./warm_up.ts";

const DEFAULT_ICE_SERVERS = [{ urls: "stun:stun.l.google.com:19302" }];
const DEFAULT_CONNECT_TIMEOUT_MS = 20_000;
const MAX_UNREAD = 4096;

/**
 * A WebRTC connection to a browser or to another robot: messages, commands and video, end to end.
 *
 * One end makes an offer, the other answers it, and the first takes the answer; descriptions are plain
 * JSON objects `{type, sdp}` with all candidates inside, and may travel in any way. Each connection is
 * used once.
 *
 * ```ts no-assert
 * import { RTCConnection } from "rtcbot";
 *
 * async function connect(offer: unknown) {
 *   const conn = new RTCConnection();
 *   conn.subscribe((message) => console.log("the browser says", message));
 *   return await conn.getLocalDescription(offer); // goes back to the browser
 * }
 * ```
 *
 * The connection itself is its channel `default`: `put_nowait` (or `send`) and `subscribe` are that
 * channel's. It is `ready` when messages can flow. It closes when the other end closes it; when the
 * other end vanishes without a word, it fails with {@linkcode ConnectionLost} within three seconds.
 *
 * RTCBot: `RTCConnection`.
 */
export class RTCConnection extends SubscriptionProducer<unknown> implements Sink<unknown> {
  /** What the other end sees. */
  readonly video: VideoHandler = new VideoHandler();
  /** What the other end hears, and what it says. */
  readonly audio: AudioHandler = new AudioHandler();
  /** Commands of which only the newest matters; between ends of this library. */
  readonly control: ControlChannel = new ControlChannel((rtp) => this.video._capturedMs(rtp));
  /** How the connection does, once a second while somebody is subscribed. */
  readonly stats: StatsProducer = new StatsProducer(() =>
    readConnection(this, this.#channels.counts, this.#openPeer?.traffic)
  );
  readonly #channels = new ChannelRegistry();
  readonly #options: RTCConnectionOptions;
  #peer: Promise<Peer> | null = null;
  #openPeer: Peer | null = null;
  #stage: "new" | "offered" | "described" = "new";
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #liveness: Liveness | null = null;

  /**
   * Makes the first connection of a program as quick as all later ones, by loading the engine and
   * connecting the program with itself: a third of a second of one core. Call it when a server has
   * started; nothing depends on it, and it never rejects.
   */
  static warmUp(): Promise<void> {
    return warmUp(() => new RTCConnection({ rtcConfiguration: { iceServers: [] } }));
  }

  /**
   * Opens nothing yet.
   * @param options see {@linkcode RTCConnectionOptions}
   * @throws {SyntaxError} when the URL of an ICE server cannot be read
   * @throws {TypeError} when a TURN server has no user name or credential, or is missing though only
   * relays are allowed
   */
  constructor(options: RTCConnectionOptions = {}) {
    super({ ready: false, defaultSubscription: () => new Queue({ maxSize: MAX_UNREAD }) });
    checkConfiguration(options.rtcConfiguration ?? {});
    this.#options = options;
    this.#channels.default.subscribe((value) => this._put_nowait(value));
    if (!this.#data) {
      this.control.close();
      this.#channels.close();
    }
  }

  /**
   * Without an argument: an offer to be sent to the other end. With the other end's offer: the answer
   * to be sent back.
   *
   * @throws {NegotiationError} when the offer is none, or has nothing in common with us; the sentence
   * may be shown to whoever sent it
   * @throws {SubscriptionClosed} when the connection is closed
   */
  async getLocalDescription(offer?: unknown): Promise<Description> {
    this._refuseIfClosed("describe");
    const parsed = offer === undefined ? null : parseDescription(offer, "offer");
    const hidden = parsed ? hiddenIn(offer) : [];
    if (this.#stage !== "new") {
      throw new NegotiationError(
        "Cannot negotiate: this connection was described already; make a new RTCConnection for each",
      );
    }
    this.#stage = parsed ? "described" : "offered";
    try {
      const peer = await this.#makePeer();
      this.video._attach(peer, parsed && wants(parsed, "video") ? 1 : 0);
      this.audio._attach(peer, parsed && wants(parsed, "audio") ? 1 : 0);
      if (parsed) return await this.#answer(peer, parsed, hidden);
      if (this.#data) this.#channels.openDefault(this.#options.defaultOrdered ?? true);
      const offer = await peer.offer({ video: this.video._wanted, audio: this.audio._wanted });
      return this.#data ? offer : { ...offer, sdp: withoutData(offer.sdp) };
    } catch (error) {
      this._setError(error);
      throw error;
    }
  }

  /**
   * Takes the answer to our offer.
   *
   * @throws {NegotiationError} when it is none, or we made no offer
   */
  async setRemoteDescription(answer: unknown): Promise<void> {
    this._refuseIfClosed("describe");
    const parsed = parseDescription(answer, "answer");
    if (this.#stage !== "offered") {
      throw new NegotiationError(
        "Cannot take an answer: no offer was made; call getLocalDescription() first",
      );
    }
    this.#stage = "described";
    try {
      const peer = await this.#makePeer();
      await peer.accept(parsed);
      peer.addHidden(hiddenIn(answer));
      this.#awaitConnection();
    } catch (error) {
      this._setError(error);
      throw error;
    }
  }

  /** Round-trip time to the other end in ms; `null` until measured, or when it is not of this library. */
  get rttMs(): number | null {
    return this.control.rttMs;
  }

  /**
   * Which way the connection takes through the network, what became of each STUN and TURN server, and
   * why other paths failed; `sentences` says it to a person. After the end it tells how it was then.
   */
  describeRoute(): Promise<Route> {
    return Promise.resolve(describeFindings(this.#openPeer?.route ?? NOTHING_FOUND));
  }

  /** Sends a message on the default channel; see {@linkcode DataChannel.put_nowait}. */
  put_nowait(value: unknown): void {
    this._refuseIfClosed("send on");
    this.#channels.default.put_nowait(value);
  }

  /** The same as `put_nowait`. */
  send(value: unknown): void {
    this.put_nowait(value);
  }

  /** Bytes that were put and have not yet left for the network. */
  get bufferedAmount(): number {
    return this.#channels.default.bufferedAmount;
  }

  /** Resolves when most of what was put has left; see {@linkcode DataChannel.drained}. */
  drained(): Promise<void> {
    return this.#channels.default.drained();
  }

  /** Sends everything that a source gives, as fast as the other end takes it. */
  putSubscription(source: Source<unknown>): void {
    this._refuseIfClosed("put a subscription into");
    this.#channels.default.putSubscription(source);
  }

  /** Stops sending the source. */
  stopSubscription(): void {
    this.#channels.default.stopSubscription();
  }

  /** The source that is sent, or `null`. */
  get subscription(): Source<unknown> | null {
    return this.#channels.default.subscription;
  }

  /** A stream whose values are sent, with back-pressure. */
  get writable(): WritableStream<unknown> {
    return this.#channels.default.writable;
  }

  /**
   * Opens a further channel.
   *
   * @throws {RangeError} when the name is taken, is that of the default channel, or has more than 65535
   * bytes; and when `maxRetransmits` is no number of times
   * @throws {TypeError} when the connection was made without a place for data
   */
  addDataChannel(name: string, options: DataChannelOptions = {}): DataChannel {
    this._refuseIfClosed("add a channel to");
    if (!this.#data) {
      throw new TypeError(
        `Cannot add data channel "${name}": the connection was made with \`data: false\``,
      );
    }
    return this.#channels.add(name, options);
  }

  /**
   * The channel of that name, opened by either end; not the default one.
   * @throws {RangeError} when there is none
   */
  getDataChannel(name: string): DataChannel {
    return this.#channels.get(name);
  }

  /**
   * Calls back with each channel that the other end opens; subscribe to it in the callback, and nothing
   * is missed. Only a callback: a channel can itself be awaited, so no queue can give one.
   */
  onDataChannel<C extends Callback<DataChannel>>(callback: C): C {
    return this.#channels.onArrival(callback);
  }

  protected override async _close(): Promise<void> {
    clearTimeout(this.#connectTimer);
    this.#liveness?.stop();
    await Promise.all([
      this.video.close(),
      this.audio.close(),
      this.control.close(),
      this.stats.close(),
      this.#channels.close(),
    ]);
    await this.#openPeer?.close();
  }

  get #data(): boolean {
    return this.#options.data ?? true;
  }

  #makePeer(): Promise<Peer> {
    return this.#peer ??= this.#createPeer(createWeriftPeer);
  }

  async #createPeer(create: PeerFactory): Promise<Peer> {
    const { iceServers = DEFAULT_ICE_SERVERS, iceTransportPolicy = "all" } =
      this.#options.rtcConfiguration ?? {};
    const peer = await create({ iceServers, iceTransportPolicy }, {
      state: (state, error) => this.#stateChanged(state, error),
      channel: (channel) => this.#data ? this.#channels.accept(channel) : channel.close(),
      video: (receiver) => this.video._receive(receiver),
      audio: (receiver) => this.audio._receive(receiver),
    });
    if (this.closed) {
      await peer.close();
      throw new SubscriptionClosed("Cannot describe RTCConnection: it was closed meanwhile");
    }
    this.#openPeer = peer;
    if (this.#data) {
      this.control._attach(peer.createChannel(CONTROL_CHANNEL_OPTIONS));
      this.#channels.attach(peer);
    }
    return peer;
  }

  async #answer(
    peer: Peer,
    offer: Description,
    hidden: readonly HiddenCandidate[],
  ): Promise<Description> {
    const answer = await peer.answer(offer);
    peer.addHidden(hidden);
    this.#awaitConnection();
    return answer;
  }

  #stateChanged(state: PeerState, error?: Error): void {
    if (state === "connected") this.#connected();
    if (state === "failed") this._setError(error);
    if (state === "closed") this.close();
  }

  #connected(): void {
    clearTimeout(this.#connectTimer);
    if (this.closed) return;
    this.video._flow();
    this.audio._flow();
    if (this.#openPeer!.hasData && !this.control.closed) {
      this.control.onReady(() => this._setReady());
    } else this._setReady();
    this.#liveness = new Liveness(this.#openPeer!, () => this.control._ping(), (silentMs) => {
      this._setError(
        new ConnectionLost(
          `Cannot reach the other end: nothing came for ${(silentMs / 1000).toFixed(1)} s`,
        ),
      );
    });
  }

  #awaitConnection(): void {
    const { connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = this.#options;
    if (this.ready || this.closed) return;
    this.#connectTimer = setTimeout(() => {
      this._setError(
        new ConnectionLost(
          `Cannot connect: the other end did not come within ${connectTimeoutMs / 1000} s; ` +
            `it may have no path to this machine, try another network or a TURN server` +
            serverProblems(this.#openPeer?.route ?? NOTHING_FOUND),
        ),
      );
    }, connectTimeoutMs);
  }
}
