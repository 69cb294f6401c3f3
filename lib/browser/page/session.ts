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
  /** Where a signaling service tells of the robot and of ICE servers. */
  icePath?: string | null;
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

/** A robot that wants to see a token says so with this. */
const UNAUTHORIZED = 401;
const NOT_FOUND = 404;

/** Why there is no connection, for the card. */
class Problem extends Error {
  constructor(message: string, readonly status = 0) {
    super(message);
  }
}

/** Connects, watches, connects again. */
export class Session {
  /** The present connection; a closed one while waiting. */
  conn: RTCConnection | null = null;
  phase: Phase = "connecting";
  /** Why the last connection ended or was not made: one sentence, empty if all is well. */
  problem = "";
  /** Whether a signaling service is there, and no robot. */
  robotAway = false;
  /** Whether the robot wants a token, or another one. */
  tokenWanted = false;
  /** When the next attempt begins, on the clock of performance.now(). */
  retryAtMs = 0;

  readonly #options: SessionOptions;
  #pauseMs = FIRST_PAUSE_MS;
  #openedMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #token: string | null = tokenInAddress();

  constructor(options: SessionOptions) {
    this.#options = options;
    globalThis.addEventListener("online", () => this.retryNow());
    globalThis.addEventListener("hashchange", () => {
      const token = tokenInAddress();
      if (token) this.useToken(token);
    });
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

  /** Shows this token to the robot from now on. */
  useToken(token: string): void {
    this.#token = token;
    this.retryNow();
  }

  async #attempt(): Promise<void> {
    this.#enter("connecting");
    let configuration: RTCConfiguration | undefined;
    try {
      configuration = await this.#configure();
    } catch (error) {
      return this.#ended(error as Error);
    }
    await this.#connect(configuration);
  }

  /** With a signaling service, no offer is made before a robot is there. */
  async #configure(): Promise<RTCConfiguration | undefined> {
    const { icePath, rtcConfiguration } = this.#options;
    const usual = rtcConfiguration ?? undefined;
    if (!icePath) return usual;
    const text = await ask(icePath, { headers: this.#headers() });
    const { iceServers = null } = JSON.parse(text) as { iceServers?: RTCIceServer[] | null };
    return iceServers ? { ...usual, iceServers } : usual;
  }

  #headers(): Record<string, string> {
    return this.#token ? { authorization: `Bearer ${this.#token}` } : {};
  }

  async #connect(configuration: RTCConfiguration | undefined): Promise<void> {
    const { connectPath, onConnection } = this.#options;
    const conn = new rtcbot.RTCConnection(true, configuration);
    this.conn = conn;
    let problem: Error | null = null;
    conn.onClose(() => this.#ended(problem ?? new Problem(describeEnd(conn))));
    try {
      onConnection(conn);
      const offer = await conn.getLocalDescription();
      const answer = await postOffer(connectPath, offer, this.#headers());
      await conn.setRemoteDescription(answer);
      await within(STEP_DEADLINE_MS, conn.onReady());
      this.problem = "";
      this.robotAway = this.tokenWanted = false;
      this.#openedMs = performance.now();
      this.#enter("open");
    } catch (error) {
      problem = error instanceof Error ? error : new Problem(String(error));
      conn.close();
    }
  }

  #ended(problem: Error): void {
    if (this.phase === "open" && performance.now() - this.#openedMs > GOOD_AFTER_MS) {
      this.#pauseMs = FIRST_PAUSE_MS;
    }
    // Not all viewers of a robot that restarts should come back in the same moment.
    const pauseMs = this.#pauseMs * (0.8 + 0.4 * Math.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    const status = problem instanceof Problem && this.#options.icePath ? problem.status : 0;
    this.robotAway = status === NOT_FOUND;
    this.tokenWanted = status === UNAUTHORIZED;
    this.problem = this.robotAway ? "This page connects when it comes." : problem.message;
    this.retryAtMs = performance.now() + pauseMs;
    this.#timer = setTimeout(() => void this.#attempt(), pauseMs);
    this.#enter("waiting");
  }

  #enter(phase: Phase): void {
    this.phase = phase;
    this.#options.onChange();
  }
}

/** `#token=…`: what stands behind the # is never sent to a server. */
function tokenInAddress(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

async function postOffer(
  path: string,
  offer: Description,
  headers: Record<string, string>,
): Promise<Description> {
  const text = await ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(offer),
  });
  try {
    return JSON.parse(text) as Description;
  } catch {
    throw new Error("The robot's answer is not a description of a connection.");
  }
}

/** The text of a reply that says yes. */
async function ask(path: string, request: RequestInit): Promise<string> {
  let reply: Response;
  try {
    const signal = AbortSignal.timeout(STEP_DEADLINE_MS);
    reply = await fetch(path, { cache: "no-store", signal, ...request });
  } catch {
    throw new Problem(`The robot does not answer at ${location.host}. Is it switched on?`);
  }
  const text = await reply.text();
  if (!reply.ok) throw new Problem(sentenceOf(reply, text), reply.status);
  return text;
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
