import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducerConsumer } from "../subscriptions/producer_consumer.ts";
import { report } from "../subscriptions/report.ts";
import { LIBRARY_CHANNEL, LibraryProtocol } from "../wire/library_channel.ts";
import type { PeerChannel } from "./peer.ts";

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/**
 * Commands: small values of which only the newest matters, such as `{forward, leftright}`. They travel
 * on a channel that neither orders nor repeats. On the default channel one lost packet would hold back
 * all later commands and then play them at once; here the newest wins, and what is older than half a
 * second is dropped.
 *
 * Both ends must be of this library; from and to others nothing comes.
 *
 * ```ts
 * import { RTCConnection } from "rtcbot";
 *
 * await using conn = new RTCConnection();
 * conn.control.subscribe((command) => console.log(command));
 * ```
 */
export class ControlChannel extends SubscriptionProducerConsumer<unknown> {
  readonly #protocol = new LibraryProtocol();
  #channel: PeerChannel | null = null;
  /** The newest command, while the network does not take it. */
  #held: { readonly value: unknown; readonly givenMs: number } | null = null;

  constructor() {
    super({
      ready: false,
      defaultSubscription: () => new MostRecentSubscription(),
      directPutSubscription: () => new MostRecentSubscription(),
    });
  }

  /** Smoothed round-trip time to the other end in ms; `null` until measured, or when it is not ours. */
  get rttMs(): number | null {
    return this.#protocol.roundTripMs;
  }

  /** For {@linkcode RTCConnection}: the library's own channel. */
  _attach(channel: PeerChannel): void {
    this.#channel = channel;
    channel.listener = {
      opened: () => this.#opened(),
      message: ({ bytes, text }) => {
        if (text) this.#receive(utf8Decoder.decode(bytes));
      },
      drained: () => this.#sendHeld(),
      closed: () => this.close(),
    };
    if (channel.state === "open") this.#opened();
  }

  /** For {@linkcode RTCConnection}: asks for a sign of life, and measures how long it takes. */
  _ping(): void {
    this.#send(this.#protocol.ping(performance.now()));
  }

  protected override _close(): void {
    this.#channel?.close();
  }

  #opened(): void {
    if (this.ready || this.closed) return;
    this._setReady();
    this.#pump();
  }

  async #pump(): Promise<void> {
    while (!this.closed) {
      const value = await this._get().catch(() => {}); // it was closed, and the loop ends
      if (this.closed) return;
      this.#held = { value, givenMs: performance.now() };
      this.#sendHeld();
    }
  }

  /** Nothing waits in line behind what has not left, but the last command, a stop, is not lost. */
  #sendHeld(): void {
    if (this.#held === null || !this.#clear) return;
    const { value, givenMs } = this.#held;
    this.#held = null;
    try {
      this.#send(this.#protocol.command(value, givenMs));
    } catch (error) {
      report("a command was not sent", error);
    }
  }

  #receive(text: string): void {
    const { reply, command } = this.#protocol.receive(text, performance.now());
    if (reply) this.#send(reply);
    if (command) this._put_nowait(command.value);
  }

  get #clear(): boolean {
    return this.#channel?.state === "open" && this.#channel.bufferedAmount === 0;
  }

  /** What cannot leave at once is old when it can. */
  #send(text: string): void {
    if (this.#clear) this.#channel!.send({ bytes: utf8.encode(text), text: true });
  }
}

/** How the channel is made, for {@linkcode RTCConnection}. */
export const CONTROL_CHANNEL_OPTIONS = {
  label: LIBRARY_CHANNEL.label,
  protocol: LIBRARY_CHANNEL.protocol,
  ordered: LIBRARY_CHANNEL.ordered,
  maxRetransmits: LIBRARY_CHANNEL.maxRetransmits,
  negotiatedId: LIBRARY_CHANNEL.id,
} as const;
