/** What one address may do, so that one stranger leaves room for everybody else. */
import type { Clock } from "../clock.ts";

/** How much is too much. An address is an IPv4 address or the /64 of an IPv6 address. */
export interface SignalingLimits {
  /** Websockets of robots, of all addresses together. @default {10_000} */
  maxRobots?: number;
  /** Websockets of robots from one address. @default {64} */
  maxRobotsPerAddress?: number;
  /**
   * Ids that robots from one address may come to own in an hour, in the long run; at once as many as it may
   * have robots. Each is kept for long, and all together would fill what keeps them.
   * @default {10}
   */
  newIdsPerHour?: number;
  /** Offers that wait for their answer or are still being sent. @default {1000} */
  maxOffers?: number;
  /** The same from one address. @default {32} */
  maxOffersPerAddress?: number;
  /** The same at one robot. @default {32} */
  maxOffersPerRobot?: number;
  /** Requests that one address may make a second, in the long run. @default {5} */
  requestsPerSecond?: number;
  /** Requests that it may make at once. @default {60} */
  requestBurst?: number;
  /** Bytes of an offer. @default {131_072} */
  maxOfferBytes?: number;
  /** Bytes of a message of a robot that stays; one of the old style may send less than 8192. @default {131_072} */
  maxMessageBytes?: number;
}

/** The defaults. */
export const DEFAULT_LIMITS: Required<SignalingLimits> = {
  maxRobots: 10_000,
  maxRobotsPerAddress: 64,
  newIdsPerHour: 10,
  maxOffers: 1000,
  maxOffersPerAddress: 32,
  maxOffersPerRobot: 32,
  requestsPerSecond: 5,
  requestBurst: 60,
  maxOfferBytes: 131_072,
  maxMessageBytes: 131_072,
};

/** So many addresses are remembered; those that hold nothing are forgotten first. */
const MAX_ADDRESSES = 50_000;

/** Allows `perSecond` in the long run and `burst` at once. */
export class TokenBucket {
  #tokens: number;
  #thenMs: number;

  /** Full at the beginning. */
  constructor(readonly perSecond: number, readonly burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#thenMs = nowMs;
  }

  /** Takes them if so many are there. */
  take(nowMs: number, count = 1): boolean {
    const earned = (nowMs - this.#thenMs) / 1000 * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + earned);
    this.#thenMs = nowMs;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}

/** What is counted. */
export type Kind = "robots" | "offers";

interface Guest {
  readonly requests: TokenBucket;
  readonly newIds: TokenBucket;
  robots: number;
  offers: number;
}

/** Counts what each address holds and asks for. */
export class Guests {
  readonly #limits: Required<SignalingLimits>;
  readonly #clock: Clock;
  /** Who was here longest ago comes first. */
  readonly #guests = new Map<string, Guest>();
  readonly #total: Record<Kind, number> = { robots: 0, offers: 0 };

  /** Nobody is here yet. */
  constructor(limits: Required<SignalingLimits>, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#guests.size;
  }

  /** How many there are of all addresses. */
  count(kind: Kind): number {
    return this.#total[kind];
  }

  /** Whether an address may make one more request now. */
  admit(address: string): boolean {
    return this.#guest(address).requests.take(this.#clock.now());
  }

  /** Whether one more id may come to belong to a robot from there. */
  admitNewId(address: string): boolean {
    return this.#guest(address).newIds.take(this.#clock.now());
  }

  /** Takes a place; null when there is none: `"all"` when nobody gets one. The function gives it back. */
  enter(address: string, kind: Kind): (() => void) | "address" | "all" {
    const { maxRobots, maxOffers, maxRobotsPerAddress, maxOffersPerAddress } = this.#limits;
    const [most, mostHere] = kind === "robots"
      ? [maxRobots, maxRobotsPerAddress]
      : [maxOffers, maxOffersPerAddress];
    const guest = this.#guest(address);
    if (guest[kind] >= mostHere) return "address";
    if (this.#total[kind] >= most) return "all";
    guest[kind]++;
    this.#total[kind]++;
    let here = true;
    return () => {
      if (!here) return;
      here = false;
      guest[kind]--;
      this.#total[kind]--;
    };
  }

  #guest(address: string): Guest {
    let guest = this.#guests.get(address);
    if (guest) this.#guests.delete(address);
    else {
      const { requestsPerSecond, requestBurst, newIdsPerHour, maxRobotsPerAddress } = this.#limits;
      const nowMs = this.#clock.now();
      const requests = new TokenBucket(requestsPerSecond, requestBurst, nowMs);
      const newIds = new TokenBucket(newIdsPerHour / 3600, maxRobotsPerAddress, nowMs);
      guest = { requests, newIds, robots: 0, offers: 0 };
      if (this.#guests.size >= MAX_ADDRESSES) this.#forget();
    }
    this.#guests.set(address, guest);
    return guest;
  }

  #forget(): void {
    for (const [address, { robots, offers }] of this.#guests) {
      if (robots + offers > 0) continue; // there are at most maxRobots + maxOffers of these
      this.#guests.delete(address);
      return;
    }
  }
}
