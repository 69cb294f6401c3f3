/** Video as a foreign peer receives it: werift alone at the other end, reading RTP packets. */
import assert from "node:assert/strict";
import type * as Werift from "werift";
import { hostAddresses, loadWerift } from "../../lib/connection/werift_engine.ts";
import {
  NegotiationError,
  RTCConnection,
  SubscriptionProducer,
  type VideoFrame,
} from "../../mod.ts";
import { testCard } from "../../lib/media/test_card.ts";
import type { Description } from "../../lib/wire/description.ts";
import { testVpx } from "../codecs/libraries.ts";
import { numbered, withFakeEncoders } from "./fake_codec.ts";
import { LOCAL, within } from "./pair.ts";

const DEADLINE_MS = 15_000;

class Camera extends SubscriptionProducer<VideoFrame> {
  readonly watchers = new Set<unknown>();
  #timer: ReturnType<typeof setInterval> | undefined;

  show(frame: VideoFrame): void {
    this._put_nowait(frame);
  }
  /** Shows a frame every 20 ms until it is closed. */
  run(frame: (n: number) => VideoFrame): void {
    let n = 0;
    this.#timer = setInterval(() => this.show(frame(n++)), 20);
  }
  // deno-lint-ignore no-explicit-any -- notes, whatever is subscribed
  override subscribe(subscriber?: any): any {
    this.watchers.add(subscriber);
    return subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
  }
  override unsubscribe(subscriber?: unknown): void {
    this.watchers.delete(subscriber);
    super.unsubscribe(subscriber as never);
  }
  protected override _close(): void {
    clearInterval(this.#timer);
  }
}

interface Frame {
  readonly packets: Werift.RtpPacket[];
  readonly timestamp: number;
  readonly pictureId: number;
  readonly data: Uint8Array;
}

/** A peer that knows nothing of this library, and receives one video. */
class RawPeer implements AsyncDisposable {
  readonly packets: Werift.RtpPacket[] = [];
  readonly #pc: Werift.RTCPeerConnection;
  readonly #transceiver: Werift.RTCRtpTransceiver;

  private constructor(pc: Werift.RTCPeerConnection) {
    this.#pc = pc;
    pc.createDataChannel("default");
    this.#transceiver = pc.addTransceiver("video", { direction: "recvonly" });
    this.#transceiver.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet) => void this.packets.push(packet));
    });
  }

  static async make(codec: "VP8" | "H264" = "VP8"): Promise<RawPeer> {
    const werift = await loadWerift();
    const rtcpFeedback = [werift.useNACK(), werift.usePLI()];
    const codecs = { VP8: werift.useVP8, H264: werift.useH264 };
    return new RawPeer(
      new werift.RTCPeerConnection({
        iceServers: [],
        iceUseIpv4: false,
        iceUseIpv6: false,
        iceAdditionalHostAddresses: hostAddresses(),
        codecs: { video: [codecs[codec]({ payloadType: 110, rtcpFeedback })] },
      }),
    );
  }

  /** Offers, and takes the answer. @returns the answer's SDP */
  async connect(conn: RTCConnection): Promise<string> {
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    const { type, sdp } = this.#pc.localDescription!;
    const answer = await conn.getLocalDescription({ type, sdp });
    await this.#pc.setRemoteDescription(answer);
    return answer.sdp;
  }

  /** Answers an offer, and wants none of the video. */
  async refuseVideo(offer: Description): Promise<Description> {
    await this.#pc.setRemoteDescription(offer);
    for (const transceiver of this.#pc.getTransceivers()) transceiver.setDirection("inactive");
    await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    return { type: "answer", sdp: this.#pc.localDescription!.sdp };
  }

  /** Says that the picture is lost. */
  async requestKeyFrame(): Promise<void> {
    await this.#transceiver.receiver.sendRtcpPLI(this.packets[0]!.header.ssrc);
  }

  /** Waits until so many whole frames are there. */
  async frames(count: number): Promise<Frame[]> {
    await until(() => framesOf(this.packets).length >= count, `${count} frames`);
    return framesOf(this.packets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pc.close();
  }
}

/** Puts packets together to frames as RFC 7741 says, checking what every frame has to be. */
function framesOf(packets: readonly Werift.RtpPacket[]): Frame[] {
  const frames: Frame[] = [];
  let current: Werift.RtpPacket[] = [];
  for (const packet of packets) {
    current.push(packet);
    if (!packet.header.marker) continue;
    const [first] = current;
    const pictureId = ((first!.payload[2]! & 0x7f) << 8) | first!.payload[3]!;
    current.forEach(({ header, payload }, i) => {
      assert.equal(header.timestamp, first!.header.timestamp);
      assert.equal(header.sequenceNumber, (first!.header.sequenceNumber + i) & 0xffff);
      assert.equal(payload[0], i === 0 ? 0x90 : 0x80); // extended; only the first begins a frame
      assert.equal(payload[1], 0x80); // a picture id follows
      assert.equal(((payload[2]! & 0x7f) << 8) | payload[3]!, pictureId);
    });
    const data = current.flatMap(({ payload }) => [...payload.subarray(4)]);
    const { timestamp } = first!.header;
    frames.push({ packets: current, timestamp, pictureId, data: Uint8Array.from(data) });
    current = [];
  }
  return frames;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await new Promise<void>((done) => setTimeout(done, 10));
  }
}

Deno.test("RTCConnection.video sends whole frames as RTP, and ends with the connection", () =>
  withFakeEncoders(async (made) => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    assert.equal(camera.watchers.size, 0); // nothing is read before the connection stands
    const answer = await peer.connect(conn);
    assert.match(answer, /^m=video [1-9]\d* UDP\/TLS\/RTP\/SAVPF 110\b/m);
    assert.match(answer, /^a=sendonly\r$/m);
    camera.run((n) => numbered(n % 256));
    const frames = await peer.frames(10);
    const ids = frames.map(({ data }) => data[0]!);
    for (const [i, frame] of frames.entries()) {
      assert.deepEqual(frame.data, new Uint8Array(3_000).fill(ids[i]!));
      assert.equal(frame.packets.length, 3); // of 1140 bytes
      assert.equal(frame.packets[0]!.header.payloadType, 110);
      if (i === 0) continue;
      const last = frames[i - 1]!;
      assert.equal(frame.pictureId, (last.pictureId + 1) & 0x7fff);
      assert.equal(
        frame.packets[0]!.header.sequenceNumber,
        (last.packets[2]!.header.sequenceNumber + 1) & 0xffff,
      );
      assert.ok(((frame.timestamp - last.timestamp) >>> 0) < 90_000);
      assert.notEqual(frame.timestamp, last.timestamp);
    }
    await conn.close();
    await until(() => camera.watchers.size === 0 && made.every((one) => one.closed), "the end");
    assert.equal(made.length, 1);
  }));

Deno.test("RTCConnection.video answers a lost picture with a key frame", () =>
  withFakeEncoders(async (made) => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    camera.run((n) => numbered(n % 256));
    await peer.frames(30); // more than the 300 ms between two key frames
    const keys = () => made[0]!.encoded.filter(({ keyFrame }) => keyFrame).length;
    assert.equal(keys(), 1);
    await peer.requestKeyFrame();
    await until(() => keys() === 2, "a key frame");
  }));

Deno.test("RTCConnection.video.put_nowait() shows one picture, also before it is connected", () =>
  withFakeEncoders(async () => {
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.put_nowait(numbered(77));
    await peer.connect(conn);
    assert.equal((await peer.frames(1))[0]!.data[0], 77);
    conn.video.put_nowait({ data: new Uint8Array(16 * 16 * 3).fill(78), shape: [16, 16, 3] });
    await until(() => framesOf(peer.packets).some(({ data }) => data[0] === 78), "the second");
  }));

Deno.test("RTCConnection.video shows another source in mid-stream; time goes on", () =>
  withFakeEncoders(async (made) => {
    await using first = new Camera();
    await using second = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(first);
    await peer.connect(conn);
    first.run(() => numbered(1, performance.now() * 1_000));
    await peer.frames(3);
    conn.video.putSubscription(second.subscribe());
    second.run(() => numbered(2, 5e12 + performance.now() * 1_000));
    await until(() => framesOf(peer.packets).some(({ data }) => data[0] === 2), "the second");
    const frames = await peer.frames(6);
    assert.ok(
      frames.every((frame, i) =>
        i === 0 || ((frame.timestamp - frames[i - 1]!.timestamp) >>> 0) < 10 * 90_000
      ),
    );
    assert.deepEqual(frames.map(({ data }) => data[0]), frames.map(({ data }) => data[0]).sort());
    assert.equal(first.watchers.size, 0);
    assert.deepEqual(made.map(({ closed }) => closed), [true, false]);
    conn.video.stopSubscription();
    await until(() => made[1]!.closed, "the end of the second");
  }));

Deno.test("RTCConnection.video says what is wrong with a source, and the data channels live on", () =>
  withFakeEncoders(async () => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    await until(() => camera.watchers.size === 1, "a watcher");
    const { error } = console;
    console.error = () => {}; // it is reported, too
    try {
      camera.show("no frame" as unknown as VideoFrame);
      const failure = await within(DEADLINE_MS, conn.video.onError(), "the error");
      assert.match(String(failure?.message), /^Cannot send the video frame: /);
    } finally {
      console.error = error;
    }
    await within(DEADLINE_MS, conn.onReady(), "ready");
    conn.put_nowait("data flows");
    assert.throws(() => conn.video.put_nowait("no frame" as never));
  }));

Deno.test("RTCConnection refuses an offer that takes no codec of ours, instead of a black picture", () =>
  withFakeEncoders(async (made) => {
    await using camera = new Camera();
    await using peer = await RawPeer.make("H264");
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await assert.rejects(peer.connect(conn), (error: Error) => {
      assert.ok(error instanceof NegotiationError);
      assert.match(error.message, /it takes no video codec that we send; VP8 is one/);
      return true;
    });
    assert.deepEqual([camera.watchers.size, made.length], [0, 0]);
  }));

Deno.test("RTCConnection offers video; who wants none is sent none", () =>
  withFakeEncoders(async () => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await conn.setRemoteDescription(await peer.refuseVideo(await conn.getLocalDescription()));
    await within(DEADLINE_MS, conn.onReady(), "ready");
    camera.run((n) => numbered(n % 256));
    conn.put_nowait("data flows");
    await conn.drained();
    assert.equal(peer.packets.length, 0);
  }));

testVpx(
  "RTCConnection.video sends VP8 that begins with a key frame, and another when asked",
  async () => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    camera.run((n) => testCard(n, { width: 160, height: 120 }));
    // RFC 6386, section 9.1: the lowest bit is 0 in key frames, which then carry the start code.
    const isKey = ({ data }: Frame) => (data[0]! & 1) === 0;
    const frames = await peer.frames(30);
    assert.deepEqual([...frames[0]!.data.subarray(3, 6)], [0x9d, 0x01, 0x2a]);
    assert.deepEqual(frames.map(isKey), frames.map((_, i) => i === 0));
    await peer.requestKeyFrame();
    await until(() => framesOf(peer.packets).filter(isKey).length === 2, "a key frame");
  },
);
