/// <reference lib="dom" />
/**
 * Small commands of which only the newest matters. They travel on a channel that neither orders nor
 * repeats; on the default channel one lost packet would hold back all later commands and then play
 * them at once.
 */

import { type LibraryProtocol, MAX_COMMAND_AGE_MS } from "../wire/library_channel.ts";
import { Producer } from "./producer.ts";

/**
 * `conn.control`: `put_nowait(command)` sends, `subscribe(callback)` receives. The newest command wins;
 * late and outdated ones are dropped on either side.
 */
export class Control extends Producer<unknown> {
  readonly #channel: RTCDataChannel;
  readonly #protocol: LibraryProtocol;
  #pending: { readonly value: unknown; readonly givenMs: number } | null = null;

  /** Made by the connection only. */
  constructor(channel: RTCDataChannel, protocol: LibraryProtocol) {
    super();
    this.#channel = channel;
    this.#protocol = protocol;
    channel.addEventListener("open", () => {
      this._becomeReady();
      this.#flush();
    });
    channel.addEventListener("bufferedamountlow", () => this.#flush());
  }

  /**
   * Sends a command (anything that has a JSON form); bound, so that it can be handed on as a callback.
   * While the channel cannot take it, only the newest is kept, and no longer than half a second. After
   * the end it is dropped: the robot has stopped by itself.
   */
  readonly put_nowait: (value: unknown) => void = (value) => {
    if (JSON.stringify(value) === undefined) {
      throw new TypeError(`Cannot send a command of type ${typeof value}: it has no JSON form`);
    }
    this.#pending = { value, givenMs: performance.now() };
    this.#flush();
  };

  #flush(): void {
    const pending = this.#pending;
    if (!pending || this.#channel.readyState !== "open" || this.#channel.bufferedAmount > 0) return;
    this.#pending = null;
    if (performance.now() - pending.givenMs > MAX_COMMAND_AGE_MS) return;
    this.#channel.send(this.#protocol.command(pending.value, pending.givenMs));
  }

  /** For the library channel: a command has arrived. */
  _receive(value: unknown): void {
    this._emit(value);
  }

  /** For the library channel: the connection has ended. */
  _close(): void {
    this.#pending = null;
    this._end(null);
  }
}
