/** A foreign peer: werift alone, without anything of this library, that reads RTP packets. */
import assert from "node:assert/strict";
import type * as Werift from "werift";
import { hostAddresses } from "../../lib/connection/werift_addresses.ts";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import type { Description } from "../../lib/wire/description.ts";
import type { RTCConnection } from "../../mod.ts";

export const DEADLINE_MS = 15_000;

/** A frame of VP8. */
export interface Frame {
  readonly packets: Werift.RtpPacket[];
  readonly timestamp: number;
  readonly pictureId: number;
  readonly data: Uint8Array;
}

/** A peer that knows nothing of this library, and receives one video. */
export class RawPeer implements AsyncDisposable {
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

/** Puts packets of VP8 together to frames as RFC 7741 says, checking what every frame has to be. */
export function framesOf(packets: readonly Werift.RtpPacket[]): Frame[] {
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

/** Waits until something is so. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await new Promise<void>((done) => setTimeout(done, 10));
  }
}
