/**
 * A source, the control under test, a path and a viewer, in simulated time. The viewer does what a
 * browser does: transport-wide feedback every 100 ms, NACKs, and a key frame request when it is stuck.
 */
import { SendControl } from "../../lib/connection/send_control.ts";
import { randomFrom } from "../../lib/testing/random.ts";
import { type LinkConditions, LinkModel } from "./link_model.ts";

/** How the source and the viewer behave. */
export interface SimulationOptions {
  link: LinkConditions;
  seed?: number;
  start?: number;
  min?: number;
  max?: number;
  /** The source never makes more than this, as with a picture at rest. */
  sourceBitrate?: number;
  fps?: number;
  /** Whether the viewer sends transport-wide feedback; otherwise REMB is what it sends. */
  wide?: boolean;
}

/** One second of the simulation. */
export interface Second {
  readonly estimate: number;
  readonly target: number;
  readonly arrived: number;
  readonly frames: number;
  readonly delayP50: number;
  readonly delayP95: number;
  readonly longestGapMs: number;
}

interface Packet {
  readonly bytes: number;
  readonly frame: number;
  readonly index: number;
  readonly count: number;
  readonly keyFrame: boolean;
  readonly madeMs: number;
  readonly again: boolean;
  sequence: number;
}

const PACKET = 1_200, FEEDBACK_MS = 100, STEP_MS = 1;

export class SimulatedViewer {
  readonly control: SendControl<Packet>;
  readonly link: LinkModel<{ packet: Packet; number: number }>;
  /** Everything that was shown: when, and how old it was. */
  readonly shown: { atMs: number; delayMs: number }[] = [];
  nowMs = 0;
  /** Frames that the source made, left out, or that were dropped before they were sent. */
  made = 0;
  skipped = 0;
  dropped = 0;
  keyFrames = 0;
  readonly #options: Required<SimulationOptions>;
  readonly #random: () => number;
  readonly #back: LinkModel<() => void>;
  #nextFrameMs = 0;
  #nextFeedbackMs = 50;
  #number = 0;
  #sequence = 0;
  #history = new Map<number, Packet>();
  #keyFrameWanted = true;
  #keyFrameMs = -Infinity;
  #arrivals = new Map<number, number>();
  #reported = 0;
  #received = new Map<number, Packet>();
  #nextSequence = 0;
  #nacked = new Map<number, { atMs: number; times: number }>();
  #frames = new Map<number, { count: number; got: Set<number>; packet: Packet }>();
  #lastShown = -1;
  #stuckMs = 0;
  #bytes = 0;
  #estimates = { estimate: 0, target: 0 };

  constructor(options: SimulationOptions) {
    this.#options = {
      seed: 1,
      start: 1_000_000,
      min: 100_000,
      max: 3_500_000,
      sourceBitrate: Infinity,
      fps: 30,
      wide: true,
      ...options,
    };
    const { seed, start, min, max } = this.#options;
    this.#random = randomFrom(seed + 1_000);
    this.control = new SendControl({ startBitrate: start, minBitrate: min, maxBitrate: max });
    this.link = new LinkModel(options.link, seed);
    const { delayMs, jitterMs } = options.link;
    this.#back = new LinkModel(
      { bitrate: 1e8, queueBytes: 1e6, delayMs, jitterMs, loss: 0 },
      seed + 1,
    );
  }

  /** Runs for so long. @returns what each second was like */
  run(seconds: number): Second[] {
    return Array.from({ length: seconds }, () => {
      const fromMs = this.nowMs, first = this.shown.length;
      this.#bytes = 0;
      while (this.nowMs < fromMs + 1_000) this.#step();
      const shown = this.shown.slice(first), delays = shown.map((s) => s.delayMs);
      const times = [this.shown[first - 1]?.atMs ?? fromMs, ...shown.map((s) => s.atMs)];
      return {
        ...this.#estimates,
        arrived: this.#bytes * 8,
        frames: shown.length,
        delayP50: quantile(delays, 0.5),
        delayP95: quantile(delays, 0.95),
        longestGapMs: Math.max(
          this.nowMs - times.at(-1)!,
          ...times.slice(1).map((t, i) => t - times[i]!),
        ),
      };
    });
  }

  #step(): void {
    const now = this.nowMs += STEP_MS;
    if (now >= this.#nextFrameMs) {
      this.#nextFrameMs += 1_000 / this.#options.fps;
      this.#makeFrame(now);
    }
    for (let packet; (packet = this.control.take(now));) this.#send(packet, now);
    for (const { packet: { packet, number }, arrivesMs } of this.link.arrived(now)) {
      this.#receive(packet, number, arrivesMs, now);
    }
    if (now >= this.#nextFeedbackMs) {
      this.#nextFeedbackMs += FEEDBACK_MS;
      this.#feedback(now);
    }
    if (now % 10 === 0) this.#repair(now);
    for (const { packet: call } of this.#back.arrived(now)) call();
  }

  #makeFrame(now: number): void {
    const { control } = this;
    control.tick(now);
    this.#estimates = { estimate: control.link.bitrate, target: control.mediaBitrate };
    const keyFrame = this.#keyFrameWanted && now - this.#keyFrameMs >= 300;
    if (control.behind(now) && !keyFrame) return void this.skipped++;
    const mean = Math.min(control.mediaBitrate, this.#options.sourceBitrate) / 8 /
      this.#options.fps;
    let left = Math.round(mean * (keyFrame ? 5 : 0.7 + 0.6 * this.#random()));
    const count = Math.max(1, Math.ceil(left / PACKET)), packets: Packet[] = [];
    if (keyFrame) {
      this.#keyFrameMs = now;
      this.#keyFrameWanted = false;
      this.keyFrames++;
    }
    const bytes = Math.ceil(left / count) + 70;
    for (let index = 0; left > 0; index++, left -= bytes - 70) {
      packets.push({
        bytes,
        frame: this.made,
        index,
        count,
        keyFrame,
        madeMs: now,
        again: false,
        sequence: -1,
      });
    }
    this.made++;
    if (!control.frame(packets, keyFrame, now)) {
      this.dropped++;
      this.#keyFrameWanted = true;
    }
  }

  #send(packet: Packet, now: number): void {
    if (!packet.again) {
      packet.sequence = this.#sequence++;
      this.#history.set(packet.sequence, packet);
      this.#history.delete(packet.sequence - 500);
    }
    const number = ++this.#number;
    if (this.#options.wide) {
      this.control.sent(number & 0xffff, packet.bytes, now, packet.again ? -1 : packet.frame);
    }
    this.link.send({ packet, number }, packet.bytes, now);
  }

  #receive(packet: Packet, number: number, arrivesMs: number, now: number): void {
    this.#bytes += packet.bytes;
    this.#arrivals.set(number, Math.round(arrivesMs * 4) / 4 + 123_456); // a clock of its own
    if (this.#received.has(packet.sequence)) return;
    this.#received.set(packet.sequence, packet);
    for (let s = this.#nextSequence; s < packet.sequence; s++) {
      if (!this.#received.has(s) && !this.#nacked.has(s)) {
        this.#nacked.set(s, { atMs: -Infinity, times: 0 });
      }
    }
    this.#nextSequence = Math.max(this.#nextSequence, packet.sequence + 1);
    this.#nacked.delete(packet.sequence);
    const frame = this.#frames.get(packet.frame) ??
      { count: packet.count, got: new Set<number>(), packet };
    frame.got.add(packet.index);
    this.#frames.set(packet.frame, frame);
    this.#show(now);
  }

  #show(now: number): void {
    const whole = [...this.#frames.keys()].sort((a, b) => a - b);
    for (const id of whole) {
      const frame = this.#frames.get(id)!;
      if (frame.got.size < frame.count) continue;
      if (id !== this.#lastShown + 1 && !frame.packet.keyFrame) continue;
      this.#lastShown = id;
      this.#stuckMs = now;
      this.shown.push({ atMs: now, delayMs: now - frame.packet.madeMs });
      for (const old of whole) if (old <= id) this.#frames.delete(old);
      for (const [s, n] of this.#nacked) if (n.times > 8) this.#nacked.delete(s);
    }
  }

  #repair(now: number): void {
    const asked = [...this.#nacked].filter(([, n]) =>
      n.times < 10 && now - n.atMs >= 2 * this.link.conditions.delayMs + 20
    );
    for (const [, n] of asked) {
      n.atMs = now;
      n.times++;
    }
    if (asked.length > 0) {
      this.#back.send(
        () => {
          for (const [sequence] of asked) {
            const packet = this.#history.get(sequence);
            if (packet) this.control.repair({ ...packet, again: true }, this.nowMs);
          }
        },
        60,
        now,
      );
    }
    if (now - this.#stuckMs > 300 && this.#frames.size > 0) {
      this.#stuckMs = now;
      this.#back.send(() => this.#keyFrameWanted = true, 60, now);
    }
  }

  #feedback(now: number): void {
    if (!this.#options.wide) {
      const bitrate = this.link.conditions.bitrate * 0.9;
      this.#back.send(() => this.control.remb(bitrate, this.nowMs), 60, now);
      return;
    }
    if (this.#arrivals.size === 0) return;
    const newest = Math.max(...this.#arrivals.keys()), first = this.#reported + 1;
    const timesMs: number[] = [];
    for (let n = first; n <= newest; n++) timesMs.push(this.#arrivals.get(n) ?? NaN);
    this.#reported = newest;
    this.#arrivals.clear();
    this.#back.send(
      () => this.control.arrivals({ first: first & 0xffff, timesMs }, this.nowMs),
      80,
      now,
    );
  }
}

export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}
