/// <reference lib="dom" />
/** The page's end of the channel that two ends of this library have for themselves. */

import {
  LIBRARY_CHANNEL,
  LibraryProtocol,
  PING_INTERVAL_MS,
  SILENCE_LIMIT_MS,
} from "../wire/library_channel.ts";
import { Control } from "./control.ts";
import { ShownPictures } from "./shown_pictures.ts";

/** A timer as late as this means that the page slept, and that messages may still be waiting. */
const SLEPT_MS = 3 * PING_INTERVAL_MS;

/** Round-trip time, commands, and whether the other end is still there. */
export class LibraryChannel {
  /** Commands both ways. */
  readonly control: Control;
  /** What is displayed of the other end's pictures. */
  readonly pictures: ShownPictures;

  readonly #protocol = new LibraryProtocol();
  readonly #channel: RTCDataChannel;
  readonly #onSilence: () => void;
  #heardMs: number | null = null;
  #tickMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param onSilence called when the other end was heard once, and then no more */
  constructor(pc: RTCPeerConnection, onSilence: () => void) {
    this.#onSilence = onSilence;
    const { label, ...options } = LIBRARY_CHANNEL;
    this.#channel = pc.createDataChannel(label, { ...options, negotiated: true });
    this.control = new Control(this.#channel, this.#protocol);
    this.pictures = new ShownPictures((timestamp90kHz, shownMs) => {
      if (this.#channel.bufferedAmount > 0) return; // old when it leaves
      this.#send(this.#protocol.shown(timestamp90kHz, shownMs));
    });
    this.#channel.addEventListener("open", () => this.#start());
    this.#channel.addEventListener("message", (event) => this.#receive(event.data));
  }

  /** Smoothed round-trip time in ms, null until measured. */
  get rttMs(): number | null {
    return this.#protocol.roundTripMs;
  }

  /** How old pictures were lately when they were displayed, in ms, null if unknown. */
  get pictureAgeMs(): number | null {
    return this.#protocol.pictureAgeMs(performance.now());
  }

  /** Any message of the other end, on whichever channel, shows that it is alive. */
  noteLife(): void {
    if (this.#heardMs !== null) this.#heardMs = performance.now();
  }

  /** Stops the timer and closes the channel. */
  close(): void {
    clearInterval(this.#timer);
    this.control._close();
    this.pictures.close();
    this.#channel.close();
  }

  #start(): void {
    this.#tickMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), PING_INTERVAL_MS);
    this.#send(this.#protocol.ping(this.#tickMs));
  }

  #tick(): void {
    const nowMs = performance.now();
    if (nowMs - this.#tickMs > SLEPT_MS) this.noteLife();
    this.#tickMs = nowMs;
    if (this.#heardMs !== null && nowMs - this.#heardMs > SILENCE_LIMIT_MS) {
      return this.#onSilence();
    }
    this.#send(this.#protocol.ping(nowMs));
  }

  #send(text: string): void {
    if (this.#channel.readyState === "open") this.#channel.send(text);
  }

  #receive(data: unknown): void {
    this.#heardMs = performance.now();
    if (typeof data !== "string") return;
    const { reply, command } = this.#protocol.receive(data, this.#heardMs);
    if (reply) this.#send(reply);
    if (command) this.control._receive(command.value);
  }
}
