/// <reference lib="dom" />
/** Stays connected to the robot: a new connection, with growing pauses, whenever one has ended. */

import type { Description, RTCConnection } from "../index.ts";

declare const rtcbot: typeof import("../index.ts");

/** What the page shows about the connection. */
export type Phase = "connecting" | "open" | "waiting";

/** What the session is told and tells. */
export interface SessionOptions {
  connectPath: string;
  rtcConfiguration?: RTCConfiguration | null;
  /** Each new connection, before it makes its offer. */
  onConnection(conn: RTCConnection): void;
  /** The phase, the problem or the attempt has changed. */
  onChange(): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
/** For the answer to the offer, and then for the channel to open. */
const STEP_DEADLINE_MS = 12_000;
/** A connection that lasted so long was a good one: the pauses begin anew. */
const GOOD_AFTER_MS = 5000;

/** Connects, watches, connects again. */
export class Session {
  /** The present connection; a closed one while waiting. */
  conn: RTCConnection | null = null;
  phase: Phase = "connecting";
  /** Why the last connection ended or was not made: one sentence, empty if all is well. */
  problem = "";
  /** When the next attempt begins, on the clock of performance.now(). */
  retryAtMs = 0;

  readonly #options: SessionOptions;
  #pauseMs = FIRST_PAUSE_MS;
  #openedMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    globalThis.addEventListener("online", () => this.retryNow());
    globalThis.addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => !document.hidden && this.retryNow());
  }

  /** Makes the first connection. */
  start(): void {
    void this.#attempt();
  }

  /** Ends the waiting. */
  retryNow(): void {
    if (this.phase !== "waiting") return;
    clearTimeout(this.#timer);
    void this.#attempt();
  }

  async #attempt(): Promise<void> {
    this.#enter("connecting");
    const { connectPath, rtcConfiguration, onConnection } = this.#options;
    const conn = new rtcbot.RTCConnection(true, rtcConfiguration ?? undefined);
    this.conn = conn;
    let problem = "";
    conn.onClose(() => this.#ended(problem || describeEnd(conn)));
    try {
      onConnection(conn);
      const answer = await postOffer(connectPath, await conn.getLocalDescription());
      await conn.setRemoteDescription(answer);
      await within(STEP_DEADLINE_MS, conn.onReady());
      this.problem = "";
      this.#openedMs = performance.now();
      this.#enter("open");
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      conn.close();
    }
  }

  #ended(problem: string): void {
    if (this.phase === "open" && performance.now() - this.#openedMs > GOOD_AFTER_MS) {
      this.#pauseMs = FIRST_PAUSE_MS;
    }
    // Not all viewers of a robot that restarts should come back in the same moment.
    const pauseMs = this.#pauseMs * (0.8 + 0.4 * Math.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.problem = problem;
    this.retryAtMs = performance.now() + pauseMs;
    this.#timer = setTimeout(() => void this.#attempt(), pauseMs);
    this.#enter("waiting");
  }

  #enter(phase: Phase): void {
    this.phase = phase;
    this.#options.onChange();
  }
}

async function postOffer(path: string, offer: Description): Promise<Description> {
  let reply: Response;
  try {
    reply = await fetch(path, {
      method: "POST",
      cache: "no-store",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(offer),
      signal: AbortSignal.timeout(STEP_DEADLINE_MS),
    });
  } catch {
    throw new Error(`The robot does not answer at ${location.host}. Is it switched on?`);
  }
  const text = await reply.text();
  if (!reply.ok) throw new Error(sentenceOf(reply, text));
  try {
    return JSON.parse(text) as Description;
  } catch {
    throw new Error("The robot's answer is not a description of a connection.");
  }
}

/** The server says in one sentence what is wrong; a proxy in between may say a whole page. */
function sentenceOf(reply: Response, text: string): string {
  const isText = (reply.headers.get("content-type") ?? "text/plain").startsWith("text/plain");
  const sentence = text.trim();
  if (isText && sentence && sentence.length <= 300) return sentence;
  return `The robot refused the connection (HTTP ${reply.status}).`;
}

function describeEnd(conn: RTCConnection): string {
  if (conn.state !== "lost") return "The robot has closed the connection.";
  return conn.ready ? "The robot is not heard any more." : "There is no way through the network.";
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error("The robot has answered, but no way through the network opens.")),
      ms,
    );
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
