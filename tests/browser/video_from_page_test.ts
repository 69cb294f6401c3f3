/// <reference lib="dom" />
/** Video from real Chromium to the robot: its fake camera, and numbers painted on a canvas. */
import assert from "node:assert/strict";
import {
  type Description,
  Queue,
  readTestCard,
  RTCConnection,
  testCard,
  type VideoFrame,
} from "../../mod.ts";
import { videoCodecs } from "../../lib/codecs/choose.ts";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import type { RTCConnection as PageConnection } from "../../lib/browser/index.ts";
import { within } from "../connection/pair.ts";
import { chromium, type Kit } from "./harness.ts";
import { type LoopbackHelpers, loopbackRoutes } from "./loopback_page.ts";

declare const makeConnection: LoopbackHelpers["makeConnection"];
declare const numberedStream: (width: number, height: number) => MediaStream;

const LOCAL = { rtcConfiguration: { iceServers: [] } };
/** Runs of the first test, to see whether it ever fails. */
const RUNS = Number(Deno.env.get("RTCBOT_RUNS") ?? 1);

const browser = chromium({
  args: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

/** Paints as `testCard` does: a number in 16 black or white cells along the lower edge. */
const NUMBERS = `<script>
function numberedStream(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const ctx = canvas.getContext("2d");
  let n = 0;
  const paint = () => {
    n++;
    ctx.fillStyle = "hsl(" + (n * 3) % 360 + " 70% 50%)";
    ctx.fillRect(0, 0, width, height);
    ctx.fillStyle = "white";
    ctx.fillRect(n * 5 % width, height / 4, width / 8, height / 8);
    for (let cell = 0; cell < 16; cell++) {
      ctx.fillStyle = n >> (15 - cell) & 1 ? "white" : "black";
      ctx.fillRect(cell * width / 16, height * 7 / 8, width / 16 + 1, height / 8);
    }
  };
  paint();
  setInterval(paint, 33);
  return canvas.captureStream(30);
}
</script>`;

/** A page, and the robot's end of its connections; the page keeps each in `conn`. */
async function pageAndRobot(kit: Kit, robot: () => RTCConnection) {
  const site = kit.serve({
    ...loopbackRoutes(NUMBERS),
    "/connect": async (request: Request) =>
      Response.json(await robot().getLocalDescription(await request.json())),
  });
  return await kit.open(site.origin);
}

async function frames(conn: RTCConnection, count: number): Promise<VideoFrame[]> {
  const queue = conn.video.subscribe(new Queue<VideoFrame>());
  const seen: VideoFrame[] = [];
  while (seen.length < count) seen.push(await within(12_000, queue.get(), `frame ${seen.length}`));
  conn.video.unsubscribe(queue);
  return seen;
}

/** The numbers that are read rise, and hardly any is missing. */
function assertNumbers(seen: readonly VideoFrame[], mostMissing: number): void {
  const numbers = seen.map(readTestCard);
  const read = numbers.filter((n): n is number => n !== null);
  assert.ok(read.length > seen.length * 0.9, `numbers were read: ${numbers}`);
  assert.ok(read.every((n, i) => i === 0 || n >= read[i - 1]!), `in order: ${read}`);
  // A browser that has just begun, on a busy machine, may leave a second out.
  const later = read.slice(-Math.ceil(read.length / 2));
  const missing = later.at(-1)! - later[0]! + 1 - new Set(later).size;
  assert.ok(missing <= mostMissing, `${missing} numbers are missing: ${read}`);
}

for (let run = 1; run <= RUNS; run++) {
  browser.test(`VideoHandler gives what a page offers to send (run ${run})`, async (kit) => {
    await using conn = new RTCConnection(LOCAL);
    const page = await pageAndRobot(kit, () => conn);
    const seen = frames(conn, 45);
    await page.evaluate(async () => {
      const conn = makeConnection();
      Object.assign(globalThis, { conn });
      await conn.video.putSubscription(numberedStream(320, 240));
      const offer = await conn.getLocalDescription();
      const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      await conn.setRemoteDescription(await reply.json());
    });
    assertNumbers(await seen, 15);
    for (const [i, frame] of (await seen).entries()) {
      const before = (await seen)[i - 1];
      assert.ok(!before || frame.timestampUs > before.timestampUs);
    }
  });
}

browser.test("VideoHandler gives the picture of Chromium's camera", async (kit) => {
  await using conn = new RTCConnection(LOCAL);
  const page = await pageAndRobot(kit, () => conn);
  const seen = frames(conn, 30);
  await page.evaluate(async () => {
    const conn = makeConnection();
    Object.assign(globalThis, { conn });
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: 640, height: 480 },
    });
    await conn.video.putSubscription(stream);
    const offer = await conn.getLocalDescription();
    const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
    await conn.setRemoteDescription(await reply.json());
  });
  const last = (await seen).at(-1)!;
  const { data, shape: [height, width] } = last.toRGB();
  // The fake camera paints on green.
  const [red, green, blue] = [0, 1, 2].map((c) => data[(height >> 2) * width * 3 + 12 * 3 + c]!);
  assert.ok(green! > red! + 40 && green! > blue! + 40, `the corner is ${red},${green},${blue}`);
  const differ = (await seen).some((frame) =>
    frame.toI420().planes[0]!.data.some((value, i) =>
      Math.abs(value - last.toI420().planes[0]!.data[i]!) > 60
    )
  );
  assert.ok(differ, "nothing moves");
});

for (const codec of ["VP9", "H264"]) {
  if (!videoCodecs("decode").some((name) => name === codec)) continue;
  browser.test(
    `VideoHandler gives what a page sends as ${codec}`,
    async (kit) => {
      await using conn = new RTCConnection(LOCAL);
      const page = await pageAndRobot(kit, () => conn);
      const seen = frames(conn, 30);
      const encodes = await page.evaluate(async (codec) => {
        const conn = makeConnection();
        Object.assign(globalThis, { conn });
        await conn.video.putSubscription(numberedStream(320, 240));
        const all = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
        const wanted = all.filter(({ mimeType }) => mimeType === `video/${codec}`);
        if (wanted.length === 0) return false;
        conn._rtc.getTransceivers()[0]!.setCodecPreferences([
          ...wanted,
          ...all.filter((codec) => !wanted.includes(codec)),
        ]);
        const offer = await conn.getLocalDescription();
        const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
        await conn.setRemoteDescription(await reply.json());
        return true;
      }, codec);
      if (!encodes) {
        await conn.close();
        return await assert.rejects(seen);
      }
      assertNumbers(await seen, 20);
      const used = await page.evaluate(async () => {
        const { conn } = globalThis as unknown as { conn: PageConnection };
        const reports = [...(await conn._rtc.getStats()).values()];
        const { codecId } = reports.find(({ type }) => type === "outbound-rtp");
        return reports.find(({ id }) => id === codecId).mimeType as string;
      });
      assert.equal(used, `video/${codec}`);
    },
  );
}

browser.test("VideoHandler.subscribe() makes an offer that a page answers with its video", async (kit) => {
  await using conn = new RTCConnection(LOCAL);
  const page = await pageAndRobot(kit, () => conn);
  const seen = frames(conn, 20);
  const answer = await page.evaluate(async (offer: Description) => {
    const conn = makeConnection();
    Object.assign(globalThis, { conn });
    await conn.video.putSubscription(numberedStream(320, 240));
    return await conn.getLocalDescription(offer) as Description;
  }, await conn.getLocalDescription());
  await conn.setRemoteDescription(answer);
  assertNumbers(await seen, 15);
});

browser.test("VideoHandler shows a page its video while it gives the page's, on a lossy network", async (kit) => {
  await using conn = new RTCConnection(LOCAL);
  const page = await pageAndRobot(kit, () => conn);
  let n = 0;
  const show = () => conn.video.put_nowait(testCard(n++, { width: 320, height: 240 }));
  show();
  const timer = setInterval(show, 33);
  const { RtpPacket } = await loadWerift();
  const read = RtpPacket.deSerialize;
  let state = 7;
  const { RTCRtpSender } = await loadWerift();
  const handle = RTCRtpSender.prototype.handleRtcpPacket;
  let reports = 0;
  RTCRtpSender.prototype.handleRtcpPacket = function (packet) {
    if ("reports" in packet && packet.reports.some(({ ssrc }) => ssrc === this.ssrc)) reports++;
    return handle.call(this, packet);
  };
  RtpPacket.deSerialize = (bytes) => {
    state = Math.imul(state, 1103515245) + 12345 >>> 0;
    if (state / 2 ** 32 < 0.05) throw new Error("lost on purpose");
    return read(bytes);
  };
  try {
    const seen = frames(conn, 120);
    await page.evaluate(async () => {
      const conn = makeConnection();
      Object.assign(globalThis, { conn });
      await conn.video.putSubscription(numberedStream(640, 480));
      const shown = new Promise<void>((done) => {
        conn.video.subscribe((stream) => {
          const video = document.createElement("video");
          video.muted = true;
          video.srcObject = stream;
          video.play();
          let left = 10;
          const count = () => --left ? video.requestVideoFrameCallback(count) : done();
          video.requestVideoFrameCallback(count);
        });
      });
      const offer = await conn.getLocalDescription();
      const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      await conn.setRemoteDescription(await reply.json());
      await shown;
    });
    assertNumbers(await seen, 60);
    // The page knows how much it may send, and what was lost: our reports are understood.
    const stats = await page.evaluate(async () => {
      const { conn } = globalThis as unknown as { conn: PageConnection };
      const found: Record<string, number> = {};
      for (const report of (await conn._rtc.getStats()).values()) {
        if (report.type === "candidate-pair" && report.nominated) {
          found.bitrate = report.availableOutgoingBitrate;
        }
        if (report.type === "remote-inbound-rtp") {
          found.fractionLost = report.fractionLost;
          found.roundTrip = report.roundTripTime;
        }
        if (report.type === "outbound-rtp") {
          found.nacks = report.nackCount;
          found.retransmitted = report.retransmittedPacketsSent;
        }
      }
      return found;
    });
    assert.ok(stats.bitrate! > 100_000, JSON.stringify(stats));
    assert.ok(stats.roundTrip !== undefined && stats.roundTrip < 1, JSON.stringify(stats));
    assert.ok(reports > 0, "no report on what the robot sends");
    assert.ok(stats.nacks! > 0 && stats.retransmitted! > 0, JSON.stringify(stats));
    if (Deno.env.get("RTCBOT_RUNS")) console.log(stats);
  } finally {
    RtpPacket.deSerialize = read;
    RTCRtpSender.prototype.handleRtcpPacket = handle;
    clearInterval(timer);
  }
});
