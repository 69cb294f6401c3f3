import assert from "node:assert/strict";
import { RemoteProtocolError } from "../../lib/errors.ts";
import { NUT_FILE_ID, type NutPacket, type NutStream } from "../../lib/wire/nut.ts";
import { NutReader } from "../../lib/wire/nut_reader.ts";
import { NutWriter } from "../../lib/wire/nut_writer.ts";
import { randomBytes, seeded } from "./feed.ts";

const VIDEO: NutStream = {
  ...{ kind: "video", fourcc: "H264", width: 640, height: 480, sampleRateHz: 0, channels: 0 },
  extradata: Uint8Array.of(0, 0, 0, 1, 0x67),
};
const AUDIO: NutStream = {
  ...{ kind: "audio", fourcc: "PFD ", width: 0, height: 0, sampleRateHz: 48_000, channels: 2 },
  extradata: new Uint8Array(0),
};

function file(packets: readonly NutPacket[], streams = [VIDEO, AUDIO]): Uint8Array {
  const writer = new NutWriter();
  const parts = [writer.header(streams)];
  for (const packet of packets) {
    parts.push(writer.frameHead(packet, packet.data.length), packet.data);
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function somePackets(count: number, seed: number): NutPacket[] {
  const next = seeded(seed);
  return Array.from({ length: count }, (_, i) => ({
    stream: next() % 2,
    timestampUs: i * 33_333 + next() % 1000 + (i > count / 2 ? 3e12 : 0),
    keyFrame: next() % 2 === 0,
    data: Uint8Array.from({ length: next() % (i % 7 === 0 ? 9_000 : 200) }, () => next() & 0xff),
  }));
}

Deno.test("NutReader reads what NutWriter wrote", () => {
  const packets = somePackets(60, 1);
  const reader = new NutReader();
  assert.deepEqual(reader.push(file(packets)), packets);
  assert.deepEqual(
    reader.streams.map(({ kind, fourcc, width, channels }) => [kind, fourcc, width, channels]),
    [["video", "H264", 640, 0], ["audio", "PFD ", 0, 2]],
  );
  assert.deepEqual(reader.streams[0]!.extradata, VIDEO.extradata);
});

Deno.test("NutReader gives the same wherever its input is cut", () => {
  const packets = somePackets(12, 2);
  const whole = file(packets);
  const byByte = new NutReader();
  assert.deepEqual([...whole].flatMap((byte) => byByte.push(Uint8Array.of(byte))), packets);
  const next = seeded(3);
  for (let run = 0; run < 60; run++) {
    const reader = new NutReader();
    const got: NutPacket[] = [];
    for (let at = 0; at < whole.length;) {
      const end = at + 1 + next() % 700;
      const piece = whole.slice(at, end);
      got.push(...reader.push(piece));
      piece.fill(0); // the piece belongs to the caller again
      at = end;
    }
    assert.deepEqual(got, packets);
  }
});

Deno.test("NutReader refuses what is no NUT, and never throws anything else", () => {
  const bad = (bytes: Uint8Array) => {
    try {
      new NutReader({ maxFrameBytes: 1 << 16 }).push(bytes);
    } catch (error) {
      assert.ok(error instanceof RemoteProtocolError, String(error));
    }
  };
  assert.throws(
    () => new NutReader().push(new TextEncoder().encode("RIFF")),
    /^RemoteProtocolError: Cannot read NUT: it does not begin as a NUT file; the stream is damaged, start ffmpeg anew$/,
  );
  for (const bytes of randomBytes(500, 4)) bad(Uint8Array.of(...NUT_FILE_ID, 0x4e, ...bytes));
  const whole = file(somePackets(10, 5));
  const next = seeded(6);
  for (let run = 0; run < 2_000; run++) {
    const damaged = whole.slice();
    for (let i = next() % 4; i >= 0; i--) damaged[next() % damaged.length] = next() & 0xff;
    bad(damaged.subarray(0, next() % 2 === 0 ? undefined : next() % damaged.length));
  }
});

Deno.test("NutReader sets no memory aside for a frame that is too large", () => {
  const writer = new NutWriter();
  const reader = new NutReader({ maxFrameBytes: 1000 });
  reader.push(writer.header([VIDEO]));
  const head = writer.frameHead({ stream: 0, timestampUs: 0, keyFrame: true }, 1e12);
  assert.throws(() => reader.push(head), /a frame of 1000000000000 bytes is more than 1000;/);
});

Deno.test("NutReader takes side data off a frame, and refuses those that do not end", () => {
  const bytes = (frame: number[]) => {
    const writer = new NutWriter();
    const head = writer.header([VIDEO]);
    const packet = { stream: 0, timestampUs: 5, keyFrame: true };
    const sync = writer.frameHead(packet, 0); // an empty frame behind the only syncpoint
    // As the writer has it, with the flag 256 for side data, and a checksum that nobody reads.
    const tells = 8 | 16 | 32 | 64 | 256 | 1;
    return [head, sync, [0, 0x80 | tells >> 7, tells & 127, 0, 9, frame.length, 0, 0, 0, 0], frame]
      .flatMap((part) => [...part]);
  };
  const text = [1, 65, 2, 2, 66, 67]; // "A": -1, "BC"
  const blob = [1, 65, 4, 1, 66, 3, 7, 8, 9]; // "A": -2, of type "B", 7 8 9
  const side = [3, ...text, ...blob, 1, 65, 6, 5, 0];
  const [, frame] = new NutReader().push(Uint8Array.from(bytes([...side, 42, 43])));
  assert.deepEqual([...frame!.data], [42, 43]);
  assert.equal(frame!.timestampUs, 7);
  assert.throws(
    () => new NutReader().push(Uint8Array.from(bytes([9, 1]))),
    /^RemoteProtocolError: Cannot read NUT: side data end too late/,
  );
});

Deno.test("NutWriter refuses times before 0", () => {
  assert.throws(
    () => new NutWriter().frameHead({ stream: 0, timestampUs: -1, keyFrame: true }, 1),
    /^RangeError: Cannot write a frame: its time is -1 µs; give a whole number from 0$/,
  );
});

/**
 * Three grey pictures of 16x8 at 50 a second and 4 ms of sound, written by ffmpeg 5.1:
 * ffmpeg -f lavfi -i "testsrc=size=16x8:rate=50:duration=0.06[out0];sine=sample_rate=48000:duration=0.004[out1]"
 *   -c:v rawvideo -pix_fmt gray -c:a pcm_u8 -fflags +bitexact -max_interleave_delta 1 -write_index 0 -f nut
 */
const FFMPEG_FILE = Uint8Array.fromBase64([
  "bnV0L211bHRpbWVkaWEgY29udGFpbmVyAE5NelYfXwStZAMCgf9/AgGDkAABgvcAwAAGAAAAAAABoAACAQEoAQApACEB",
  "j38gAo9/eygDAAEBKQABBAADAQEBBAEDAQEhAgF4wAAGAAAAAAABBgMAAAEEAAABtgL/+gL/+wL//AL//W+Y3ztOUxFA",
  "W/L52xgAAARZODAwAA6DkAAAAAAQCAEBAB5kqHdOUxFAW/L52xgBAQRQVUQIAQ6C9wAAAACC9wABAfj2jfBOSatotZa6",
  "eAkAAAAAAAAAAABOSatotZa6eDMBAAAAAgdlbmNvZGVyAg1MYXZjIHJhd3ZpZGVvDHJfZnJhbWVfcmF0ZQIENTAvMWhg",
  "FPpOSatotZa6eB4CAAAAAQdlbmNvZGVyAgtMYXZjIHBjbV91OMrxFbtOS+St7spFaQYAAAAAAAADAIEAAABMTGlpHR3i",
  "4paWTLP//wAATLNpaR0d4uKWlkxM//8AAEyzaWkdHeLilpZMTP//AABMs2lpHR3i4paWTEz//wAATLNpaR0d4uKWlkxM",
  "//8AAEyzaWkdHeLilpZMTP//TIW92LyfnaizekInQ2BiV0yFvdi8n52os3pCJ0NgYldOS+St7spFaQYBCfDQMdOCAIFA",
  "gICBgoOEhYaHh4iJioqLjIyNjY6Ojo+Pj4+Pj4+Pj4+Pj46Ojo2NjIuLiomJiIeGhYWEg4KBgH9+fXx7e3p5eHd2dnV0",
  "dHNzcnJxcXBwcHBwcHBwcHBwcHFxcXJyc3N0dXV2d3h4eXp7fH1+fn+AgYKDhIWGh4eIiYqKi4yMjY2Ojo6Pj4+Pj4+P",
  "j4+Pj4+Ojo6NjYyLi4qJiYiHhoWFhIOCgYB/fn18fHt6eXh3d3Z1dHRzc3JycXFwcHBwcHBwBIEAAABMTGlpHR3i4paW",
  "TLP//wAATLNpaR0d4uKWlkxM//8AAEyzaWkdHeLilpZMTP//AABMs2lpHR3i4paWTEz//wAATLNpaR0d4uKWlkxM//8A",
  "AEyzaWkdHeLilpZMTP//T4jA17qdnqiwdz8oRWJhVk+IwNe6nZ6osHc/KEViYVYEgQAAAExMaWkdHeLilpZMs///AABM",
  "s2lpHR3i4paWTEz//wAATLNpaR0d4uKWlkxM//8AAEyzaWkdHeLilpZMTP//AABMs2lpHR3i4paWTEz//wAATLNpaR0d",
  "4uKWlkxM//9SisPVuZyeqa11PCpGY2FWUorD1bmcnqmtdTwqRmNhVg==",
].join(""));

Deno.test("NutReader reads what ffmpeg wrote, wherever it is cut", () => {
  const wanted = ["0 0 true 128", "1 0 true 192", "0 20000 true 128", "0 40000 true 128"];
  const said = ({ stream, timestampUs, keyFrame, data }: NutPacket) =>
    `${stream} ${timestampUs} ${keyFrame} ${data.length}`;
  for (let cut = 0; cut <= FFMPEG_FILE.length; cut++) {
    const reader = new NutReader();
    const packets = [
      ...reader.push(FFMPEG_FILE.subarray(0, cut)),
      ...reader.push(FFMPEG_FILE.subarray(cut)),
    ];
    assert.deepEqual(packets.map(said), wanted);
    assert.deepEqual(reader.streams.map(({ fourcc }) => fourcc), ["Y800", "PUD\b"]);
  }
  const reader = new NutReader();
  const byByte = [...FFMPEG_FILE].flatMap((byte) => reader.push(Uint8Array.of(byte)));
  assert.deepEqual(byByte, new NutReader().push(FFMPEG_FILE));
});
