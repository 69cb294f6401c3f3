/** A viewer comes: POST `/<id>` with its offer, GET `/<id>/ice` for the ICE servers. */
import type { Context } from "@hono/hono";
import type { OfferReply, Presence } from "../broker.ts";
import { BodyRefused, readBody } from "../body.ts";
import { once } from "../clock.ts";
import { sameHash, sha256 } from "../hash.ts";
import { addressOf } from "./address.ts";
import { type Service, shortened } from "./settings.ts";

const NOBODY = "No robot waits here.";
const TOKEN_WANTED = "This robot wants to see a token.";

/** Takes the offer to the robot and its answer back. Every failure is a status and one sentence. */
export async function answerOffer(service: Service, c: Context, id: string): Promise<Response> {
  const address = addressOf(c.req.raw.headers, c.env, service.proxies);
  const leave = service.guests.enter(address, "offers");
  if (typeof leave === "string") {
    c.header("retry-after", "2");
    const status = leave === "address" ? 429 : 503;
    return end(
      service,
      c,
      id,
      "limited",
      status,
      "Too many offers wait for an answer; come again.",
    );
  }
  try {
    return await relay(service, c, id);
  } finally {
    leave();
  }
}

async function relay(service: Service, c: Context, id: string): Promise<Response> {
  const { limits, bodyTimeoutMs, clock } = service;
  const reading = { maxBytes: limits.maxOfferBytes, timeoutMs: bodyTimeoutMs, clock };
  let offer: string;
  try {
    offer = await readBody(c.req.raw, reading);
  } catch (error) {
    if (!(error instanceof BodyRefused)) throw error;
    return end(service, c, id, "malformed", error.status, error.message);
  }
  if (!isOffer(offer)) {
    const sentence = 'Cannot read the offer: the body is not JSON with "type" and "sdp"';
    return end(service, c, id, "malformed", 400, sentence);
  }
  const token = bearer(c.req.raw.headers);
  const presence = await service.broker.find(id);
  if (!presence) return end(service, c, id, "absent", 404, NOBODY);
  if (!await mayJoin(presence, token)) return end(service, c, id, "token", 401, TOKEN_WANTED);
  const deadline = new AbortController();
  const late = new Error("late");
  const stop = once(clock, service.answerTimeoutMs, () => deadline.abort(late));
  const beganMs = clock.now();
  try {
    const reply = await service.broker.ask(id, { offer, token }, { signal: deadline.signal });
    if (reply?.kind === "answer") service.metrics.observe((clock.now() - beganMs) / 1000);
    return sendReply(service, c, id, reply);
  } catch (error) {
    if (error !== late) throw error;
    const seconds = service.answerTimeoutMs / 1000;
    return end(service, c, id, "late", 504, `The robot did not answer within ${seconds} s.`);
  } finally {
    stop();
  }
}

function sendReply(service: Service, c: Context, id: string, reply: OfferReply | null): Response {
  switch (reply?.kind) {
    case "answer":
      note(service, id, "answered");
      return c.body(reply.answer, 200, { "content-type": "application/json" });
    case "refused":
      return end(service, c, id, "refused", reply.needsToken ? 401 : 403, reply.reason);
    case "busy":
      c.header("retry-after", "2");
      return end(service, c, id, "busy", 503, "The robot is busy with other viewers; come again.");
    case "gone":
      return end(service, c, id, "gone", 502, "The robot went away instead of answering.");
    default:
      return end(service, c, id, "absent", 404, NOBODY);
  }
}

/** What a viewer that may join needs before it makes its offer. */
export async function giveIceServers(service: Service, c: Context, id: string): Promise<Response> {
  const presence = await service.broker.find(id);
  if (!presence) return c.text(NOBODY, 404);
  if (!await mayJoin(presence, bearer(c.req.raw.headers))) return c.text(TOKEN_WANTED, 401);
  return c.json({ iceServers: await service.iceServers({ id, role: "viewer" }) });
}

async function mayJoin(presence: Presence, token: string | null): Promise<boolean> {
  if (presence.tokenHash === null) return true;
  return token !== null && sameHash(await sha256(token), presence.tokenHash);
}

/** A token comes in a header, never in the URL, which proxies write into their logs. */
function bearer(headers: Headers): string | null {
  const token = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? null;
  return token !== null && token.length <= 256 ? token : null;
}

function isOffer(text: string): boolean {
  try {
    const { type, sdp } = JSON.parse(text) ?? {};
    return typeof type === "string" && typeof sdp === "string";
  } catch {
    return false;
  }
}

function note(service: Service, id: string, outcome: string): void {
  service.metrics.count("offers", outcome);
  service.log({ event: "offer", robot: shortened(id), outcome });
}

type Refusal = 400 | 401 | 403 | 404 | 408 | 413 | 429 | 502 | 503 | 504;

function end(
  service: Service,
  c: Context,
  id: string,
  outcome: string,
  status: Refusal,
  sentence: string,
): Response {
  note(service, id, outcome);
  return c.text(sentence, status);
}
