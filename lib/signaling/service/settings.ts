/** How the service is set up, and what its routes share. */
import type { Broker, SecretStore } from "../broker.ts";
import { type Clock, systemClock } from "../clock.ts";
import { MemoryBroker, MemorySecrets } from "../memory_broker.ts";
import type { SignalingIceServer } from "../protocol.ts";
import { DEFAULT_LIMITS, Guests, type SignalingLimits } from "./limits.ts";
import { Metrics } from "./metrics.ts";

/** For whom ICE servers are asked. */
export interface IceClient {
  /** The robot's id. */
  readonly id: string;
  /** Which end. */
  readonly role: "robot" | "viewer";
}

/** Something that happened, for the log. It holds no secret, no token, and no id in full. */
export interface SignalingEvent {
  /** `robot came`, `robot left`, `offer`, `limited`, `failure` … */
  readonly event: string;
  /** The first characters of the robot's id. */
  readonly robot?: string;
  /** What came of it, in a word. */
  readonly outcome?: string;
  /** What went wrong inside the service. */
  readonly error?: string;
}

/** Options of {@linkcode createSignaling}. */
export interface SignalingOptions {
  /** Limits for strangers. */
  limits?: SignalingLimits;
  /** How long a robot may take for its answer; the viewer then gets 504. @default {10_000} */
  answerTimeoutMs?: number;
  /** How long a viewer may take to send its offer, and a robot to say hello. @default {10_000} */
  bodyTimeoutMs?: number;
  /** A robot that answers no ping for so long is gone. @default {30} */
  idleTimeoutS?: number;
  /** So long after its last use the secret of an id is forgotten. @default 30 days */
  secretTtlMs?: number;
  /**
   * How many proxies of your own stand in front. Only then is `X-Forwarded-For` believed, and only what
   * they have added; `true` is one.
   * @default false
   */
  trustProxy?: boolean | number;
  /**
   * Which pages of other origins may connect: `"*"`, or a list of origins. There are no cookies that a
   * foreign page could abuse; but where only some can reach the service, as in a network of your own, any
   * page that one of them opens can, unless you give a list.
   * @default "*"
   */
  cors?: "*" | readonly string[];
  /**
   * ICE servers for a viewer that may join, and for robots: short-lived TURN credentials, for example. The
   * page and the robots use their own when it gives null.
   */
  iceServers?: (
    who: IceClient,
  ) => SignalingIceServer[] | null | Promise<SignalingIceServer[] | null>;
  /** Told what happens. @default nobody */
  log?: (event: SignalingEvent) => void;
  /** Joins several instances. @default one that knows this process */
  broker?: Broker;
  /** Keeps whose ids are whose. @default in memory */
  secrets?: SecretStore;
  /** The time, for tests. @default the system's */
  clock?: Clock;
}

/** What the routes share. */
export interface Service {
  readonly limits: Required<SignalingLimits>;
  readonly answerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutS: number;
  readonly secretTtlMs: number;
  readonly proxies: number;
  readonly cors: "*" | readonly string[];
  readonly broker: Broker;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly guests: Guests;
  readonly metrics: Metrics;
  /** The robots whose websockets are here; each call sends one away. */
  readonly robots: Set<(code: number, reason: string) => void>;
  /** Whether nobody is let in any more. */
  closing: boolean;
  iceServers(who: IceClient): Promise<SignalingIceServer[] | null>;
  log(event: SignalingEvent): void;
}

/** Fills in the defaults. Throws `RangeError` for a limit that is none. */
export function makeService(options: SignalingOptions): Service {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { answerTimeoutMs = 10_000, bodyTimeoutMs = 10_000, idleTimeoutS = 30 } = options;
  const { secretTtlMs = 30 * 24 * 3600 * 1000, trustProxy = false } = options;
  for (
    const [name, value] of Object.entries({
      ...limits,
      answerTimeoutMs,
      bodyTimeoutMs,
      secretTtlMs,
    })
  ) {
    if (!(value > 0)) {
      throw new RangeError(`Cannot make the service: ${name} is ${value}; give more than 0`);
    }
  }
  const clock = options.clock ?? systemClock;
  const { iceServers = () => null } = options;
  return {
    limits,
    answerTimeoutMs,
    bodyTimeoutMs,
    idleTimeoutS,
    secretTtlMs,
    proxies: Number(trustProxy),
    cors: options.cors ?? "*",
    broker: options.broker ?? new MemoryBroker(),
    secrets: options.secrets ?? new MemorySecrets({ now: () => clock.now() }),
    clock,
    guests: new Guests(limits, clock),
    metrics: new Metrics(),
    robots: new Set(),
    closing: false,
    iceServers: async (who) => await iceServers(who),
    log: options.log ?? (() => {}),
  };
}

/** Enough of an id to find it in a log by, too little to use it. */
export function shortened(id: string): string {
  return `${id.slice(0, Math.min(3, id.length >> 1))}…`;
}

/** Reports a failure of ours. */
export function logFailure(service: Service, error: unknown): void {
  service.log({ event: "failure", error: error instanceof Error ? error.message : String(error) });
}
