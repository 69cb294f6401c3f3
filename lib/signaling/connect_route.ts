/** `POST /connect`: a browser sends its offer and gets the answer. */
import type { Context } from "@hono/hono";
import { MAX_SDP_LENGTH } from "../wire/description.ts";
import { BodyRefused, readBody } from "./body.ts";
import { ForeignPage, isForeign, type OriginBounds } from "./foreign_page.ts";
import { type Connectable, OfferAnswerer, type OfferBounds } from "./offer_answerer.ts";

export { ForeignPage, type OriginBounds };

/** Options of {@linkcode connectRoute}. */
export interface ConnectRouteOptions extends OfferBounds, OriginBounds {}

/** JSON escapes may make a description longer than its SDP; never twice as long. */
const MAX_BODY_BYTES = 2 * MAX_SDP_LENGTH;

/**
 * A route that answers offers. Whatever strangers post, they get the answer or one sentence with a
 * status of 4xx (503 when there are too many), and what they posted costs nothing. A page of another
 * origin gets 403, or any page that somebody in your network opens could drive the robot; one that you let
 * in by `origins` needs CORS headers too (`hono/cors`), to read the answer.
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
    if (isForeign(c.req.raw.headers, options)) return c.text(new ForeignPage().message, 403);
    let offer: unknown;
    try {
      offer = JSON.parse(await readBody(c.req.raw, { maxBytes: MAX_BODY_BYTES }));
    } catch (error) {
      if (error instanceof BodyRefused) return c.text(error.message, error.status);
      return c.text("Cannot read the offer: the body is not JSON", 400);
    }
    const reply = await answerer.answer(offer, connect);
    return "refusal" in reply
      ? c.text(reply.refusal, reply.status)
      : c.json(reply.answer as object);
  };
}
