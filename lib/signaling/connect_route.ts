/** `POST /connect`: a browser sends its offer and gets the answer. */
import type { Context } from "@hono/hono";
import { MAX_SDP_LENGTH } from "../wire/description.ts";
import { type Connectable, OfferAnswerer, type OfferBounds, readText } from "./offer_answerer.ts";

/** Options of {@linkcode connectRoute}. */
export type ConnectRouteOptions = OfferBounds;

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
  const answerer = new OfferAnswerer(options);
  return async (c) => {
    let offer: unknown;
    try {
      offer = JSON.parse(await readText(c.req.raw, MAX_BODY_BYTES));
    } catch (error) {
      if (error instanceof RangeError) return c.text(error.message, 413);
      return c.text("Cannot read the offer: the body is not JSON", 400);
    }
    const reply = await answerer.answer(offer, connect);
    return "refusal" in reply
      ? c.text(reply.refusal, reply.status)
      : c.json(reply.answer as object);
  };
}
