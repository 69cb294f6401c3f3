/**
 * A websocket with the same words as everything else; client, and server from a request.
 *
 * Long because half of it is what users read; one link is in websocket_link.ts, what waits in websocket_outbox.ts.
 */
import { ConnectionLost, SubscriptionClosed } from "../errors.ts";
import { SubscriptionProducerConsumer } from "../subscriptions/producer_consumer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { report } from "../subscriptions/report.ts";
import { writableTo } from "../subscriptions/streams.ts";
import { decodeMessage, encodeMessage } from "../wire/message.ts";
import { type Clock, once, systemClock } from "./clock.ts";
import { ForeignPage, isForeign } from "./foreign_page.ts";
import type {
  WebsocketOptions,
  WebsocketState,
  WebsocketUpgradeOptions,
} from "./websocket_options.ts";
import { onWire, Outbox } from "./websocket_outbox.ts";
import { Pauses, type ReconnectOptions } from "./reconnecting.ts";
import {
  HEARTBEAT,
  HEARTBEAT_HEADER,
  HEARTBEAT_MS,
  Link,
  type WebsocketEnd,
} from "./websocket_link.ts";

export type { WebsocketOptions, WebsocketState, WebsocketUpgradeOptions };

const MAX_UNREAD = 4096;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * Sends and receives messages: everything is JSON but for bytes; text that is not JSON arrives as text, and
 * bytes as `Uint8Array`.
 *
 * ```ts no-assert
 * import { Hono } from "@hono/hono";
 * import { Websocket } from "rtcbot";
 *
 * const app = new Hono();
 * app.get("/ws", (c) => {
 *   const { socket, response } = Websocket.upgrade(c);
 *   socket.subscribe((message) => socket.put_nowait({ heard: message }));
 *   return response;
 * });
 *
 * function client() {
 *   const ws = new Websocket("http://localhost:8080/ws", { reconnect: true });
 *   ws.put_nowait("hello"); // waits until it is connected
 *   return { ws };
 * }
 * ```
 *
 * A connection that is refused or breaks sets `error` ({@linkcode ConnectionLost}) and closes it; one that
 * the other end closes in order just closes it, and `end` has the code and the reason.
 *
 * RTCBot: `Websocket`.
 */
export class Websocket extends SubscriptionProducerConsumer<unknown> {
  readonly #url: URL | null;
  readonly #options: WebsocketOptions;
  readonly #clock: Clock;
  readonly #reconnect: ReconnectOptions | null;
  readonly #pauses: Pauses;
  readonly #onState: ((state: WebsocketState) => void)[] = [];
  readonly #outbox: Outbox;
  #link: Link | null = null;
  #state: WebsocketState = "connecting";
  #openedMs = 0;
  #end: WebsocketEnd | null = null;
  #farewell: WebsocketEnd = { code: 1000, reason: "" };
  #stopPause = () => {};
  /** While listeners hear that it is open: what they put goes first. */
  #greeting = false;

  /**
   * Connects to a server, or takes a standard WebSocket that somebody else has made.
   *
   * @param target a URL, in which `http` is taken as `ws` and `https` as `wss`
   * @throws {TypeError} when it is no such URL
   */
  constructor(target: string | URL | WebSocket, options: WebsocketOptions = {}) {
    super({ ready: false, defaultSubscription: () => new Queue({ maxSize: MAX_UNREAD }) });
    const { reconnect = false } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#outbox = new Outbox(this.#clock);
    this.#reconnect = reconnect === true ? {} : reconnect || null;
    this.#pauses = new Pauses(this.#reconnect ?? {}, options.random ?? Math.random);
    this.#url = target instanceof WebSocket ? null : websocketUrl(target);
    this.#use(target instanceof WebSocket ? target : this.#dial());
    this.#pump();
  }

  /**
   * Answers a request with a websocket. Every spelling of `Upgrade` that proxies use is understood. Pages of
   * other origins get no further than the error that this throws, for which Hono replies 403.
   *
   * @param request the request, or Hono's context
   * @returns the response to be returned, and the websocket, open a little later
   * @throws {TypeError} when the request asks for no websocket
   * @throws {ForeignPage} when a page of another origin asks that `origins` does not name
   */
  static upgrade(
    request: Request | { readonly req: { readonly raw: Request } },
    options: WebsocketUpgradeOptions = {},
  ): { socket: Websocket; response: Response } {
    const raw = request instanceof Request ? request : request.req.raw;
    if (isForeign(raw.headers, options)) throw new ForeignPage();
    const beats = raw.headers.has(HEARTBEAT_HEADER); // not to be read after the upgrade
    const { protocol, idleTimeoutS = 30, clock = systemClock, maxMessageBytes } = options;
    const upgrade: Deno.UpgradeWebSocketOptions = { idleTimeout: idleTimeoutS };
    if (protocol !== undefined) upgrade.protocol = protocol;
    const { socket: standard, response } = Deno.upgradeWebSocket(raw, upgrade);
    const socket = new Websocket(standard, {
      clock,
      ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
    });
    if (beats) socket.onReady(() => socket.#beat());
    return { socket, response };
  }

  /** Where it is in its life. */
  get state(): WebsocketState {
    return this.#state;
  }

  /** How the last connection ended; null before. */
  get end(): WebsocketEnd | null {
    return this.#end;
  }

  /** The subprotocol that was agreed on; empty if none. */
  get protocol(): string {
    return this.#link?.protocol ?? "";
  }

  /** Bytes that were put and have not left yet. */
  get bufferedAmount(): number {
    return this.#outbox.bufferedAmount;
  }

  /**
   * Calls back with each new state. What is put in the callback at `open` goes before everything that was
   * waiting.
   */
  onState<C extends (state: WebsocketState) => void>(callback: C): C {
    this.#onState.push(callback);
    return callback;
  }

  /**
   * Sends a message, at once or when it is connected.
   *
   * @throws {TypeError} when JSON cannot say it
   * @throws {BufferFull} when 16 MiB or 65536 messages wait already
   * @throws {SubscriptionClosed} when it is closed
   */
  override put_nowait(value: unknown): void {
    this._refuseIfClosed("send on");
    const message = encodeMessage(value);
    if (this.#greeting) return this.#link!.send(onWire(message));
    this.stopSubscription();
    this.#outbox.send(message);
  }

  /** The same as `put_nowait`. */
  send(value: unknown): void {
    this.put_nowait(value);
  }

  /** A new stream whose values are sent, as fast as the other end takes them. */
  override get writable(): WritableStream<unknown> {
    this._refuseIfClosed("write a stream into");
    return writableTo((value) => this.put_nowait(value), () => this.drained());
  }

  /**
   * Resolves when most of what was put has left for the network.
   * @throws {SubscriptionClosed} when it closes before
   */
  drained(): Promise<void> {
    if (this.closed) {
      return Promise.reject(
        this.error ??
          new SubscriptionClosed("Cannot drain Websocket: it is closed; make a new one"),
      );
    }
    return this.#outbox.drained();
  }

  /**
   * The other end was just asked for something: unless anything is heard from it within this time, the
   * connection is lost; while it connects, unless it opens. For when a network is known to have changed.
   */
  expect(withinMs: number): void {
    this.#link?.expect(withinMs);
  }

  /** Connects now, if it waits to connect again. */
  retryNow(): void {
    if (this.#state !== "away") return;
    this.#stopPause();
    this.#redial();
  }

  /**
   * Sends what was put, then closes. What still waits to be connected is dropped.
   * @param code 1000, or 3000 to 4999 with a meaning of your own
   */
  override close(code = 1000, reason = ""): Promise<void> {
    if (!this.closed) this.#farewell = { code, reason };
    return super.close();
  }

  protected override _close(): void {
    this.#stopPause();
    this.#outbox.close(
      this.error ??
        new SubscriptionClosed("Cannot send on Websocket: it is closed; make a new one"),
    );
    this.#enter("closed");
    this.#link?.close(this.#farewell.code, this.#farewell.reason);
    this.#end ??= this.#farewell;
  }

  #dial(): WebSocket {
    const { protocols = [] } = this.#options;
    const list = typeof protocols === "string" ? [protocols] : [...protocols];
    return new DenoWebSocket(this.#url!, { protocols: list, headers: { [HEARTBEAT_HEADER]: "1" } });
  }

  #use(socket: WebSocket): void {
    const { maxMessageBytes = MAX_MESSAGE_BYTES, connectTimeoutMs = 10_000 } = this.#options;
    const { silenceMs = Infinity } = this.#options;
    const options = { clock: this.#clock, maxMessageBytes, connectTimeoutMs, silenceMs };
    this.#link = new Link(socket, options, {
      opened: () => this.#opened(),
      message: (data) => this._put_nowait(typeof data === "string" ? parseText(data) : data),
      ended: (end, problem) => this.#ended(end, problem),
    });
  }

  #opened(): void {
    this.#openedMs = this.#clock.now();
    this.#greeting = true;
    this.#enter("open");
    this.#greeting = false;
    this._setReady();
    this.#outbox.connect(this.#link);
  }

  #ended(end: WebsocketEnd, problem: string | null): void {
    if (this.closed) return;
    const wasOpen = this.#state === "open";
    this.#end = end;
    this.#outbox.connect(null);
    if (wasOpen && this.#clock.now() - this.#openedMs >= (this.#reconnect?.goodAfterMs ?? 5000)) {
      this.#pauses.reset();
    }
    if (this.#reconnect && !this.#reconnect.unless?.(end)) {
      this.#stopPause = once(this.#clock, this.#pauses.next(), () => this.#redial());
      return this.#enter("away");
    }
    if (problem === null && wasOpen) return void this.close();
    const what = wasOpen ? "stay connected to" : "connect to";
    const whom = this.#url ? this.#url.origin + this.#url.pathname : "the client"; // no query: it may hold a secret
    const why = problem ?? `it was closed with code ${end.code}${end.reason && `, ${end.reason}`}`;
    this._setError(new ConnectionLost(`Cannot ${what} ${whom}: ${why}; make a new Websocket`));
  }

  #redial(): void {
    this.#enter("connecting");
    try {
      this.#use(this.#dial());
    } catch (error) {
      this._setError(error);
    }
  }

  /** Reads the source that was put, as fast as the other end takes it. */
  async #pump(): Promise<void> {
    try {
      for (;;) {
        await this.drained();
        const value = await this._get();
        try {
          this.#outbox.send(encodeMessage(value));
        } catch (error) {
          report("a message for a Websocket was not sent", error);
        }
      }
    } catch {
      // it was closed
    }
  }

  #beat(): void {
    const stop = this.#clock.every(
      HEARTBEAT_MS,
      () => this.#link?.open && this.#link.send(HEARTBEAT),
    );
    this.#link?.send(HEARTBEAT);
    this.onClose(stop);
  }

  #enter(state: WebsocketState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const callback of this.#onState) {
      try {
        callback(state);
      } catch (error) {
        report("a listener of onState failed", error);
      }
    }
  }
}

const utf8 = new TextEncoder();

/** Deno's takes headers too; programs that are checked with the page's types do not know that. */
const DenoWebSocket = WebSocket as unknown as new (
  url: URL,
  options: { protocols: string[]; headers: Record<string, string> },
) => WebSocket;

function parseText(text: string): unknown {
  return decodeMessage({ bytes: utf8.encode(text), text: true });
}

function websocketUrl(target: string | URL): URL {
  const url = new URL(target);
  if (!/^(https?|wss?):$/.test(url.protocol)) {
    throw new TypeError(
      `Cannot connect to ${url.protocol}//${url.host}: it is no websocket's address; ` +
        `give one that begins with https, http, wss or ws`,
    );
  }
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.hash = "";
  return url;
}
