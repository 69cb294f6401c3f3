import assert from "node:assert/strict";
import type { AudioEncoderOptions } from "../../lib/codecs/audio_codec.ts";
import { OpusDecoder, OpusEncoder } from "../../lib/codecs/opus.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../../lib/errors.ts";
import {
  amplitudeAt,
  channel,
  concat,
  findDelay,
  interleave,
  power,
  seeded,
  sine,
  sineSnr,
  snr,
  speech,
} from "../media/sounds.ts";
import { testOpus } from "./opus_library.ts";

/** The delay of encoder and decoder at 48 kHz: OPUS_GET_LOOKAHEAD of all but "lowdelay". */
const DELAY = 312;

const frames = (whole: Float32Array, channels = 1) =>
  Array.from(
    { length: whole.length / 960 / channels },
    (_, n) => whole.subarray(n * 960 * channels, (n + 1) * 960 * channels),
  );

/** Mono or stereo sound through encoder and decoder: what comes out, of both channels. */
function roundTrip(whole: Float32Array, options: AudioEncoderOptions = {}): Float32Array[] {
  using encoder = new OpusEncoder(options);
  using decoder = new OpusDecoder();
  const out = concat(
    frames(whole, options.channels).map((frame) => decoder.decode(encoder.encode(frame))),
  );
  return [channel(out, 0, 2), channel(out, 1, 2)];
}

testOpus("OpusDecoder.decode() gives the tone that went in, on both channels", () => {
  const [left, right] = roundTrip(sine(1000, 0, 48_000));
  assert.deepEqual(left, right);
  const heard = left!.subarray(9600);
  assert(Math.abs(amplitudeAt(1000, heard) - 0.25) < 0.02, `${amplitudeAt(1000, heard)}`);
  assert(sineSnr(1000, heard) > 20, `${sineSnr(1000, heard)} dB`);
});

testOpus("OpusEncoder.encode() keeps left and right apart", () => {
  const whole = interleave(sine(440, 0, 48_000), sine(1320, 0, 48_000));
  const [left, right] = roundTrip(whole, { channels: 2, application: "audio" });
  for (const [data, own, other] of [[left!, 440, 1320], [right!, 1320, 440]] as const) {
    const heard = data.subarray(9600);
    assert(Math.abs(amplitudeAt(own, heard) - 0.25) < 0.02);
    assert(amplitudeAt(other, heard) < 0.02, `${amplitudeAt(other, heard)} of the other side`);
    assert(sineSnr(own, heard) > 20, `${sineSnr(own, heard)} dB`);
  }
});

testOpus("OpusEncoder.encode() keeps speech at 32 kbit/s, and delays it by 6.5 ms", () => {
  const whole = speech(0, 96_000);
  const [left] = roundTrip(whole, { application: "audio" });
  assert(
    Math.abs(findDelay(whole.subarray(0, 24_000), left!.subarray(0, 26_000), 500) - DELAY) < 8,
  );
  const faithful = snr(whole, left!, DELAY);
  assert(faithful > 14, `${faithful} dB`);
  // "voip" takes off what is below the voice, which turns the phase of what it leaves.
  const intelligible = snr(whole, roundTrip(whole)[0]!, DELAY);
  assert(intelligible > 6, `${intelligible} dB`);
});

testOpus("OpusEncoder.setBitrate() is followed", () => {
  using encoder = new OpusEncoder({ bitrate: 48_000 });
  assert.equal(encoder.bitrate, 48_000);
  const random = seeded(1);
  const bitsPerSecond = () => {
    let bytes = 0;
    for (let n = 0; n < 50; n++) {
      bytes += encoder.encode(Float32Array.from({ length: 960 }, () => random() - 0.5)).length;
    }
    return bytes * 8;
  };
  bitsPerSecond();
  const before = bitsPerSecond();
  encoder.setBitrate(16_000);
  bitsPerSecond();
  const low = bitsPerSecond();
  assert(before > 38_000 && before < 58_000, `${before}`);
  assert(low > 12_000 && low < 21_000, `${low}`);
});

/** The error of the frames that were lost, as a share of their power; every seventh is. */
function lossError(options: AudioEncoderOptions, useNext: boolean, change?: number): number {
  using encoder = new OpusEncoder(options);
  using decoder = new OpusDecoder();
  const whole = speech(0, 960 * 100);
  const packets = frames(whole).map((frame, n) => {
    if (n === 20 && change !== undefined) encoder.setExpectedLoss(change);
    return encoder.encode(frame);
  });
  const out = concat(packets.map((packet, n) => {
    if (n % 7 !== 6) return decoder.decode(packet);
    return decoder.decodeLost(useNext ? packets[n + 1] ?? null : null);
  }));
  const left = channel(out, 0, 2);
  let [error, signal] = [0, 0];
  for (let n = 27; n < 98; n += 7) {
    for (let i = n * 960; i < (n + 1) * 960; i++) {
      error += (left[i + DELAY]! - whole[i]!) ** 2;
      signal += whole[i]! ** 2;
    }
  }
  return error / signal;
}

testOpus(
  "OpusDecoder.decodeLost() recovers from the next packet what it can only guess else",
  () => {
    for (const application of ["voip", "audio"] as const) {
      const recovered = lossError({ application, expectedLoss: 0.1 }, true);
      const guessed = lossError({ application, expectedLoss: 0.1 }, false);
      assert(guessed > 2 * recovered, `${application}: ${recovered} with copy, ${guessed} without`);
    }
  },
);

testOpus("OpusEncoder.setExpectedLoss() begins and ends to carry copies, while running", () => {
  const [never, begun, ended, always] = [
    lossError({ expectedLoss: 0 }, true),
    lossError({ expectedLoss: 0 }, true, 0.1),
    lossError({ expectedLoss: 0.1 }, true, 0),
    lossError({ expectedLoss: 0.1 }, true),
  ];
  const told = `errors ${never}, ${begun}, ${ended}, ${always}`;
  assert(Math.min(never, ended) > 2 * Math.max(begun, always), told);
  using encoder = new OpusEncoder();
  assert.equal(encoder.expectedLoss, 0.1);
  encoder.setExpectedLoss(0.2);
  assert.equal(encoder.expectedLoss, 0.2);
});

testOpus("OpusDecoder.decodeLost() dies away when nothing comes any more", () => {
  using encoder = new OpusEncoder();
  using decoder = new OpusDecoder();
  for (const frame of frames(sine(300, 0, 9600))) decoder.decode(encoder.encode(frame));
  const first = power(decoder.decodeLost(null));
  for (let n = 0; n < 20; n++) decoder.decodeLost(null);
  const last = power(decoder.decodeLost(null));
  assert(last < first / 100, `${last} of ${first}`);
});

testOpus("OpusDecoder.decodeLost() gives as many samples as are missing", () => {
  using decoder = new OpusDecoder();
  using encoder = new OpusEncoder();
  assert.equal(decoder.decodeLost(null).length, 1920);
  assert.equal(decoder.decodeLost(null, 120).length, 240);
  assert.equal(decoder.decodeLost(encoder.encode(new Float32Array(960)), 2880).length, 5760);
  assert.throws(() => decoder.decodeLost(null, 100), {
    name: "RangeError",
    message: "Cannot make up for lost sound: 100 samples; give a multiple of 120 up to 5760",
  });
});

testOpus("OpusDecoder gives memory of its own", () => {
  using encoder = new OpusEncoder();
  using decoder = new OpusDecoder();
  const packet = encoder.encode(sine(440, 0, 960));
  const kept = packet.slice();
  const first = decoder.decode(packet);
  const copy = first.slice();
  encoder.encode(sine(880, 0, 960));
  decoder.decode(packet);
  assert.deepEqual(packet, kept);
  assert.deepEqual(first, copy);
});

testOpus("OpusDecoder.decode() lives on after what is no Opus", () => {
  using decoder = new OpusDecoder();
  using encoder = new OpusEncoder();
  assert.throws(() => decoder.decode(new Uint8Array()), {
    name: "RemoteProtocolError",
    message: "Cannot decode an Opus packet: it is empty; see that what was received is Opus",
  });
  // Code 3 with no frame count behind it (RFC 6716, section 3.2.5).
  assert.throws(() => decoder.decode(Uint8Array.of(3)), {
    name: "RemoteProtocolError",
    message: "Cannot decode an Opus packet: libopus says OPUS_INVALID_PACKET (corrupted stream); " +
      "see that what was received is Opus",
  });
  const random = seeded(2);
  for (let n = 0; n < 500; n++) {
    const noise = Uint8Array.from({ length: 1 + random() * 60 }, () => random() * 256);
    try {
      decoder.decode(noise);
      decoder.decodeLost(noise);
    } catch (error) {
      assert(error instanceof RemoteProtocolError, String(error));
    }
  }
  assert.equal(decoder.decode(encoder.encode(new Float32Array(960))).length, 1920);
});

testOpus("OpusDecoder.reset() forgets what came before", () => {
  using encoder = new OpusEncoder();
  using used = new OpusDecoder();
  for (const frame of frames(speech(0, 9600))) used.decode(encoder.encode(frame));
  using fresh = new OpusDecoder();
  used.reset();
  const packet = encoder.encode(sine(500, 0, 960));
  assert.deepEqual(used.decode(packet), fresh.decode(packet));
});

testOpus("OpusEncoder refuses what it cannot encode", () => {
  const refuses = (options: AudioEncoderOptions, message: string) =>
    assert.throws(() => new OpusEncoder(options), { name: "RangeError", message });
  refuses({ channels: 3 as 2 }, "Cannot encode Opus: 3 channels; give 1 or 2");
  refuses({ bitrate: 100 }, "Cannot encode Opus: 100 bits a second; give 6000 to 510000");
  refuses({ complexity: 11 }, "Cannot encode Opus: complexity 11; give 0 to 10");
  refuses({ expectedLoss: 5 }, "Cannot encode Opus: an expected loss of 5; give 0 to 1");
  using encoder = new OpusEncoder({ channels: 2 });
  assert.equal(encoder.bitrate, 64_000);
  assert.throws(() => encoder.encode(new Float32Array(960)), {
    name: "RangeError",
    message: "Cannot encode an Opus frame: 960 samples; give 1920, which is 20 ms",
  });
});

testOpus("OpusEncoder and OpusDecoder refuse everything once closed", () => {
  const [encoder, decoder] = [new OpusEncoder(), new OpusDecoder()];
  for (const one of [encoder, decoder, encoder, decoder]) one.close();
  const refuses = (call: () => unknown, name: string) =>
    assert.throws(call, (error) =>
      error instanceof SubscriptionClosed &&
      error.message === `Cannot use this ${name}: it was closed; make a new one`);
  refuses(() => encoder.encode(new Float32Array(960)), "OpusEncoder");
  refuses(() => encoder.setBitrate(32_000), "OpusEncoder");
  refuses(() => encoder.setExpectedLoss(0), "OpusEncoder");
  refuses(() => decoder.decode(Uint8Array.of(1)), "OpusDecoder");
  refuses(() => decoder.decodeLost(null), "OpusDecoder");
  refuses(() => decoder.reset(), "OpusDecoder");
});
