/**
 * Two associations joined by a link with a clock of its own: delay, loss, reordering and duplicates come from
 * a seed, so that a failure can be seen again.
 */
import {
  SctpAssociation,
  type SctpEvent,
  type SctpOptions,
} from "../../../lib/wire/sctp/association.ts";

/** Numbers that look random and are the same each time (mulberry32). */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export interface LinkOptions {
  seed?: number;
  /** Shares from 0 to 1. */
  loss?: number;
  duplicate?: number;
  delayMs?: number;
  /** Added to the delay, up to so much, so that packets overtake each other. */
  jitterMs?: number;
  /** Sees every packet; `false` loses it. */
  filter?: (from: "left" | "right", packet: Uint8Array, nowMs: number) => boolean;
}

export type Message = Extract<SctpEvent, { type: "message" }>;

/** One end and what it heard. */
export class End {
  readonly sctp: SctpAssociation;
  events: SctpEvent[] = [];
  sentPackets = 0;
  sentBytes = 0;
  /** Whether events are taken at once; a slow reader does not. */
  reads = true;
  onEvent: ((event: SctpEvent) => void) | null = null;

  constructor(options: SctpOptions) {
    this.sctp = new SctpAssociation(options);
  }

  take(): void {
    for (let event; (event = this.sctp.pollEvent()) !== null;) {
      if (this.onEvent !== null) this.onEvent(event);
      else this.events.push(event);
    }
  }

  get messages(): Message[] {
    return this.events.filter((event) => event.type === "message");
  }

  has(type: SctpEvent["type"]): boolean {
    return this.events.some((event) => event.type === type);
  }
}

interface Flying {
  atMs: number;
  to: End;
  packet: Uint8Array;
}

export class Pair {
  readonly left: End;
  readonly right: End;
  nowMs = 1000;
  #link: LinkOptions;
  #random: () => number;
  #flying: Flying[] = [];

  constructor(
    link: LinkOptions = {},
    left: Partial<SctpOptions> = {},
    right: Partial<SctpOptions> = {},
  ) {
    this.#link = link;
    const seed = link.seed ?? 1;
    this.#random = seeded(seed);
    const base = { localPort: 5000, remotePort: 5000, client: true };
    this.left = new End({ ...base, random32: seeded(seed + 1), ...left });
    this.right = new End({ ...base, random32: seeded(seed + 2), client: false, ...right });
  }

  set link(link: LinkOptions) {
    this.#link = link;
  }

  #share(): number {
    return this.#random() / 2 ** 32;
  }

  /** Puts on the wire what both want to send. */
  flush(): void {
    for (const [from, to] of [[this.left, this.right], [this.right, this.left]] as const) {
      for (let packet; (packet = from.sctp.transmit(this.nowMs)) !== null;) {
        from.sentPackets++;
        from.sentBytes += packet.length;
        const side = from === this.left ? "left" : "right";
        if (this.#link.filter?.(side, packet, this.nowMs) === false) continue;
        if (this.#share() < (this.#link.loss ?? 0)) continue;
        this.fly(to, packet);
        if (this.#share() < (this.#link.duplicate ?? 0)) this.fly(to, packet);
      }
    }
  }

  fly(to: End, packet: Uint8Array): void {
    const atMs = this.nowMs + (this.#link.delayMs ?? 5) +
      (this.#link.jitterMs ? this.#share() * this.#link.jitterMs : 0);
    let i = this.#flying.length;
    while (i > 0 && this.#flying[i - 1]!.atMs > atMs) i--;
    this.#flying.splice(i, 0, { atMs, to, packet });
  }

  /** Goes to the next thing that happens; `false` when nothing is left to happen before `untilMs`. */
  step(untilMs = Infinity): boolean {
    this.flush();
    const ends = [this.left, this.right];
    let next = this.#flying[0]?.atMs ?? Infinity;
    for (const end of ends) next = Math.min(next, end.sctp.nextTimeout() ?? Infinity);
    if (next === Infinity || next > untilMs) return false;
    this.nowMs = Math.max(this.nowMs, next);
    if (this.#flying.length > 0 && this.#flying[0]!.atMs <= this.nowMs) {
      const { to, packet } = this.#flying.shift()!;
      to.sctp.receive(packet, this.nowMs);
      if (to.reads) to.take();
    }
    for (const end of ends) {
      const at = end.sctp.nextTimeout();
      if (at !== null && at <= this.nowMs) end.sctp.handleTimeout(this.nowMs);
      if (end.reads) end.take();
    }
    return true;
  }

  /** Lets time pass until `done`, or throws after `limitMs`. */
  runUntil(done: () => boolean, limitMs = 120_000): void {
    const end = this.nowMs + limitMs;
    while (!done()) {
      if (!this.step(end)) {
        throw new Error(`nothing more happens; ${this.nowMs} ms, ${this.left.sctp.state}`);
      }
    }
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const end = this.nowMs + ms;
    while (this.step(end));
    this.nowMs = end;
  }

  /** Makes an association. */
  connect(): this {
    this.left.sctp.start(this.nowMs);
    this.right.sctp.start(this.nowMs);
    this.runUntil(() => this.left.has("established") && this.right.has("established"));
    return this;
  }
}

/** A packet of one's own making, with a right checksum when `finish` makes it. */
export function bytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = (i * 31 + seed * 17) & 0xff;
  return out;
}
