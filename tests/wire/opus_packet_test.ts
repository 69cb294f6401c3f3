import assert from "node:assert/strict";
import { opusPacketSamples } from "../../lib/wire/opus_packet.ts";

/** The first bytes of a packet of this configuration and code. */
const packet = (config: number, code: number, ...rest: number[]) =>
  Uint8Array.of(config << 3 | code, ...rest);

Deno.test("opusPacketSamples() reads the length of every kind of frame", () => {
  const expected = [
    ...[480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880], // SILK
    ...[480, 960, 480, 960], // hybrid
    ...[120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960], // CELT
  ];
  assert.deepEqual(expected.map((_, config) => opusPacketSamples(packet(config, 0))), expected);
});

Deno.test("opusPacketSamples() counts frames", () => {
  assert.equal(opusPacketSamples(packet(1, 1, 0)), 1920);
  assert.equal(opusPacketSamples(packet(1, 2, 0)), 1920);
  assert.equal(opusPacketSamples(packet(1, 3, 0b11000011)), 2880);
  assert.equal(opusPacketSamples(packet(16, 3, 48)), 5760);
});

Deno.test("opusPacketSamples() is null for what is no packet", () => {
  assert.equal(opusPacketSamples(new Uint8Array()), null);
  assert.equal(opusPacketSamples(packet(1, 3)), null);
  assert.equal(opusPacketSamples(packet(1, 3, 0)), null);
  assert.equal(opusPacketSamples(packet(3, 3, 3)), null); // 180 ms
});
