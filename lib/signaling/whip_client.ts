/**
 * The client's side of WHIP (RFC 9725) and WHEP: our offer is posted to a media server, which answers it.
 * This is how a robot is shown to thousands: it sends once, and a server made for that fans out.
 */
import { ConnectionLost, RemoteProtocolError } from "../errors.ts";
import { MAX_SDP_LENGTH } from "../wire/description.ts";
import { BodyRefused, readBody } from "./body.ts";

/** What is needed of a connection; {@linkcode RTCConnection} has it. */
export interface Offering {
  /** Our offer. */
  getLocalDescription(): Promise<{ readonly sdp: string }>;
  /** Takes the answer. */
  setRemoteDescription(answer: unknown): Promise<void>;
  /** Tells when the connection has ended. */
  onClose(listener: () => void): unknown;
  /** Ends it. */
  close(): unknown;
}

/** Options of {@linkcode publishWHIP} and {@linkcode watchWHEP}. */
export interface WhipOptions {
  /** Shown to the server, in a header. */
  token?: string;
  /** How long the server may take to answer. @default {10_000} */
  timeoutMs?: number;
  /** Gives up earlier. */
  signal?: AbortSignal;
}

/** What the server has of us. */
export interface WhipSession {
  /** The address of the session, without which nobody can end it. */
  readonly resource: URL;
}

/**
 * Publishes what the connection sends to a WHIP server: MediaMTX, LiveKit, Janus, a CDN. The session ends
 * with the connection: `conn.close()` tells the server.
 *
 * ```ts no-assert
 * import { publishWHIP, RTCConnection } from "rtcbot";
 * import { SimulatedRobot } from "rtcbot/testing";
 *
 * async function publish(robot: SimulatedRobot) {
 *   const conn = new RTCConnection({ data: false });
 *   conn.video.putSubscription(robot.camera);
 *   await publishWHIP(conn, "https://media.example.com/robot/whip", { token: "a secret" });
 * }
 * ```
 *
 * @param conn a new connection with its sources; `data: false`, since media servers have no use for channels
 * @throws {RemoteProtocolError} when the server refuses, with what it said
 * @throws {NegotiationError} when its answer is none
 * @throws {ConnectionLost} when it cannot be reached; the connection is closed in both cases
 */
export async function publishWHIP(
  conn: Offering,
  url: string | URL,
  options: WhipOptions = {},
): Promise<WhipSession> {
  const action = `Cannot publish to ${nameOf(new URL(url))}`;
  try {
    const session = await join(conn, new URL(url), options, action);
    conn.onClose(() => void leave(session, options));
    return session;
  } catch (error) {
    conn.close(); // nobody will ever answer it
    throw error;
  }
}

/**
 * Watches what a WHEP server has: call `conn.video.subscribe` or `offerToReceive` before. All else is as
 * in {@linkcode publishWHIP}.
 */
export const watchWHEP: typeof publishWHIP = publishWHIP;

async function join(
  conn: Offering,
  url: URL,
  options: WhipOptions,
  action: string,
): Promise<WhipSession> {
  const { token, timeoutMs = 10_000, signal } = options;
  const { sdp } = await conn.getLocalDescription();
  const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/sdp", ...authorization(token) },
      body: sdp,
      signal: AbortSignal.any(limits),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    const why = late ? `no answer within ${timeoutMs / 1000} s` : "the server cannot be reached";
    throw new ConnectionLost(`${action}: ${why}; check the address and the network`, { cause });
  }
  const text = await readBody(response, { maxBytes: MAX_SDP_LENGTH, timeoutMs }).catch((cause) => {
    const why = cause instanceof BodyRefused && cause.status === 413
      ? "its answer is too long"
      : "its answer broke off";
    throw new RemoteProtocolError(`${action}: ${why}; is it a WHIP server?`, { cause });
  });
  if (response.status !== 201) {
    const said = text.trim().split("\n")[0]!.slice(0, 200);
    throw new RemoteProtocolError(
      `${action}: the server says ${response.status}${said && ` (${said})`}; ${mend(response)}`,
    );
  }
  const location = response.headers.get("location");
  const resource = location === null ? null : URL.parse(location, response.url || url);
  if (!resource || !/^https?:$/.test(resource.protocol)) {
    throw new RemoteProtocolError(
      `${action}: the server names no address for the session; is it a WHIP server?`,
    );
  }
  const session = { resource };
  try {
    await conn.setRemoteDescription({ type: "answer", sdp: text });
  } catch (error) {
    void leave(session, options); // the server holds it already
    throw error;
  }
  return session;
}

/** Ends the session; a server that is gone has ended it already. */
async function leave({ resource }: WhipSession, { token }: WhipOptions): Promise<void> {
  try {
    const headers = authorization(token);
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(resource, { method: "DELETE", headers, signal });
    await response.body?.cancel();
  } catch {
    // It will notice by itself: the connection is closed.
  }
}

function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Without what may be a secret: user names, and the search. */
function nameOf({ origin, pathname }: URL): string {
  return origin + pathname;
}

function mend({ status, headers }: Response): string {
  if (status === 401 || status === 403) return "give the token that it wants";
  if (status === 404) return "check the path";
  const retry = headers.get("retry-after");
  if (status === 503) return `try again${retry ? ` after ${retry} s` : " later"}`;
  return "its log may tell more";
}
