/// <reference lib="dom" />
/** A page that stays connected to its robot: a new connection whenever one has ended. */

import { ConnectionLost } from "../errors.ts";
import { ask, nobodyAnswers } from "./ask.ts";
import { Attempts } from "./attempts.ts";
import { callSafely } from "./life.ts";
import { type Description, RTCConnection } from "./rtc_connection.ts";

/**
 * `connecting` while an attempt is made, `open` while messages flow, `waiting` before the next attempt,
 * `closed` for ever.
 */
export type StayState = "connecting" | "open" | "waiting" | "closed";

/** Options of {@linkcode stayConnected}. */
export interface StayConnectedOptions {
  /** Where the offer is posted. @default "/connect" */
  url?: string;
  /** Prepares each new connection, before it makes its offer. */
  onConnection: (conn: RTCConnection) => void;
  /** Is called with each new state. */
  onState?: (state: StayState) => void;
  /** The browser's RTCConfiguration; by default one public STUN server. */
  rtcConfiguration?: RTCConfiguration | undefined;
  /** Where a signaling service says before each attempt whether the robot is there, and its ICE servers. */
  iceUrl?: string | null | undefined;
  /** What is shown to a robot that wants a token. */
  token?: () => string | null;
}

/** An attempt that has taken so long does not know that the network has changed. */
const HANGING_MS = 1_000;

/**
 * Connects, and connects again whenever the connection has ended, until `close()`. The pauses grow from
 * 0.3 to 5 s; a network that is back and a page that is looked at again end them. The robot is told by a
 * random name who comes again, so that the new connection takes the old one's place.
 *
 * ```js
 * const link = rtcbot.stayConnected({
 *   onConnection(conn) {
 *     conn.video.subscribe((stream) => document.querySelector("video").srcObject = stream);
 *   },
 *   onState: (state) => document.body.dataset.state = state,
 * });
 * new rtcbot.Drive().subscribe((command) => link.conn?.control.put_nowait(command));
 * ```
 */
export function stayConnected(options: StayConnectedOptions): StayConnected {
  return new StayConnected(options);
}

/** What {@linkcode stayConnected} returns. */
export class StayConnected {
  readonly #options: StayConnectedOptions;
  readonly #viewer = randomName();
  readonly #attempts = new Attempts();
  readonly #listening = new AbortController();
  #state: StayState = "waiting";
  /** Of the present attempt and its connection. */
  #life = new AbortController();
  #newest: RTCConnection | null = null;
  #problem: Error | null = null;
  #beganMs = 0;
  #retryAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins at once. */
  constructor(options: StayConnectedOptions) {
    this.#options = options;
    const { signal } = this.#listening;
    const retry = () => this.retryNow();
    globalThis.addEventListener("online", retry, { signal });
    globalThis.addEventListener("pageshow", (event) => event.persisted && retry(), { signal });
    // A page that is left may be gone back to, and rests until then.
    globalThis.addEventListener("pagehide", () => this.#rest(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || retry(), { signal });
    this.#begin();
  }

  /** Where it is. */
  get state(): StayState {
    return this.#state;
  }

  /** The connection while it is open, else null: nothing is kept for later that was meant for now. */
  get conn(): RTCConnection | null {
    return this.#state === "open" ? this.#newest : null;
  }

  /** The connection that was made last, whatever has become of it. */
  get newest(): RTCConnection | null {
    return this.#newest;
  }

  /** Why the last attempt failed or the last connection ended, in a sentence to be shown; null if open. */
  get problem(): Error | null {
    return this.#problem;
  }

  /** When the next attempt begins, on the clock of `performance.now()`. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /** Ends a pause, or an attempt that seems to hang. */
  retryNow(): void {
    const hangs = this.#state === "connecting" && performance.now() - this.#beganMs > HANGING_MS;
    if (this.#state === "waiting" || hangs) this.#begin();
  }

  /** Ends the connection, and makes no other. */
  close(): void {
    this.#listening.abort();
    this.#stop();
    this.#enter("closed");
  }

  #begin(): void {
    this.#stop();
    const life = this.#life = new AbortController();
    this.#beganMs = performance.now();
    this.#enter("connecting");
    this.#connect(life).catch((error: Error) => this.#ended(life, error));
  }

  async #connect(life: AbortController): Promise<void> {
    const { url = "/connect", onConnection } = this.#options;
    const { signal } = life;
    const configuration = await this.#configure(signal);
    signal.throwIfAborted();
    const conn = this.#newest = new RTCConnection(true, configuration);
    signal.addEventListener("abort", () => conn.close());
    conn.onClose(() => this.#ended(life, describeEnd(conn)));
    // An end that was never heard on the library's own channel is missed by the browser alone, which
    // would hope for 15 s.
    conn._rtc.addEventListener("connectionstatechange", () => {
      if (conn._rtc.connectionState === "disconnected") this.#ended(life, notHeard());
    });
    onConnection(conn);
    const offer = await conn.getLocalDescription();
    const answer = await this.#ask(url, signal, { ...offer, viewer: this.#viewer });
    await conn.setRemoteDescription(answer as Description);
    await this.#inTime(
      conn.onReady(),
      () => new ConnectionLost("The robot has answered, but no way through the network opens."),
    );
    signal.throwIfAborted();
    this.#problem = null;
    this.#attempts.opened(performance.now());
    this.#enter("open");
  }

  /** With a signaling service, no offer is made before a robot is there. */
  async #configure(signal: AbortSignal): Promise<RTCConfiguration | undefined> {
    const { iceUrl, rtcConfiguration } = this.#options;
    if (!iceUrl) return rtcConfiguration;
    const told = await this.#ask(iceUrl, signal) as { iceServers?: RTCIceServer[] | null };
    return told.iceServers
      ? { ...rtcConfiguration, iceServers: told.iceServers }
      : rtcConfiguration;
  }

  #ask(url: string, signal: AbortSignal, body?: object): Promise<object> {
    const token = this.#options.token?.() ?? null;
    const asked = ask(url, { signal, token, ...(body ? { body } : {}) });
    return this.#inTime(asked, () => nobodyAnswers(url));
  }

  /** A robot that was cut off would let its viewer wait for ever. What is late is aborted with the attempt. */
  async #inTime<T>(step: Promise<T>, late: () => Error): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(late()), this.#attempts.deadlineMs);
    });
    try {
      return await Promise.race([step, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The attempt has failed or its connection has ended; only the first word of it counts. */
  #ended(life: AbortController, problem: Error): void {
    if (life !== this.#life || life.signal.aborted) return;
    this.#stop();
    const nowMs = performance.now();
    const pauseMs = this.#attempts.ended(nowMs, Math.random());
    this.#problem = problem;
    this.#retryAtMs = nowMs + pauseMs;
    this.#timer = setTimeout(() => this.#begin(), pauseMs);
    this.#enter("waiting");
  }

  #rest(): void {
    this.#stop();
    this.#retryAtMs = Infinity;
    this.#enter("waiting");
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#life.abort();
  }

  #enter(state: StayState): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    callSafely((state) => this.#options.onState?.(state), state);
  }
}

function describeEnd(conn: RTCConnection): Error {
  if (conn.state !== "lost") return new ConnectionLost("The robot has closed the connection.");
  return conn.ready ? notHeard() : new ConnectionLost("There is no way through the network.");
}

function notHeard(): Error {
  return new ConnectionLost("The robot is not heard any more.");
}

/** `crypto.randomUUID` is not to be had over plain HTTP. */
function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
