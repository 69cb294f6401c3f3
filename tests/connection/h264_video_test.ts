/** H.264 on the wire, to a foreign peer and to our own, encoded here and passed on. */
import assert from "node:assert/strict";
import type * as Werift from "werift";
import { isIdrFrame, NAL, nalType, readSps, splitNalUnits } from "../../lib/wire/h264_bitstream.ts";
import { H264Depacketizer } from "../../lib/wire/h264_rtp.ts";
import { testCard } from "../../lib/media/test_card.ts";
import {
  type EncodedVideo,
  type EncodedVideoSource,
  NegotiationError,
  Queue,
  readTestCard,
  RTCConnection,
  SubscriptionProducer,
  type VideoFrame,
} from "../../mod.ts";
import { testX264 } from "../codecs/libraries.ts";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { nals, withCountedCodecs, withoutEncoder } from "./fake_codec.ts";
import { join, LOCAL, within } from "./pair.ts";
import { DEADLINE_MS, RawPeer, until } from "./raw_peer.ts";

/** Test cards, every 20 ms. */
class Cards extends SubscriptionProducer<VideoFrame> {
  #timer: ReturnType<typeof setInterval> | undefined;
  run(): void {
    let n = 0;
    this.#timer = setInterval(
      () => this._put_nowait(testCard(n++, { width: 160, height: 120 })),
      20,
    );
  }
  protected override _close(): void {
    clearInterval(this.#timer);
  }
}

/** Test cards that come compressed; a key frame every 30, or when asked if it can. */
class CompressedCards extends SubscriptionProducer<EncodedVideo> implements EncodedVideoSource {
  asked = 0;
  readonly #encoder = new H264Encoder({ width: 160, height: 120, fps: 50 });
  #timer: ReturnType<typeof setInterval> | undefined;
  constructor(readonly codec?: "H264") {
    super();
  }
  requestKeyFrame(): void {
    this.asked++;
  }
  run(): void {
    let n = 0, asked = 0;
    this.#timer = setInterval(async () => {
      const keyFrame = n % 30 === 0 || asked !== this.asked;
      asked = this.asked;
      const card = testCard(n++, { width: 160, height: 120 });
      const chunk = await this.#encoder.encode(card, { keyFrame }).catch(() => null);
      if (chunk && !this.closed) this._put_nowait(chunk);
    }, 20);
  }
  protected override _close(): void {
    clearInterval(this.#timer);
    this.#encoder.close();
  }
}

/** The frames that came, as NAL units. */
function framesOf(packets: readonly Werift.RtpPacket[]): Uint8Array[][] {
  const frames: Uint8Array[][] = [];
  const reader = new H264Depacketizer();
  let bytes: number[] = [], first = true;
  for (const { header, payload } of packets) {
    for (const piece of reader.read(payload, first).pieces) bytes.push(...piece);
    first = header.marker;
    if (!header.marker) continue;
    frames.push(splitNalUnits(Uint8Array.from(bytes)));
    bytes = [];
  }
  return frames;
}

function typesOf(units: readonly Uint8Array[]): number[] {
  return units.map(nalType).filter((type) => type !== NAL.sei);
}

const KEY = [NAL.sps, NAL.pps, NAL.idr];

testX264(
  "RTCConnection.video sends H.264 to who takes no VP8, with parameter sets, and IDR when asked",
  () =>
    withCountedCodecs(async (made) => {
      await using camera = new Cards();
      await using peer = await RawPeer.make("H264");
      await using conn = new RTCConnection(LOCAL);
      conn.video.putSubscription(camera);
      const answer = await peer.connect(conn);
      assert.match(answer, /^m=video [1-9]\d* UDP\/TLS\/RTP\/SAVPF 110\r$/m);
      const line = /^a=fmtp:110 (.*)\r$/m.exec(answer)![1]!;
      assert.deepEqual(line.split(";").sort(), [
        "level-asymmetry-allowed=1",
        "packetization-mode=1",
        "profile-level-id=42e01f",
      ]);
      camera.run();
      await until(() => framesOf(peer.packets).length >= 30, "30 frames");
      const frames = framesOf(peer.packets);
      assert.deepEqual(typesOf(frames[0]!), KEY);
      const { profile, constraints, width, height } = readSps(
        frames[0]!.find((u) => nalType(u) === NAL.sps)!,
      );
      assert.deepEqual([profile, constraints & 0x40, width, height], [66, 0x40, 160, 120]);
      assert.equal(frames.filter(isIdrFrame).length, 1);
      assert.ok(peer.packets.every(({ header }) => header.payloadType === 110));
      await peer.requestKeyFrame();
      await until(() => framesOf(peer.packets).filter(isIdrFrame).length === 2, "another IDR");
      assert.deepEqual(typesOf(framesOf(peer.packets).filter(isIdrFrame)[1]!), KEY);
      assert.deepEqual(made, { encoders: ["H264"], decoders: [] });
    }),
);

testX264(
  "VideoHandler.addTrack() prefers H.264 where it is asked to, decoded right at the other end",
  () =>
    withCountedCodecs(async (made) => {
      for (const offers of ["sender", "receiver"]) {
        await using camera = new Cards();
        await using robot = new RTCConnection(LOCAL);
        await using viewer = new RTCConnection(LOCAL);
        robot.video.addTrack(camera, { codec: "H264" });
        const seen = viewer.video.subscribe(new Queue<VideoFrame>());
        await (offers === "sender" ? join(robot, viewer) : join(viewer, robot));
        camera.run();
        const numbers: number[] = [];
        while (numbers.length < 30) {
          const number = readTestCard(await within(DEADLINE_MS, seen.get(), "a frame"));
          assert.notEqual(number, null);
          numbers.push(number!);
        }
        assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
        assert.ok(new Set(numbers).size === 30);
      }
      assert.deepEqual(made, { encoders: ["H264", "H264"], decoders: ["H264", "H264"] });
    }),
);

for (const codec of ["H264", undefined] as const) {
  const which = codec ? "that says its codec" : "whose first chunk tells";
  testX264(
    `RTCConnection.video passes on H.264 of a source ${which}`,
    () =>
      withCountedCodecs(async (made) => {
        await using camera = new CompressedCards(codec);
        await using peer = await RawPeer.make("H264");
        await using viewer = new RTCConnection(LOCAL);
        await using toPeer = new RTCConnection(LOCAL);
        await using toViewer = new RTCConnection(LOCAL);
        toPeer.video.putSubscription(camera);
        toViewer.video.putSubscription(camera.subscribe());
        const seen = viewer.video.subscribe(new Queue<VideoFrame>());
        await Promise.all([peer.connect(toPeer), join(toViewer, viewer)]);
        camera.run();
        const numbers: (number | null)[] = [];
        while (numbers.length < 30) {
          numbers.push(readTestCard(await within(DEADLINE_MS, seen.get(), "a frame")));
        }
        assert.deepEqual(numbers, numbers.map((_, i) => numbers[0]! + i));
        await until(() => framesOf(peer.packets).filter(isIdrFrame).length > 1, "two key frames");
        const keys = framesOf(peer.packets).filter(isIdrFrame).map(typesOf);
        assert.deepEqual(keys, keys.map(() => KEY));
        const asked = camera.asked;
        await peer.requestKeyFrame();
        await until(() => camera.asked > asked, "a request to the source");
        assert.deepEqual(made, { encoders: [], decoders: ["H264"] }); // the viewer's
      }),
  );
}

Deno.test("RTCConnection refuses a viewer that does not take what the source is compressed with", async () => {
  class Compressed extends SubscriptionProducer<EncodedVideo> {
    readonly codec = "H264";
  }
  await using camera = new Compressed();
  await using peer = await RawPeer.make("VP8");
  await using conn = new RTCConnection(LOCAL);
  conn.video.putSubscription(camera);
  await assert.rejects(peer.connect(conn), (error: Error) => {
    assert.ok(error instanceof NegotiationError);
    assert.match(
      error.message,
      /only VP8\); H264 is what the source gives, which is not decoded and/,
    );
    return true;
  });
});

Deno.test("RTCConnection.video says so when the first chunk is nothing that the viewer takes", () =>
  withoutEncoder("H264", async () => {
    class Compressed extends SubscriptionProducer<EncodedVideo> {
      show(): void {
        const [width, height, timestampUs] = [160, 120, 0];
        const data = nals(1, true);
        this._put_nowait({ codec: "H264", data, keyFrame: true, width, height, timestampUs });
      }
    }
    await using camera = new Compressed();
    await using peer = await RawPeer.make("VP8");
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    await within(DEADLINE_MS, conn.onReady(), "ready");
    const { error } = console;
    console.error = () => {}; // it is reported, too
    try {
      camera.show();
      const failure = await within(DEADLINE_MS, conn.video.onError(), "the error");
      assert.ok(failure instanceof NegotiationError);
      assert.match(
        failure.message,
        /^Cannot send the video to this viewer: it takes no video codec/,
      );
      assert.match(failure.message, /H264 is what the source gives/);
    } finally {
      console.error = error;
    }
  }));

testX264(
  "RTCConnection.video says so when who also sends takes nothing that we can encode",
  async () => {
    await using camera = new Cards();
    await using page = new RTCConnection(LOCAL);
    await using robot = new RTCConnection(LOCAL);
    page.video.putSubscription(camera);
    page.video.subscribe();
    robot.video.putSubscription(camera);
    const { type, sdp } = await page.getLocalDescription();
    assert.match(sdp, /^m=video \d+ \S+ 96 102/m);
    const only = sdp.replace(/^(m=video \d+ \S+) .*$/m, "$1 102 103")
      .replace(/^a=(rtpmap|fmtp|rtcp-fb):(96|97|98|99|104|105) .*\r\n/gm, "");
    const { error } = console;
    console.error = () => {}; // it is reported, too
    try {
      await withoutEncoder("H264", async () => {
        const answer = await robot.getLocalDescription({ type, sdp: only });
        assert.match(answer.sdp, /^a=recvonly\r$/m);
        const failed = robot.video.onError();
        await page.setRemoteDescription(answer);
        const failure = await within(DEADLINE_MS, failed, "the error");
        assert.match(
          String(failure?.message),
          /^Cannot send the video to this viewer: .* \(only H264\)/,
        );
      });
      await within(DEADLINE_MS, robot.onReady(), "ready: the data channels live on");
    } finally {
      console.error = error;
    }
  },
);

testX264(
  "RTCConnection.video goes from one codec to another with its source, in mid-stream",
  () =>
    withCountedCodecs(async (made) => {
      await using cards = new Cards();
      await using compressed = new CompressedCards("H264");
      await using robot = new RTCConnection(LOCAL);
      await using viewer = new RTCConnection(LOCAL);
      const seen = viewer.video.subscribe(new Queue<VideoFrame>());
      const rise = async () => {
        const numbers: number[] = [];
        while (numbers.length < 20) {
          const number = readTestCard(await within(DEADLINE_MS, seen.get(), "a frame"));
          // What was on the way of the source before does not count.
          if (numbers.length > 0 && number! < numbers.at(-1)!) numbers.length = 0;
          numbers.push(number!);
        }
      };
      robot.video.putSubscription(cards);
      await join(robot, viewer);
      cards.run();
      await rise();
      robot.video.putSubscription(compressed);
      compressed.run();
      await until(() => made.decoders.includes("H264"), "H.264 at the viewer");
      await rise();
      robot.video.putSubscription(cards);
      await until(() => made.encoders.length === 2, "VP8 again");
      await rise();
      assert.deepEqual(made.encoders, ["VP8", "VP8"]);
      assert.deepEqual(made.decoders, ["VP8", "H264", "VP8"]);
    }),
);
