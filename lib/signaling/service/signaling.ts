/** The signaling service, as a Hono app. */
import { type Context, Hono } from "@hono/hono";
import { robotPage, type RobotPageOptions } from "../../browser/robot_page.ts";
import { ConnectionLost } from "../../errors.ts";
import { pause } from "../clock.ts";
import { isForeign } from "../foreign_page.ts";
import { getRTCBotJS } from "../rtcbot_js.ts";
import { addressOf } from "./address.ts";
import { answerOffer, giveIceServers } from "./offer_route.ts";
import { welcomeRobot } from "./robot_route.ts";
import { logFailure, makeService, type Service, type SignalingOptions } from "./settings.ts";
import { asksForWebsocket } from "./socket.ts";

/** A running service. */
export interface Signaling extends AsyncDisposable {
  /** The routes; add your own, or mount it into another app. */
  readonly app: Hono;
  /** For `Deno.serve`. */
  readonly fetch: (request: Request, info?: unknown) => Response | Promise<Response>;
  /** How many websockets of robots are here. */
  readonly robots: number;
  /** How many offers are being read or wait for an answer. */
  readonly offers: number;
  /** Lets nobody in any more, waits for the answers that are under way, and sends the robots away with 1001. */
  close(): Promise<void>;
}

/** What an id may look like. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;
/** Words that are routes. */
const RESERVED = new Set(["healthz", "metrics", "ice"]);
const ID_WANTED = "An id has up to 64 letters, digits, - and _.";

/**
 * Makes the service that brings robots and viewers together. A robot waits at `/<id>` with a websocket, a
 * viewer posts its offer there, and gets the robot's answer. RTCBot's robots and pages work with it as they
 * are; robots of this library stay, and own their ids. `.github/SIGNALING.md` tells the protocol.
 *
 * ```ts no-assert
 * import { createSignaling } from "rtcbot";
 *
 * const signaling = createSignaling({ log: console.log });
 * const serve = () => Deno.serve({ port: 8080 }, signaling.fetch);
 * ```
 *
 * To be reached by strangers, start it with `serveSignaling()`: its own websockets bound what they send.
 */
export function createSignaling(options: SignalingOptions = {}): Signaling {
  const service = makeService(options);
  const app = makeApp(service);
  const underWay = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;
  const fetch = (request: Request, info?: unknown) => {
    const response = Promise.resolve(app.fetch(request, info as Record<string, unknown>));
    underWay.add(response);
    response.finally(() => underWay.delete(response)).catch(() => {});
    return response;
  };
  async function shutDown(): Promise<void> {
    service.closing = true;
    await Promise.allSettled(underWay);
    for (const end of [...service.robots]) end(1001, "the service is closing; come again");
    const patience = new AbortController();
    await Promise.race([
      pause(service.clock, 2000, patience.signal).catch(() => {}),
      noRobots(service),
    ]);
    patience.abort();
    await service.broker.close();
  }
  const close = () => closed ??= shutDown();
  return {
    app,
    fetch,
    get robots() {
      return service.robots.size;
    },
    get offers() {
      return service.guests.count("offers");
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The websockets' ends come in no promise; they are few by now, and it is over soon. */
async function noRobots(service: Service): Promise<void> {
  while (service.robots.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

function makeApp(service: Service): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    if (asksForWebsocket(c.req.raw.headers)) return await next(); // its response is not ours to change
    await next();
    const origin = allowedOrigin(service, c.req.header("origin"));
    if (origin) c.header("access-control-allow-origin", origin);
    if (service.cors !== "*") c.header("vary", "origin");
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });
  app.onError((error, c) => {
    logFailure(service, error);
    if (error instanceof ConnectionLost) return c.text("Robots cannot be reached now.", 503);
    return c.text("The service has a problem; its log says which.", 500);
  });
  app.get("/healthz", (c) => service.closing ? c.text("closing", 503) : c.text("ok"));
  app.get("/metrics", (c) => c.text(service.metrics.text(present(service))));
  app.get("/rtcbot.js", (c) => {
    const headers = { "content-type": "text/javascript", "cache-control": "max-age=3600" };
    return c.body(getRTCBotJS(), 200, headers);
  });
  app.get("/", (c) => c.text(`Robots and viewers meet here at /<id>. ${ID_WANTED}\n`));
  app.options("*", (c) => {
    c.header("access-control-allow-methods", "GET, POST");
    c.header("access-control-allow-headers", "authorization, content-type");
    c.header("access-control-max-age", "86400");
    return c.body(null, 204);
  });
  app.get("/:id", (c) => guarded(service, c, (id) => greet(service, c, id)));
  app.post("/:id", (c) => guarded(service, c, (id) => answerOffer(service, c, id)));
  app.get("/:id/ice", (c) => guarded(service, c, (id) => giveIceServers(service, c, id)));
  app.notFound((c) => c.text("Nothing is here.", 404));
  return app;
}

/** What every route of an id asks first. */
async function guarded(
  service: Service,
  c: Context,
  route: (id: string) => Response | Promise<Response>,
): Promise<Response> {
  if (service.closing) {
    c.header("retry-after", "2");
    return c.text("The service is closing; come again.", 503);
  }
  if (!service.guests.admit(addressOf(c.req.raw.headers, c.env, service.proxies))) {
    service.metrics.count("offers", "limited");
    c.header("retry-after", "2");
    return c.text("Too many requests from your address; come again.", 429);
  }
  // Who may not read the answer could still have the robot answer, and connect to another place.
  if (isForeign(c.req.raw.headers, { origins: service.cors })) {
    return c.text("Pages of this origin may not connect here.", 403);
  }
  const id = c.req.param("id") ?? "";
  if (!ID.test(id) || RESERVED.has(id)) return c.text(ID_WANTED, 400);
  return await route(id);
}

/** GET `/<id>`: a robot's websocket, a person's page, or for programs whether a robot waits. */
async function greet(service: Service, c: Context, id: string): Promise<Response> {
  if (asksForWebsocket(c.req.raw.headers)) return await welcomeRobot(service, c, id);
  if (!(c.req.header("accept") ?? "").includes("text/html")) {
    const presence = await service.broker.find(id);
    return c.json({ waiting: presence !== null, needsToken: presence?.tokenHash != null });
  }
  const page: RobotPageOptions = { title: id, connectPath: `/${id}`, icePath: `/${id}/ice` };
  return c.html(robotPage(page));
}

function allowedOrigin(service: Service, origin: string | undefined): string | null {
  if (service.cors === "*") return "*";
  return origin !== undefined && service.cors.includes(origin) ? origin : null;
}

function present(service: Service): Record<string, number> {
  return {
    robots: service.robots.size,
    offers: service.guests.count("offers"),
    addresses: service.guests.size,
    memory_bytes: Deno.memoryUsage().rss,
  };
}
