/// <reference lib="dom" />
/** What the page knows about its connection: the words for why there is none, and the token. */

import type { RTCConnection, StayConnected } from "../index.ts";

declare const rtcbot: typeof import("../index.ts");

/** What the page shows about the connection. */
export type Phase = "connecting" | "open" | "waiting";

/** What the session is told and tells. */
export interface SessionOptions {
  connectPath: string;
  rtcConfiguration: RTCConfiguration | null;
  /** Where a signaling service tells of the robot and of ICE servers. */
  icePath: string | null;
  /** Each new connection, before it makes its offer. */
  onConnection(conn: RTCConnection): void;
  /** Something has changed. */
  onChange(): void;
}

/** A robot that wants to see a token says so with this. */
const UNAUTHORIZED = 401;
const NOT_FOUND = 404;

/** Stays connected for as long as the page is there. */
export class Session {
  /** Whether there was a connection: the page then connects *again*. */
  wasOpen = false;
  readonly #link: StayConnected;
  readonly #signaled: boolean;
  #token = tokenInAddress();

  /** Connects at once. */
  constructor(options: SessionOptions) {
    this.#signaled = options.icePath !== null;
    this.#link = rtcbot.stayConnected({
      url: options.connectPath,
      iceUrl: options.icePath,
      rtcConfiguration: options.rtcConfiguration ?? undefined,
      token: () => this.#token,
      onConnection: options.onConnection,
      onState: (state) => {
        this.wasOpen ||= state === "open";
        queueMicrotask(() => options.onChange()); // the first state comes before there is a session
      },
    });
    globalThis.addEventListener("hashchange", () => {
      const token = tokenInAddress();
      if (token) this.useToken(token);
    });
  }

  /** The newest connection, also one that has ended. */
  get conn(): RTCConnection | null {
    return this.#link.newest;
  }

  /** The connection, if it is open. */
  get open(): RTCConnection | null {
    return this.#link.conn;
  }

  /** Where it is. */
  get phase(): Phase {
    const { state } = this.#link;
    return state === "closed" ? "waiting" : state;
  }

  /** Whether a signaling service is there, and no robot. */
  get robotAway(): boolean {
    return this.#status === NOT_FOUND;
  }

  /** Whether the robot wants a token, or another one. */
  get tokenWanted(): boolean {
    return this.#status === UNAUTHORIZED;
  }

  /** Why the last connection ended or was not made: one sentence, empty if all is well. */
  get problem(): string {
    if (this.robotAway) return "This page connects when it comes.";
    return this.#link.problem?.message ?? "";
  }

  /** When the next attempt begins, on the clock of performance.now(). */
  get retryAtMs(): number {
    return this.#link.retryAtMs;
  }

  /** Ends the waiting. */
  retryNow(): void {
    this.#link.retryNow();
  }

  /** Shows this token to the robot from now on. */
  useToken(token: string): void {
    this.#token = token;
    this.retryNow();
  }

  /** What a signaling service has said. */
  get #status(): number {
    const { problem } = this.#link;
    return this.#signaled && problem instanceof rtcbot.Refused ? problem.status : 0;
  }
}

/** `#token=…`: what stands behind the # is never sent to a server. */
function tokenInAddress(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}
