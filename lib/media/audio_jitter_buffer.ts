/**
 * Turns packets that arrive when they like into sound without holes. Two questions are answered: what to
 * play next, and how fast.
 *
 *     sender    |1|2|3|4|5|6|                each packet holds 20 ms
 *     arrival     1  2    4 3  6             late, in disorder, or never
 *     play-out        |1|2|3|4|c|6|          a latency later; c is made up
 *
 * The latency is what it takes for all but 1 % of the packets to be in time (see arrivals.ts), and 23 ms
 * because sound leaves in blocks of 20; where packets are lost, 20 ms more, so that the next one, which
 * holds a copy, is there in time. It is reached by playing up to 1 % faster or slower, which also takes
 * up the difference between the sender's clock and ours. Nothing that came in time is left out, unless
 * 100 ms too many have piled up.
 *
 * When nothing comes, up to 100 ms are made up, and then there is silence until packets come again.
 *
 * Long because what is played, what is left out and how fast it goes are one decision on one state.
 */

import { Arrivals } from "./arrivals.ts";
import { type OrderedPacket, PacketOrder } from "./packet_order.ts";

/** What to do for the next stretch of sound. */
export type PlayOut =
  | {
    readonly kind: "decode";
    readonly packet: Uint8Array;
    /** RTP time of its first sample, in 32 bits. */
    readonly timestamp48kHz: number;
    /** It is the first of another stream: what was decoded before has nothing to do with it. */
    readonly fresh: boolean;
  }
  | {
    readonly kind: "conceal";
    /** The packet behind what is missing, if it may hold a copy of that. */
    readonly next: Uint8Array | null;
    /** How many samples of each channel are missing: a multiple of 120. */
    readonly samples: number;
    readonly timestamp48kHz: number;
    /** Nothing follows for now, so it shall fade away. */
    readonly last: boolean;
  }
  | { readonly kind: "wait" };

/** Bounds of the latency, in ms. */
export interface AudioJitterBufferOptions {
  /** At first, until the jitter is known. @default {40} */
  readonly startMs?: number;
  /** Never less. @default {20} */
  readonly minMs?: number;
  /** Never more, however bad the network is. @default {200} */
  readonly maxMs?: number;
}

/** What became of the packets. */
export interface AudioJitterCounts {
  /** Packets that came, without the doubles. */
  received: number;
  /** Packets that came again. */
  duplicates: number;
  /** Packets that were not there when their time came. */
  missing: number;
  /** Of those, the ones that came after all. */
  late: number;
  /** Packets left out because too many had piled up. */
  skipped: number;
  /** Samples made up. */
  concealedSamples: number;
  /** How often the sender began anew. */
  restarts: number;
}

const FRAME = 960;
/** The unit of what libopus makes up: 2.5 ms. */
const UNIT = 120;
const PER_MS = 48;
/** Some two seconds; more cannot be wanted by any latency that is allowed. */
const MAX_PACKETS = 100;
/** Beyond the percentile, because sound leaves in blocks of 20 ms. */
const BLOCK_MS = 20;
/** For what the control of the speed leaves over. */
const MARGIN_MS = 3;
/** From this share of missing packets on, the latency allows for the next one, which has the copy. */
const LOSSY = 0.01;
/** The share is smoothed over some five seconds of packets. */
const LOSS_SMOOTHING = 1 / 250;
/** The jitter is not known before so many packets. */
const KNOWN_PACKETS = 100;
/** Sound is made up for so long. */
const MAX_CONCEALED = 100 * PER_MS;
/** More latency than this beyond the wanted one is cut off, in the midst of sound or next to a hole. */
const PILED_UP_MS = 100, PILED_UP_AT_HOLE_MS = 20;
/** An error of the latency is halved in some 3.5 s, if the bounds of the speed allow. */
const CONTROL_MS = 5000;
const MAX_SPEED_CHANGE = 0.01;
/** The speed changes by no more than this from one block to the next, and the error is smoothed over 0.5 s. */
const SPEED_STEP = 0.0004;
const SMOOTHING = 0.04;

/** See the head of this file. Takes packets and times, gives decisions; pure. */
export class AudioJitterBuffer {
  readonly #startMs: number;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #packets: OrderedPacket[] = [];
  readonly #counts: AudioJitterCounts = {
    received: 0,
    duplicates: 0,
    missing: 0,
    late: 0,
    skipped: 0,
    concealedSamples: 0,
    restarts: 0,
  };
  readonly #order = new PacketOrder();
  #arrivals = new Arrivals();
  #fresh = true;
  /** The time of the next sample to be decoded; null while nothing plays. */
  #position: number | null = null;
  /** The last packet that was decoded. */
  #played = -Infinity;
  /** Samples made up in a row. */
  #concealed = 0;
  #errorMs = 0;
  #latencyMs = 0;
  #speed = 1;
  /** The share of packets that are missing. */
  #loss = 0;

  /** @throws {RangeError} when the bounds are not in order */
  constructor(options: AudioJitterBufferOptions = {}) {
    const { startMs = 40, minMs = 20, maxMs = 200 } = options;
    if (!(minMs >= 0 && minMs <= startMs && startMs <= maxMs && maxMs <= 1000)) {
      throw new RangeError(
        `Cannot buffer sound: latencies of ${minMs}, ${startMs}, ${maxMs} ms; ` +
          "give minMs <= startMs <= maxMs <= 1000",
      );
    }
    this.#startMs = startMs;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** What became of the packets so far. */
  get counts(): Readonly<AudioJitterCounts> {
    return this.#counts;
  }

  /** The share of packets that were missing lately. */
  get loss(): number {
    return this.#loss;
  }

  /** The latency that is aimed at: from when the quickest packets arrive until they are heard. */
  get targetMs(): number {
    const wanted = this.#arrivals.spreadMs + BLOCK_MS + MARGIN_MS +
      (this.#loss > LOSSY ? BLOCK_MS : 0);
    const known = this.#arrivals.count >= KNOWN_PACKETS;
    return Math.min(this.#maxMs, Math.max(this.#minMs, known ? 0 : this.#startMs, wanted));
  }

  /** The latency as it is; 0 before anything has played. */
  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** How fast what was decoded shall be played, from 0.99 to 1.01. */
  get speed(): number {
    return this.#speed;
  }

  /** Whether there is nothing to play and nothing will be unless a packet comes. */
  get empty(): boolean {
    return this.#position === null && this.#packets.length === 0;
  }

  /**
   * Takes a packet as it came.
   *
   * @param sequence the RTP sequence number, 16 bits
   * @param timestamp48kHz the RTP time stamp, 32 bits
   * @param arrivalMs when it came, on the clock of `pull`
   * @param packet is kept until it is played, unchanged
   * @param samples how many samples of each channel it holds
   */
  put(
    sequence: number,
    timestamp48kHz: number,
    arrivalMs: number,
    packet: Uint8Array,
    samples: number = FRAME,
  ): void {
    const raw = { sequence, timestamp: timestamp48kHz, arrivalMs, samples, data: packet };
    const placed = this.#order.place(raw, this.#arrivals.baseMs);
    if (placed === "double") this.#counts.duplicates++;
    else if (Array.isArray(placed)) {
      this.#restart();
      for (const one of placed) this.#keep(one);
    } else if (placed !== "stranger") this.#keep(placed);
  }

  #keep(packet: OrderedPacket): void {
    this.#counts.received++;
    this.#arrivals.add(packet.timestamp / PER_MS, packet.arrivalMs);
    if (packet.sequence < this.#played) {
      this.#counts.late++;
      return;
    }
    let at = this.#packets.length;
    while (at > 0 && this.#packets[at - 1]!.sequence > packet.sequence) at--;
    this.#packets.splice(at, 0, packet);
    if (this.#packets.length > MAX_PACKETS) this.#skip();
  }

  /**
   * What to play next. Ask whenever fewer decoded samples are left than are to be played.
   *
   * @param nowMs when that will be played, never less than before
   * @param heldSamples how many decoded samples of each channel are still to be played before it
   */
  pull(nowMs: number, heldSamples: number = 0): PlayOut {
    const wantedMs = this.#arrivals.baseMs + this.targetMs;
    const ageMs = (timestamp: number) => nowMs - (timestamp - heldSamples) / PER_MS;
    this.#cut(wantedMs, ageMs);
    const head = this.#packets[0];
    if (this.#position === null) {
      if (head === undefined || ageMs(head.timestamp) < wantedMs) return { kind: "wait" };
      this.#position = head.timestamp;
      this.#errorMs = 0;
    }
    this.#control(ageMs(this.#position), wantedMs);
    if (head === undefined) return this.#conceal(null, FRAME);
    const gap = UNIT * Math.round((head.timestamp - this.#position) / UNIT);
    if (gap <= 0) return this.#decode(head);
    // A copy is of the one packet before, and there is none when the sender just left time out.
    const hasCopy = gap === head.samples && head.sequence > this.#played + 1;
    return this.#conceal(hasCopy ? head.data : null, gap <= head.samples ? gap : FRAME);
  }

  #decode(head: OrderedPacket): PlayOut {
    this.#packets.shift();
    const missing = this.#played === -Infinity ? 0 : head.sequence - this.#played - 1;
    this.#counts.missing += missing;
    this.#loss += LOSS_SMOOTHING * (missing + 1) * (missing / (missing + 1) - this.#loss);
    this.#played = head.sequence;
    this.#position = head.timestamp + head.samples;
    this.#concealed = 0;
    const fresh = this.#fresh;
    this.#fresh = false;
    return { kind: "decode", packet: head.data, timestamp48kHz: wrap(head.timestamp), fresh };
  }

  #conceal(next: Uint8Array | null, samples: number): PlayOut {
    const position = this.#position!;
    this.#concealed += samples;
    this.#counts.concealedSamples += samples;
    const last = this.#concealed >= MAX_CONCEALED;
    this.#position = last ? null : position + samples;
    if (last) this.#concealed = 0;
    return { kind: "conceal", next, samples, timestamp48kHz: wrap(position), last };
  }

  /** Leaves out what would be heard too late. The newest packet is always played. */
  #cut(wantedMs: number, ageMs: (timestamp: number) => number): void {
    const position = this.#position;
    const packets = this.#packets;
    const atHole = position === null || this.#concealed > 0;
    // Made up already, and what follows is here: to play it now would only add latency.
    while (
      position !== null && packets.length > 1 && packets[0]!.timestamp < position - UNIT / 2 &&
      packets[1]!.timestamp <= position + UNIT / 2 &&
      ageMs(packets[1]!.timestamp) >= wantedMs - BLOCK_MS / 2
    ) {
      packets.shift();
      this.#counts.late++;
    }
    let limitMs = wantedMs + (atHole ? PILED_UP_AT_HOLE_MS : PILED_UP_MS);
    while (packets.length > 1 && ageMs(packets[0]!.timestamp) > limitMs) {
      this.#skip();
      limitMs = wantedMs;
    }
  }

  #skip(): void {
    const packet = this.#packets.shift()!;
    this.#counts.skipped++;
    // Left out on purpose, it is neither missing nor to be made up.
    this.#played = packet.sequence;
    if (this.#position !== null) this.#position = this.#packets[0]!.timestamp;
  }

  #control(ageMs: number, wantedMs: number): void {
    this.#latencyMs = ageMs - this.#arrivals.baseMs;
    this.#errorMs += SMOOTHING * (ageMs - wantedMs - this.#errorMs);
    const speed = 1 + clamp(this.#errorMs / CONTROL_MS, MAX_SPEED_CHANGE);
    this.#speed += clamp(speed - this.#speed, SPEED_STEP);
  }

  #restart(): void {
    this.#packets.length = 0;
    this.#arrivals = new Arrivals();
    this.#position = null;
    this.#fresh = true;
    this.#played = -Infinity;
    this.#concealed = 0;
    this.#speed = 1;
    this.#loss = 0;
    this.#counts.restarts++;
  }
}

function wrap(timestamp: number): number {
  return timestamp % 2 ** 32;
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(-most, value));
}
