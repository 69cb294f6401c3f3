/// <reference lib="dom" />
/** A websocket with the same words as everything else. */

import { ConnectionLost, SubscriptionClosed } from "../errors.ts";
import { decodeMessage, encodeMessage, type Wire } from "./message.ts";
import { Producer } from "./producer.ts";

/**
 * JSON both ways; text that is not JSON arrives as text, bytes as an ArrayBuffer.
 *
 * ```js
 * const ws = new rtcbot.Websocket("/ws"); // or http://, https://, ws://, wss://
 * ws.put_nowait({ hello: "world" });      // waits until the websocket is open
 * console.log(await ws.get());
 * ```
 */
export class Websocket extends Producer<unknown> {
  /** The browser's websocket. */
  readonly _ws: WebSocket;
  #waiting: Wire[] = [];

  /** @param url absolute or relative to the page; `http` is taken as `ws`, `https` as `wss` */
  constructor(url: string | URL) {
    super();
    const ws = new WebSocket(websocketUrl(url));
    this._ws = ws;
    ws.binaryType = "arraybuffer";
    ws.addEventListener("open", () => {
      for (const wire of this.#waiting.splice(0)) ws.send(wire);
      this._becomeReady();
    });
    ws.addEventListener("message", ({ data }) => this._emit(decodeMessage(data)));
    ws.addEventListener("close", (event) => this.#closed(event));
  }

  /**
   * Sends a message: bytes as they are, everything else as JSON. Bound, so that it can be handed on as
   * a callback. Before the websocket is open, messages wait.
   *
   * @throws SubscriptionClosed after the end
   */
  readonly put_nowait: (value: unknown) => void = (value) => {
    if (this.closed) {
      throw new SubscriptionClosed("Cannot send: the Websocket is closed; make a new Websocket");
    }
    const wire = encodeMessage(value);
    if (this._ws.readyState === WebSocket.OPEN) this._ws.send(wire);
    else this.#waiting.push(wire);
  };

  /** The same as `put_nowait`. */
  get send(): (value: unknown) => void {
    return this.put_nowait;
  }

  /** Ends it; calling it again does nothing. */
  close(): void {
    this._ws.close();
    this._end(null);
  }

  #closed(event: CloseEvent): void {
    this.#waiting = [];
    if (this.ready && event.wasClean) return this._end(null);
    const what = this.ready ? "stay connected to" : "connect to";
    const why = event.reason || `the websocket closed with code ${event.code}`;
    this._end(new ConnectionLost(`Cannot ${what} ${this._ws.url}: ${why}; make a new Websocket`));
  }
}

function websocketUrl(url: string | URL): URL {
  const absolute = new URL(url, document.baseURI);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  absolute.hash = "";
  return absolute;
}
