/// <reference lib="dom" />
/** H.264, and VP9 where asked for, from the robot to real Chromium; also as ffmpeg compressed it. */
import assert from "node:assert/strict";
import { videoCodecs } from "../../lib/codecs/choose.ts";
import { FFmpegSource } from "../../lib/devices/ffmpeg_source.ts";
import {
  Queue,
  RTCConnection,
  SubscriptionProducer,
  testCard,
  type VideoFrame,
} from "../../mod.ts";
import { withCountedCodecs } from "../connection/fake_codec.ts";
import { join, within } from "../connection/pair.ts";
import { chromium, findChromium, type Kit, launch } from "./harness.ts";
import { loopbackRoutes } from "./loopback_page.ts";

declare const watch: (codecs: string[], frames: number) => Promise<Seen>;

interface Seen {
  /** The numbers of test cards; null where none can be read. */
  numbers: (number | null)[];
  /** Mean difference of luma from each picture to the next, of 256 points. */
  changes: number[];
  width: number;
  height: number;
  /** What came, as the browser says. */
  codecs: string[];
  fmtp: string;
}

const LOCAL = { rtcConfiguration: { iceServers: [] } };
const browser = chromium();

/** Joins, takes only these codecs, and reads the pictures that are shown. */
const WATCH = `<script>
async function watch(codecs, frames) {
  const all = RTCRtpReceiver.getCapabilities("video").codecs;
  const wanted = all.filter(({ mimeType }) => codecs.includes(mimeType));
  const { createOffer } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createOffer = function (...args) {
    for (const transceiver of this.getTransceivers()) {
      if (transceiver.receiver.track.kind === "video") {
        transceiver.setCodecPreferences([...wanted, ...all.filter((c) => /rtx/.test(c.mimeType))]);
      }
    }
    return createOffer.apply(this, args);
  };
  const conn = globalThis.conn = makeConnection();
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const canvas = document.createElement("canvas");
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  const numbers = [], changes = [];
  let last = null;
  const shown = new Promise((done) => {
    const look = () => {
      const width = canvas.width = video.videoWidth, height = canvas.height = video.videoHeight;
      ctx.drawImage(video, 0, 0);
      const { data } = ctx.getImageData(0, 0, width, height);
      const luma = (x, y) => data[4 * (Math.floor(y * height) * width + Math.floor(x * width)) + 1];
      const points = Array.from({ length: 256 }, (_, i) => luma((i % 16 + 0.5) / 16, ((i >> 4) + 0.5) / 16));
      if (last) changes.push(points.reduce((sum, p, i) => sum + Math.abs(p - last[i]), 0) / 256);
      last = points;
      let n = 0;
      for (let cell = 0; cell < 16; cell++) {
        const level = luma((cell + 0.5) / 16, 15 / 16);
        n = n === null || level > 90 && level < 160 ? null : n << 1 | (level > 125 ? 1 : 0);
      }
      numbers.push(n);
      numbers.length < frames ? video.requestVideoFrameCallback(look) : done();
    };
    conn.video.subscribe((stream) => {
      video.srcObject = stream;
      video.play();
      video.requestVideoFrameCallback(look);
    });
  });
  const offer = await conn.getLocalDescription();
  const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
  if (!reply.ok) throw new Error(await reply.text());
  await conn.setRemoteDescription(await reply.json());
  await shown;
  const reports = [...(await conn._rtc.getStats()).values()];
  const inbound = reports.filter(({ type }) => type === "inbound-rtp");
  const used = inbound.map(({ codecId }) => reports.find(({ id }) => id === codecId));
  return {
    numbers, changes, width: video.videoWidth, height: video.videoHeight,
    codecs: used.map(({ mimeType }) => mimeType), fmtp: used[0].sdpFmtpLine ?? "",
  };
}
</script>`;

async function seenBy(
  kit: Kit,
  robot: () => RTCConnection,
  codecs: string[],
  frames = 45,
): Promise<Seen> {
  const site = kit.serve({
    ...loopbackRoutes(WATCH),
    "/connect": async (request: Request) =>
      Response.json(await robot().getLocalDescription(await request.json())),
  });
  const page = await kit.open(site.origin);
  return await page.evaluate(
    ([codecs, frames]) => watch(codecs, frames),
    [codecs, frames] as const,
  );
}

/** Why the tests cannot run here, or null. */
async function missing(): Promise<string | null> {
  if (!videoCodecs("encode").includes("H264")) return "install ffmpeg with x264";
  const path = findChromium();
  if (path === null) return null; // `browser.test` says so
  const probe = await launch(path);
  try {
    const page = await probe.newPage();
    const decodes = await page.evaluate(() =>
      RTCRtpReceiver.getCapabilities("video")!.codecs
        .some(({ mimeType }) => mimeType === "video/H264")
    );
    return decodes ? null : "install a Chromium with proprietary codecs";
  } finally {
    await probe.close();
  }
}

const why = await missing();

function h264Test(name: string, run: (kit: Kit) => Promise<void>): void {
  if (why === null) browser.test(name, run);
  else Deno.test({ name: `${name} (${why})`, ignore: true, fn() {} });
}

/** Shows test cards at 30 a second. */
class Cards extends SubscriptionProducer<VideoFrame> {
  readonly #timer: ReturnType<typeof setInterval>;
  constructor() {
    super();
    let n = 0;
    const size = { width: 320, height: 240 };
    this.#timer = setInterval(() => this._put_nowait(testCard(n++, size)), 33);
  }
  protected override _close(): void {
    clearInterval(this.#timer);
  }
}

function assertCards({ numbers, width, height }: Seen): void {
  assert.deepEqual([width, height], [320, 240]);
  const read = numbers.filter((n): n is number => n !== null);
  assert.ok(read.length > numbers.length * 0.9, `numbers were read: ${numbers}`);
  assert.ok(read.every((n, i) => i === 0 || n >= read[i - 1]!), `in order: ${read}`);
  assert.ok(new Set(read).size > numbers.length / 2, `they move: ${read}`);
}

h264Test(
  "Chromium shows what is sent as H.264 because it takes nothing else",
  (kit) =>
    withCountedCodecs(async (made) => {
      await using camera = new Cards();
      await using conn = new RTCConnection(LOCAL);
      conn.video.putSubscription(camera);
      const seen = await seenBy(kit, () => conn, ["video/H264"]);
      assertCards(seen);
      assert.deepEqual(seen.codecs, ["video/H264"]);
      assert.match(seen.fmtp, /packetization-mode=1;profile-level-id=42e0/);
      assert.deepEqual(made, { encoders: ["H264"], decoders: [] });
    }),
);

h264Test(
  "Chromium shows H.264 where it is preferred, and VP8 beside it from the same camera",
  (kit) =>
    withCountedCodecs(async (made) => {
      await using camera = new Cards();
      await using first = new RTCConnection(LOCAL);
      await using second = new RTCConnection(LOCAL);
      first.video.addTrack(camera, { codec: "H264" });
      second.video.putSubscription(camera);
      const both = ["video/VP8", "video/H264"];
      // One after the other, since a page behind another one shows nothing; the first still watches.
      const seen = [
        await seenBy(kit, () => first, both),
        await seenBy(kit, () => second, both),
      ];
      seen.forEach(assertCards);
      assert.deepEqual(seen.map(({ codecs }) => codecs), [["video/H264"], ["video/VP8"]]);
      assert.deepEqual(made.encoders.sort(), ["H264", "VP8"]);
    }),
);

h264Test(
  "Chromium and a robot show what ffmpeg compressed, and nobody decodes or encodes it between",
  (kit) =>
    withCountedCodecs(async (made) => {
      await using camera = new FFmpegSource("testsrc2=size=320x240:rate=30", {
        format: "lavfi",
        // deno-fmt-ignore
        encode: ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0",
        "-g", "30", "-pix_fmt", "yuv420p"],
      });
      await using toPage = new RTCConnection(LOCAL);
      await using toRobot = new RTCConnection(LOCAL);
      await using robot = new RTCConnection(LOCAL);
      for (const conn of [toPage, toRobot]) conn.video.putSubscription(camera.encoded);
      const frames = robot.video.subscribe(new Queue<VideoFrame>());
      await join(toRobot, robot);
      const seen = await seenBy(kit, () => toPage, ["video/VP8", "video/H264"]);
      assert.deepEqual([seen.width, seen.height, seen.codecs], [320, 240, ["video/H264"]]);
      const moving = seen.changes.filter((change) => change > 0.5).length;
      assert.ok(moving > seen.changes.length / 2, `${seen.changes}`);
      const got: VideoFrame[] = [];
      while (got.length < 30) got.push(await within(5_000, frames.get(), "a frame"));
      assert.deepEqual([got[0]!.width, got[0]!.height], [320, 240]);
      const luma = (frame: VideoFrame) => frame.toI420().planes[0]!.data.slice(0, 320 * 240);
      const still = got.slice(1).filter((frame, i) =>
        luma(frame).every((value, at) => value === luma(got[i]!)[at])
      );
      assert.equal(still.length, 0);
      assert.deepEqual(made, { encoders: [], decoders: ["H264"] }); // the robot's own
    }),
);

if (videoCodecs("encode").includes("VP9")) {
  browser.test("Chromium shows VP9 where it is asked for", async (kit) => {
    await using camera = new Cards();
    await using conn = new RTCConnection(LOCAL);
    conn.video.addTrack(camera, { codec: "VP9" });
    const seen = await seenBy(kit, () => conn, ["video/VP8", "video/VP9"]);
    assertCards(seen);
    assert.deepEqual(seen.codecs, ["video/VP9"]);
  });
}
