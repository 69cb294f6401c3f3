/** What `conn.video` and `conn.audio` have in common: tracks that go out, and tracks that come in. */
import { NegotiationError } from "../errors.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { report } from "../subscriptions/report.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscription.ts";
import type { Callback, GetOptions, Sink, Source } from "../subscriptions/types.ts";
import type { Peer } from "./peer.ts";

/** A track that goes out. */
export interface OutgoingTrack<In> extends Sink<In> {
  /** The source that was put, or `null`. */
  readonly subscription: Source<In> | null;
  /** Sends this source from now on; `null` for none. */
  putSubscription(source: Source<In> | null): void;
  /** For the connection: whether it stands. */
  _flow(flowing: boolean): void;
}

/** A track that comes in. */
export interface IncomingTrack {
  /** Ends it. */
  close(): Promise<void>;
  /** For the connection: it stands. */
  _flow(): void;
}

/** Who else reads a track that comes in: the handler, for its subscribers. */
export interface AlsoReads<Out> {
  /** Whether it wants frames. */
  listening(): boolean;
  /** A frame. */
  frame(frame: Out): void;
  /** No frame will follow. */
  failed(error: Error): void;
}

/** What a track is called. */
export interface TrackOptions {
  /**
   * The other end's name for it: in a page the id of its stream, and the second argument of `onTrack`.
   * Picture and sound of one name are played in step, which shows the picture some 100 ms later; who
   * drives by the picture gives the sound another name. Letters, digits, `.`, `_` and `-`, at most 64.
   * @default {"rtcbot"}
   */
  name?: string;
}

/** The kinds of things that one kind of media is made of. */
export interface MediaKinds {
  /** What may be put. */
  In: unknown;
  /** What is received. */
  Out: unknown;
  /** How a source is sent. */
  Options: object;
  /** A track that goes out. */
  Outgoing: OutgoingTrack<this["In"]>;
  /** A track that comes in. */
  Incoming: IncomingTrack;
}

/** More than a description may have sections. */
const MAX_RECEIVED = 16;
const DEFAULT_NAME = "rtcbot";

/** Sends and receives one kind of media on one connection; `R` is the engine's receiving half. */
export abstract class MediaHandler<K extends MediaKinds, R> extends SubscriptionProducer<K["Out"]>
  implements Sink<K["In"]> {
  readonly #kind: string;
  readonly #outgoing: K["Outgoing"][] = [];
  readonly #names = new Map<K["Outgoing"], string>();
  readonly #incoming: K["Incoming"][] = [];
  readonly #onTrack: Callback<K["Incoming"]>[] = [];
  #main: K["Outgoing"] | null = null;
  #wanted = 0;
  #described = false;
  #flowing = false;

  /**
   * @param kind `"video"` or `"sound"`, for messages
   * @param defaultSubscription what `subscribe()` gives
   */
  constructor(kind: string, defaultSubscription: () => Subscription<K["Out"]>) {
    super({ defaultSubscription });
    this.#kind = kind;
  }

  /** The source that is sent, or `null`. */
  get subscription(): Source<K["In"]> | null {
    return this.#main?.subscription ?? null;
  }

  /** Sends one frame or block, and stops sending a source. @throws {TypeError} when it is none */
  put_nowait(value: K["In"]): void {
    this._refuseIfClosed("put into");
    this.#mainTrack().put_nowait(value);
  }

  /** Sends anything that gives frames or blocks: a device, a subscription of it, a queue. */
  putSubscription(source: Source<K["In"]>): void {
    this._refuseIfClosed("put a subscription into");
    this.#mainTrack().putSubscription(source);
  }

  /** Stops sending the source. */
  stopSubscription(): void {
    this.#main?.putSubscription(null);
  }

  /**
   * Sends a track of its own beside what `putSubscription` sends; before the description is made.
   *
   * @param source what is sent
   * @param options how it is sent, and what it is called
   * @throws {NegotiationError} when the description is made: it has no place for the track
   * @throws {RangeError} when the name is none
   */
  addTrack(source: Source<K["In"]>, options: K["Options"] & TrackOptions = {}): K["Outgoing"] {
    this._refuseIfClosed("add a track to");
    if (this.#described) {
      throw new NegotiationError(
        `Cannot add a ${this.#kind} track: the connection was described without it; ` +
          "call addTrack() before getLocalDescription()",
      );
    }
    const { name = DEFAULT_NAME } = options;
    if (!/^[\w.-]{1,64}$/.test(name)) {
      throw new RangeError(
        `Cannot call a track ${
          JSON.stringify(name)
        }: take up to 64 letters, digits, ".", "_" and "-"`,
      );
    }
    const track = this.#newTrack(options, name);
    track.putSubscription(source);
    return track;
  }

  /** Gives a new subscription of the first track that the other end sends. */
  override subscribe(): Subscription<K["Out"]>;
  /** Hands everything of the first track that the other end sends to a sink or a callback; returns it. */
  override subscribe<S extends Subscriber<K["Out"]>>(subscriber: S): S;
  override subscribe(subscriber?: Subscriber<K["Out"]>): Subscriber<K["Out"]> {
    this.#want();
    return subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
  }

  /** The next of the first track that the other end sends; see {@linkcode SubscriptionProducer.get}. */
  override get(options?: GetOptions): Promise<K["Out"]> {
    this.#want();
    return super.get(options);
  }

  /**
   * Makes our offer ask for so many tracks. Has no effect on an answer: it accepts all that is sent.
   *
   * @throws {RangeError} unless it is a whole number from 0 to 16
   */
  offerToReceive(count: number = 1): void {
    if (!Number.isInteger(count) || count < 0 || count > MAX_RECEIVED) {
      throw new RangeError(
        `Cannot offer to receive ${count} ${this.#kind} tracks: ` +
          `give a whole number from 0 to ${MAX_RECEIVED}`,
      );
    }
    this.#wanted = count;
  }

  /**
   * Calls back with each track that the other end sends, before its first frame, and with those that are
   * there already. Only a callback: a track can itself be awaited, so no queue can give one.
   */
  onTrack<C extends Callback<K["Incoming"]>>(callback: C): C {
    this._refuseIfClosed("listen for tracks of");
    this.#want();
    this.#onTrack.push(callback);
    for (const track of this.#incoming) this.#tell(callback, track);
    return callback;
  }

  /** For {@linkcode RTCConnection}: adds the sending sections, one a track, and at least `atLeast` (0 or 1). */
  _attach(peer: Peer, atLeast: number): void {
    this.#described = true;
    if (this.#outgoing.length < atLeast) this.#mainTrack();
    for (const track of this.#outgoing) this._attachTrack(peer, track, this.#names.get(track)!);
  }

  /** For statistics: the tracks that go out. */
  get _outgoing(): readonly K["Outgoing"][] {
    return this.#outgoing;
  }

  /** For statistics: the tracks that come in. */
  get _incoming(): readonly K["Incoming"][] {
    return this.#incoming;
  }

  /** For {@linkcode RTCConnection}: how many tracks an offer is to ask for. */
  get _wanted(): number {
    return this.#wanted;
  }

  /** For {@linkcode RTCConnection}: the other end sends a track. */
  _receive(receiver: R): void {
    if (this.closed) return;
    const first = this.#incoming.length === 0;
    const track = this._makeIncoming(receiver, {
      listening: () => first && this._hasSubscribers,
      frame: (frame) => first && this._put_nowait(frame),
      // Only those who read end: what we send is not concerned.
      failed: (error) => first && this._wake(error),
    });
    this.#incoming.push(track);
    for (const callback of this.#onTrack) this.#tell(callback, track);
    if (this.#flowing) track._flow();
  }

  /** For {@linkcode RTCConnection}: the transport stands, and media may flow. */
  _flow(): void {
    this.#flowing = true;
    for (const track of this.#outgoing) track._flow(true);
    for (const track of this.#incoming) track._flow();
  }

  /** Makes a track that goes out. */
  protected abstract _makeOutgoing(
    options: K["Options"],
    onError: (error: Error) => void,
  ): K["Outgoing"];

  /** Gives a track its section of the connection. */
  protected abstract _attachTrack(peer: Peer, track: K["Outgoing"], name: string): void;

  /** Makes a track that comes in. */
  protected abstract _makeIncoming(
    receiver: R,
    also: AlsoReads<K["Out"]>,
  ): K["Incoming"];

  protected override async _close(): Promise<void> {
    for (const track of this.#outgoing) track._flow(false);
    await Promise.all(this.#incoming.map((track) => track.close()));
  }

  #want(): void {
    this.#wanted = Math.max(1, this.#wanted);
  }

  #tell(callback: Callback<K["Incoming"]>, track: K["Incoming"]): void {
    const failed = (error: unknown) => report("a callback of onTrack failed", error);
    try {
      const result = callback(track);
      // Not to be awaited if it is the track itself, which can be.
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** The track of `put_nowait` and `putSubscription`. */
  #mainTrack(): K["Outgoing"] {
    return this.#main ??= this.#newTrack({}, DEFAULT_NAME);
  }

  #newTrack(options: K["Options"], name: string): K["Outgoing"] {
    const track = this._makeOutgoing(options, (error) => {
      report(`the ${this.#kind} cannot be sent`, error);
      this._setError(error);
    });
    this.#outgoing.push(track);
    this.#names.set(track, name);
    return track;
  }
}
