/** `POST /connect`: a browser sends its offer and gets the answer. */
import type { Context } from "@hono/hono";
import { NegotiationError } from "../errors.ts";
import { MAX_SDP_LENGTH } from "../wire/description.ts";

/** What the route needs of a connection; {@linkcode RTCConnection} has it. */
export interface Connectable {
  /** Whether the other end has come. */
  readonly ready: boolean;
  /** The answer to an offer; rejects with `NegotiationError` when the offer is none. */
  getLocalDescription(offer: unknown): Promise<unknown>;
  /** Tells when the connection has ended. */
  onClose(listener: () => void): unknown;
  /** Ends it. */
  close(): unknown;
}

/** Options of {@linkcode connectRoute}. */
export interface ConnectRouteOptions {
  /**
   * So many connections may be there at a time; who comes then is told to come again. One whose other end
   * has not come yet makes room: offers that nobody stands behind lock nobody out.
   * @default {32}
   */
  maxConnections?: number;
}

/** JSON escapes may make a description longer than its SDP; never twice as long. */
const MAX_BODY_BYTES = 2 * MAX_SDP_LENGTH;

/**
 * A route that answers offers. Whatever strangers post, they get the answer or one sentence with a
 * status of 4xx (503 when there are too many), and what they posted costs nothing.
 *
 * ```ts no-assert
 * import { Hono } from "@hono/hono";
 * import { connectRoute, RTCConnection } from "rtcbot";
 *
 * const app = new Hono();
 * app.post("/connect", connectRoute(() => {
 *   const conn = new RTCConnection();
 *   conn.subscribe((message) => console.log(message));
 *   return conn;
 * }));
 * ```
 *
 * @param connect makes a new connection for each offer, and prepares it; not an async function, since a
 * connection can itself be awaited
 */
export function connectRoute(
  connect: () => Connectable,
  options: ConnectRouteOptions = {},
): (c: Context) => Promise<Response> {
  const { maxConnections = 32 } = options;
  const connections = new Set<Connectable>();
  return async (c) => {
    let offer: unknown;
    try {
      offer = JSON.parse(await readText(c.req.raw, MAX_BODY_BYTES));
    } catch (error) {
      if (error instanceof RangeError) return c.text(error.message, 413);
      return c.text("Cannot read the offer: the body is not JSON", 400);
    }
    if (connections.size >= maxConnections) {
      const waiting = [...connections].find(({ ready }) => !ready);
      waiting?.close();
      if (waiting) connections.delete(waiting);
    }
    if (connections.size >= maxConnections) {
      return c.text(`Cannot connect: ${maxConnections} connections are there already`, 503);
    }
    let connection: Connectable | null = null;
    try {
      const made = connect();
      if (typeof made?.onClose !== "function") {
        throw new TypeError(
          "Cannot use what connectRoute's function returned: it is no connection; " +
            "return one, and not from an async function",
        );
      }
      connection = made;
      made.onClose(() => void connections.delete(made));
      connections.add(made); // not before: what throws above would hold its place for ever
      return c.json(await connection.getLocalDescription(offer));
    } catch (error) {
      connection?.close(); // a connection whose offer was refused would wait for a better one
      if (error instanceof NegotiationError) return c.text(error.message, 400);
      // What is wrong with the robot is for its owner, not for strangers.
      console.error("[rtcbot] a connection could not be made:", error);
      return c.text("Cannot connect: the robot has a problem; its console says which", 500);
    }
  };
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLong = () =>
    new RangeError(`Cannot read the offer: it is longer than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLong();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    if ((bytes += chunk.length) > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return await new Blob(chunks as BlobPart[]).text();
}
