/** Agreeing with the other end on video sections: who sends in which, and in which codecs. */
import type * as Werift from "werift";
import { videoCodecs } from "../codecs/choose.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import { parseFormatParameters } from "../wire/h264_profile.ts";
import { type MediaSection, readMediaSections } from "../wire/media_sections.ts";

type Transceiver = InstanceType<typeof Werift.RTCRtpTransceiver>;
type Codec = Werift.RTCRtpCodecParameters;

/**
 * Puts our senders into sections of the offer in which the other end receives: werift would put them
 * into the first ones of all.
 */
export function placeSenders(senders: readonly Transceiver[], offer: string): void {
  const free = readMediaSections(offer).filter(({ mid, receives }) => mid && receives);
  senders.forEach((sender, i) => {
    const at = free.findIndex(({ kind }) => kind === sender.kind);
    sender.mid = at < 0 ? `unused-${i}` : free.splice(at, 1)[0]!.mid;
  });
}

/**
 * Agrees on the direction of a section and on codecs that both ends can work with; ours comes first
 * where we send.
 *
 * @param ours whether we want to send in it
 */
export function agreeOnVideo(
  transceiver: Transceiver,
  section: MediaSection | undefined,
  ours: boolean,
): void {
  const receive = section?.sends ?? false;
  const send = ours && (section?.receives ?? false);
  const codecs = usable(transceiver.codecs);
  if (send && !receive && !codecs.some(isSent)) {
    throw new Error("it takes no video codec that we send; VP8 is one");
  }
  if (codecs.length === 0 || !(send || receive)) return transceiver.setDirection("inactive");
  transceiver.setDirection(send ? (receive ? "sendrecv" : "sendonly") : "recvonly");
  // What the other end would like to send; werift has them in our order.
  const rank = ({ payloadType }: Codec) => section?.payloadTypes.indexOf(payloadType) ?? 0;
  transceiver.codecs = codecs.sort((a, b) => rank(a) - rank(b));
  if (send) sendFirst(transceiver);
}

/** Sees to it that the sender takes a codec that we encode, whatever the other end would like best. */
export function sendFirst(transceiver: Transceiver): void {
  const codecs = transceiver.codecs;
  const first = codecs.find(isSent);
  if (!first || transceiver.mid === null) return;
  transceiver.codecs = [first, ...codecs.filter((codec) => codec !== first)];
  const { sender, headerExtensions, mid } = transceiver;
  const { cname } = sender as unknown as { cname?: string };
  sender.prepareSend({
    codecs: transceiver.codecs,
    headerExtensions,
    muxId: mid,
    rtcp: { ...(cname === undefined ? {} : { cname }), ssrc: sender.ssrc, mux: true },
  });
}

/** What browsers have by these names; constrained baseline and baseline, level 3.1. */
const H264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=";
const FURTHER: readonly [VideoCodecName, payloadType: number, parameters: string][] = [
  ["H264", 102, `${H264}42e01f`],
  ["H264", 104, `${H264}42001f`],
  ["VP9", 98, "profile-id=0"],
];

/** The codecs that we only receive, where their libraries are here, behind those that we send. */
export function withReceived(werift: typeof Werift, sent: readonly Codec[]): Codec[] {
  const decodable = videoCodecs("decode");
  const rtcpFeedback = sent[0]?.rtcpFeedback ?? [];
  const known = new Set(sent.map(nameOf));
  const further = FURTHER.filter(([name]) => decodable.includes(name) && !known.has(name));
  const make = (name: string, payloadType: number, parameters: string, feedback = rtcpFeedback) =>
    new werift.RTCRtpCodecParameters({
      mimeType: `video/${name}`,
      clockRate: 90_000,
      payloadType,
      parameters,
      rtcpFeedback: feedback,
      direction: "recvonly", // not in sections that only send
    });
  return [
    ...sent,
    ...further.flatMap(([name, payloadType, parameters]) => [
      make(name, payloadType, parameters),
      make("rtx", payloadType + 1, `apt=${payloadType}`, []),
    ]),
  ];
}

/** What we can decode, and the retransmissions of it. */
function usable(codecs: readonly Codec[]): Codec[] {
  const decodable: readonly string[] = videoCodecs("decode");
  const media = codecs.filter((codec) => {
    const parameters = parseFormatParameters(codec.parameters ?? "");
    // Profile 0 has 8 bits a sample (RFC 9628 section 6).
    if (Number(parameters.get("packetization-mode") ?? 0) > 1) return false;
    if (nameOf(codec) === "VP9" && (parameters.get("profile-id") ?? "0") !== "0") return false;
    return decodable.includes(nameOf(codec));
  });
  const kept = new Set(media.map(({ payloadType }) => payloadType));
  return codecs.filter((codec) =>
    media.includes(codec) || nameOf(codec) === "RTX" && kept.has(repeatedBy(codec))
  );
}

function isSent(codec: Codec): boolean {
  return nameOf(codec) === "VP8";
}

/** A codec's name in capitals: `VP8`, `RTX` … */
export function nameOf(codec: Codec): string {
  return codec.name.toUpperCase();
}

/** The payload type that a codec of retransmissions repeats; -1 when it does not say. */
export function repeatedBy(codec: Codec): number {
  return Number(parseFormatParameters(codec.parameters ?? "").get("apt") ?? -1);
}
