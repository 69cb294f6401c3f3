/**
 * The server's side of WHIP (RFC 9725) and of WHEP, its sibling for playback (draft-ietf-wish-whep): an
 * offer comes as the body of a POST, the answer goes back with the address of the session, and a DELETE
 * there ends it. Who sends and who watches stands in the offer, so that one route serves both.
 */
import { type Context, Hono } from "@hono/hono";
import { cors } from "@hono/hono/cors";
import { MAX_SDP_LENGTH } from "../wire/description.ts";
import { BodyRefused, readBody } from "./body.ts";
import { sameHash, sha256 } from "./hash.ts";
import { type Connectable, OfferAnswerer, type OfferBounds } from "./offer_answerer.ts";
import { type LinkedIceServer, linksOf } from "./whip_links.ts";

/** Options of {@linkcode whipRoute} and {@linkcode whepRoute}. */
export interface WhipRouteOptions extends OfferBounds {
  /** Whom to let in: those who show this token, or whose token the function accepts. @default everybody */
  token?: string | ((token: string | null) => boolean | Promise<boolean>);
  /** Pages of which origins may use it, such as `"https://example.com"`, or `"*"`. @default {[]} */
  origins?: string | string[];
  /** STUN and TURN servers that clients are told to use. */
  iceServers?: LinkedIceServer[];
}

const SDP = "application/sdp";
/** Clients close their end first, and we notice before they say so. */
const REMEMBERED = 64;

/**
 * Takes what OBS, ffmpeg, GStreamer or a page publishes, as an app that is mounted with `app.route`.
 *
 * Every offer gets a connection of its own; what it sends is in `conn.video` and `conn.audio`. Clients are
 * refused with one sentence: 401 without the token, 415 and 400 for what is no offer, 413 for a long one,
 * 503 when too many are there. Candidates that come later (PATCH) are not needed, since the client's own
 * checks tell where it is; they get 405, as the RFC has it.
 *
 * ```ts no-assert
 * import { Hono } from "@hono/hono";
 * import { RTCConnection, whipRoute } from "rtcbot";
 *
 * const app = new Hono();
 * app.route("/whip", whipRoute(() => {
 *   const conn = new RTCConnection();
 *   conn.video.subscribe((frame) => console.log(frame.width, frame.height));
 *   return conn;
 * }, { token: "a secret" }));
 * ```
 *
 * @param connect makes a new connection for each offer, and prepares it; not an async function
 */
export function whipRoute(connect: () => Connectable, options: WhipRouteOptions = {}): Hono {
  const { origins = [], iceServers = [], token } = options;
  const answerer = new OfferAnswerer(options);
  const sessions = new Map<string, Connectable>();
  const ended: string[] = [];
  const app = new Hono();
  app.options("/", async (c, next) => {
    c.header("accept-post", SDP); // RFC 9725, section 4.2; ICE servers only after the token
    return await next();
  });
  app.use(cors({
    origin: origins,
    allowMethods: ["POST", "PATCH", "DELETE", "OPTIONS"],
    allowHeaders: ["Authorization", "Content-Type", "If-Match", "ETag"],
    exposeHeaders: ["Location", "Link", "ETag"],
  }));
  app.use(async (c, next) => {
    if (await mayCome(bearerOf(c), token)) return await next();
    return c.text("Cannot connect: the token is missing or wrong", 401, {
      "www-authenticate": "Bearer",
    });
  });
  app.post("/", async (c) => {
    const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
    if (type !== SDP) return c.text(`Cannot read the offer: its type is not ${SDP}`, 415);
    let sdp: string;
    try {
      sdp = await readBody(c.req.raw, { maxBytes: MAX_SDP_LENGTH });
    } catch (error) {
      if (error instanceof BodyRefused) return c.text(error.message, error.status);
      throw error;
    }
    const reply = await answerer.answer({ type: "offer", sdp }, connect);
    if ("refusal" in reply) {
      const later = reply.status === 503 ? { "retry-after": "10" } : {};
      return c.text(reply.refusal, reply.status, later);
    }
    const id = crypto.randomUUID();
    sessions.set(id, reply.connection);
    reply.connection.onClose(() => {
      sessions.delete(id);
      if (ended.push(id) > REMEMBERED) ended.shift();
    });
    for (const link of linksOf(iceServers)) c.header("link", link, { append: true });
    return c.body((reply.answer as { sdp: string }).sdp, 201, {
      "content-type": SDP,
      // Relative, so that it is right behind a proxy that serves us under another path.
      "location": `${/[^/]*$/.exec(c.req.path)![0] || "."}/${id}`,
      "etag": `"${id}"`, // names the ICE session, which is never restarted
    });
  });
  app.delete("/:id", (c) => {
    const id = c.req.param("id");
    if (!sessions.has(id) && !ended.includes(id)) {
      return c.text("Cannot end the session: there is none of that name", 404);
    }
    sessions.get(id)?.close();
    return c.body(null, 200);
  });
  const only = (methods: string) => (c: Context) =>
    c.text(`Cannot do that: here is only ${methods}`, 405, { allow: methods });
  app.all("/", only("POST"));
  app.all("/:id", only("DELETE"));
  return app;
}

/**
 * Shows the robot to WHEP players, and to the servers that fan out to thousands: `conn.video` and
 * `conn.audio` are given what to show. All else is as in {@linkcode whipRoute}.
 *
 * ```ts no-assert
 * import { Hono } from "@hono/hono";
 * import { RTCConnection, whepRoute } from "rtcbot";
 * import { SimulatedRobot } from "rtcbot/testing";
 *
 * const robot = new SimulatedRobot();
 * const app = new Hono();
 * app.route("/whep", whepRoute(() => {
 *   const conn = new RTCConnection();
 *   conn.video.putSubscription(robot.camera);
 *   return conn;
 * }, { origins: "*" }));
 * ```
 */
export const whepRoute: typeof whipRoute = whipRoute;

function bearerOf(c: Context): string | null {
  return /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
}

async function mayCome(
  shown: string | null,
  token: WhipRouteOptions["token"],
): Promise<boolean> {
  if (token === undefined) return true;
  if (typeof token === "function") return await token(shown);
  return shown !== null && sameHash(await sha256(shown), await sha256(token));
}
