/** A sender, a network with delay, jitter and loss, and a speaker, in simulated time and seeded. */

import { AudioJitterBuffer, type PlayOut } from "../../lib/media/audio_jitter_buffer.ts";
import { seeded } from "./sounds.ts";

export interface NetworkOptions {
  seconds: number;
  seed?: number;
  /** Each packet is late by anything from 0 to this. */
  jitterMs?: number;
  /** The share of packets lost. */
  loss?: number;
  /** How many are lost at a time. */
  burst?: number;
  /** How much faster than ours the sender's clock goes, in millionths. */
  skewPpm?: number;
  /** Added to each packet's way, by the time it was sent. */
  extraMs?: (sentMs: number) => number;
  /** Whether the sender sends at this time. */
  sends?: (sentMs: number) => boolean;
  firstSequence?: number;
  firstTimestamp?: number;
}

export interface NetworkResult {
  buffer: AudioJitterBuffer;
  /** One for each 20 ms since the first sound. */
  blocks: { nowMs: number; latencyMs: number; speed: number; heard: boolean }[];
  /** Every decision but "wait". */
  decisions: { nowMs: number; decision: Exclude<PlayOut, { kind: "wait" }> }[];
  sent: number;
  lost: number;
}

/** Plays for so long; packet number n holds the bytes of n. */
export function play(options: NetworkOptions, buffer = new AudioJitterBuffer()): NetworkResult {
  const { seconds, jitterMs = 0, loss = 0, burst = 1, skewPpm = 0 } = options;
  const random = seeded(options.seed ?? 1);
  const onWay: { atMs: number; n: number }[] = [];
  const result: NetworkResult = { buffer, blocks: [], decisions: [], sent: 0, lost: 0 };
  let toLose = 0;
  let heldSamples = 0;
  let nextPacket = 0;
  for (let block = 0; block < seconds * 50; block++) {
    const nowMs = 1000 + block * 20 + 7.3;
    for (;; nextPacket++) {
      const sentMs = 1000 + nextPacket * 20 / (1 + skewPpm / 1e6);
      if (sentMs > nowMs) break;
      if (options.sends && !options.sends(sentMs - 1000)) continue;
      result.sent++;
      if (toLose === 0 && random() < loss / burst) toLose = burst;
      const lateMs = jitterMs * random() + (options.extraMs?.(sentMs - 1000) ?? 0);
      if (toLose > 0) result.lost++, toLose--;
      else onWay.push({ atMs: sentMs + 30 + lateMs, n: nextPacket });
    }
    onWay.sort((a, b) => a.atMs - b.atMs);
    while (onWay.length > 0 && onWay[0]!.atMs <= nowMs) {
      const { atMs, n } = onWay.shift()!;
      const sequence = (options.firstSequence ?? 0) + n & 0xffff;
      const timestamp = ((options.firstTimestamp ?? 0) + n * 960) % 2 ** 32;
      buffer.put(sequence, timestamp, atMs, Uint8Array.of(n >> 16, n >> 8, n));
    }
    let heard = true;
    while (heldSamples < 960 * buffer.speed) {
      const decision = buffer.pull(nowMs, heldSamples);
      heard = decision.kind !== "wait";
      if (decision.kind === "wait") break;
      result.decisions.push({ nowMs, decision });
      heldSamples += decision.kind === "decode" ? 960 : decision.samples;
    }
    if (heard) heldSamples -= 960 * buffer.speed;
    if (heard || result.blocks.length > 0) {
      result.blocks.push({ nowMs, latencyMs: buffer.latencyMs, speed: buffer.speed, heard });
    }
  }
  return result;
}

/** The number of the packet that was decoded. */
export function numberOf(packet: Uint8Array): number {
  return packet[0]! << 16 | packet[1]! << 8 | packet[2]!;
}
