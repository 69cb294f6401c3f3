/** A robot comes: websocket GET `/<id>`. */
import type { Context } from "@hono/hono";
import type { Claim, Holder } from "../broker.ts";
import { once } from "../clock.ts";
import { sha256 } from "../hash.ts";
import { CloseCode, type RobotMessage, SUBPROTOCOL } from "../protocol.ts";
import { addressOf } from "./address.ts";
import { MAX_ONCE_BYTES, OnceRobot } from "./once_robot.ts";
import { logFailure, type Service, shortened } from "./settings.ts";
import { acceptSocket, type ServiceSocket, type SocketListener } from "./socket.ts";
import { StayingRobot } from "./staying_robot.ts";

/** The secret of a robot that stays is used again so often, or more often if it is kept for less. */
const DAY_MS = 24 * 3600 * 1000;

/** Lets a robot wait at the id, or says in one sentence why not. */
export async function welcomeRobot(service: Service, c: Context, id: string): Promise<Response> {
  const request = c.req.raw;
  const address = addressOf(request.headers, c.env, service.proxies);
  const leave = service.guests.enter(address, "robots");
  if (typeof leave === "string") {
    service.metrics.count("robots", "limited");
    service.log({ event: "robot refused", robot: shortened(id), outcome: "limited" });
    const who = leave === "address" ? "your address has" : "there are";
    c.header("retry-after", "10");
    return c.text(`Cannot wait here: ${who} too many robots`, leave === "address" ? 429 : 503);
  }
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  const stays = offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
  try {
    return stays
      ? acceptStaying(service, request, id, address, leave)
      : await acceptOnce(service, c, id, leave);
  } catch (error) {
    leave();
    if (!(error instanceof TypeError)) throw error;
    return c.text(`Cannot open the websocket: ${error.message}`, 400);
  }
}

function acceptStaying(
  service: Service,
  request: Request,
  id: string,
  address: string,
  leave: () => void,
): Response {
  const options = {
    protocol: SUBPROTOCOL,
    maxMessageBytes: service.limits.maxMessageBytes,
    idleTimeoutS: service.idleTimeoutS,
  };
  return acceptSocket(request, options, (socket) => {
    const robot: StayingRobot = new StayingRobot(socket, {
      clock: service.clock,
      helloTimeoutMs: service.bodyTimeoutMs,
      maxOffers: service.limits.maxOffersPerRobot,
      claim: (holder, hello) => claimOwned(service, id, address, holder, hello),
      iceServers: () => service.iceServers({ id, role: "robot" }),
      failed: (error) => logFailure(service, error),
    });
    return accountFor(service, id, robot, leave);
  });
}

async function claimOwned(
  service: Service,
  id: string,
  address: string,
  holder: Holder,
  hello: RobotMessage & { type: "hello" },
): Promise<Claim | { code: number; reason: string }> {
  const taken = { code: CloseCode.taken, reason: "another robot has this id" };
  const held = await service.broker.find(id);
  if (held && !held.owned) return refused(service, id, "taken", taken);
  const isNew = await service.secrets.prove(id, null, service.secretTtlMs);
  if (isNew && !service.guests.admitNewId(address)) {
    const tooMany = { code: CloseCode.tooMany, reason: "your address has taken too many new ids" };
    return refused(service, id, "limited", tooMany);
  }
  const hash = await sha256(`${id}\0${hello.secret}`);
  if (!await service.secrets.prove(id, hash, service.secretTtlMs)) {
    const wrong = { code: CloseCode.wrongSecret, reason: "this id belongs to another secret" };
    return refused(service, id, "wrong secret", wrong);
  }
  const presence = { stays: true, owned: true, tokenHash: hello.tokenHash };
  const claim = await service.broker.claim(id, presence, holder, { replace: true });
  if (!claim) return refused(service, id, "taken", taken);
  came(service, id, "staying");
  // Whoever stays longer than secrets are kept must not lose its id by that.
  const stop = service.clock.every(Math.min(DAY_MS, service.secretTtlMs / 4), () => {
    service.secrets.prove(id, hash, service.secretTtlMs).catch((error) =>
      logFailure(service, error)
    );
  });
  return {
    release() {
      stop();
      return claim.release();
    },
  };
}

async function acceptOnce(
  service: Service,
  c: Context,
  id: string,
  leave: () => void,
): Promise<Response> {
  const mine = await service.secrets.prove(id, null, service.secretTtlMs);
  const relay = new Relay();
  const robot = new OnceRobot(relay);
  const presence = { stays: false, owned: false, tokenHash: null };
  const claim = mine ? await service.broker.claim(id, presence, robot) : null;
  if (!claim) {
    leave();
    refused(service, id, mine ? "taken" : "wrong secret", null);
    if (mine) return c.text(`Cannot wait here: another robot has this id`, 409);
    return c.text("Cannot wait here: this id belongs to a robot with a secret", 403);
  }
  const release = () => claim.release().catch((error) => logFailure(service, error));
  robot.ended.then(release);
  const options = { maxMessageBytes: MAX_ONCE_BYTES, idleTimeoutS: service.idleTimeoutS };
  try {
    const response = acceptSocket(c.req.raw, options, (socket) => {
      relay.socket = socket;
      came(service, id, "once");
      return accountFor(service, id, robot, leave);
    });
    return response;
  } catch (error) {
    await release();
    throw error;
  }
}

/** The id is claimed before the websocket is there, since a second robot must get its 409 instead of one. */
class Relay implements ServiceSocket {
  socket: ServiceSocket | null = null;

  send(text: string): void {
    this.socket?.send(text);
  }

  close(code: number, reason: string): void {
    this.socket?.close(code, reason);
  }

  get bufferedAmount(): number {
    return this.socket?.bufferedAmount ?? 0;
  }
}

interface Robot extends SocketListener {
  end(code: number, reason: string): void;
}

/** Counts the robot as long as its websocket is there, and gives up on one that does not open. */
function accountFor(service: Service, id: string, robot: Robot, leave: () => void): SocketListener {
  const end = (code: number, reason: string) => robot.end(code, reason);
  service.robots.add(end);
  let over = false;
  const closed = () => {
    if (over) return;
    over = true;
    stop();
    leave();
    service.robots.delete(end);
    robot.closed();
    service.log({ event: "robot left", robot: shortened(id) });
  };
  const stop = once(service.clock, service.bodyTimeoutMs, () => {
    end(1001, "it did not open");
    closed();
  });
  return {
    opened() {
      stop();
      robot.opened();
    },
    message: (data) => robot.message(data),
    closed,
  };
}

function came(service: Service, id: string, outcome: string): void {
  service.metrics.count("robots", outcome);
  service.log({ event: "robot came", robot: shortened(id), outcome });
}

function refused<T>(service: Service, id: string, outcome: string, value: T): T {
  service.metrics.count("robots", outcome.replaceAll(" ", "_"));
  service.log({ event: "robot refused", robot: shortened(id), outcome });
  return value;
}
