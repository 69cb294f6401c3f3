/**
 * Agreeing with the other end on video sections: who sends in which, and in which codecs. werift compares
 * only their names: of several kinds of H.264 it takes whichever stand first in the two lists.
 */
import type * as Werift from "werift";
import { videoCodecs } from "../codecs/choose.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import { answerH264, h264Suitability, parseFormatParameters } from "../wire/h264_profile.ts";
import { type MediaSection, readMediaSections } from "../wire/media_sections.ts";
import { nothingInCommon } from "./sent_codecs.ts";

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

/** What browsers have by these names; constrained baseline and baseline, level 3.1. */
const H264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=";
const FURTHER: readonly [VideoCodecName, payloadType: number, parameters: string, sent: boolean][] =
  [
    ["H264", 102, `${H264}42e01f`, true],
    ["H264", 104, `${H264}42001f`, false],
    ["VP9", 98, "profile-id=0", true],
  ];

/** Behind VP8: the codecs that we can send, or receive since their libraries are here. */
export function withFurther(werift: typeof Werift, first: readonly Codec[]): Codec[] {
  const decodable = videoCodecs("decode");
  const rtcpFeedback = first[0]?.rtcpFeedback ?? [];
  const make = (
    name: string,
    payloadType: number,
    parameters: string,
    rtcpFeedback: Werift.RTCPFB[],
    direction: Codec["direction"],
  ) =>
    new werift.RTCRtpCodecParameters({
      mimeType: `video/${name}`,
      clockRate: 90_000,
      payloadType,
      parameters,
      rtcpFeedback,
      direction,
    });
  return [
    ...first,
    ...FURTHER.filter(([name, , , sent]) => sent || decodable.includes(name))
      .flatMap(([name, payloadType, parameters]) => {
        // Whether a section that sends offers it is said in `offerSending`.
        const direction = decodable.includes(name) ? "recvonly" : "sendonly";
        return [
          make(name, payloadType, parameters, rtcpFeedback, direction),
          make("rtx", payloadType + 1, `apt=${payloadType}`, [], direction),
        ];
      }),
  ];
}

/** What was agreed for a section in which we send. */
export interface SendingAgreement {
  /** The formats, what was wished for first. */
  readonly formats: readonly Codec[];
  /** Why the other end, which wants to see something, cannot be sent what was wished. */
  readonly refusal: string | null;
}

const NOTHING: SendingAgreement = { formats: [], refusal: null };

/**
 * Makes a section offer what can be sent in it, what is wished for first; and behind it, when it also
 * receives, what can be received.
 *
 * @param ours all codecs of the connection
 */
export function offerSending(
  transceiver: Transceiver,
  ours: readonly Codec[],
  wished: readonly VideoCodecName[],
): void {
  const receives = transceiver.direction === "sendrecv";
  const sent = sendable(ours, wished);
  const received = receives ? usable(ours).filter((codec) => nameOf(codec) !== "RTX") : [];
  transceiver.codecs = withRepeats([...new Set([...sent, ...received])], ours);
}

/**
 * Answers a section: its direction, and the codecs that both ends can work with; ours comes first where
 * we send.
 *
 * @param offered what the other end offers in it
 * @param wished what we want to send in it, best first; `null` for nothing
 */
export function agreeOnVideo(
  transceiver: Transceiver,
  section: MediaSection | undefined,
  offered: readonly Codec[],
  wished: readonly VideoCodecName[] | null,
): SendingAgreement {
  const agreed = wished && section?.receives ? agreement(offered, wished) : NOTHING;
  const send = agreed.formats.length > 0 && agreed.refusal === null;
  const received = section?.sends ? usable(transceiver.codecs) : [];
  const receive = received.length > 0;
  if (!send && !receive) {
    transceiver.setDirection("inactive");
    return agreed;
  }
  transceiver.setDirection(send ? (receive ? "sendrecv" : "sendonly") : "recvonly");
  // What the other end would like to send; werift has them in our order.
  const rank = ({ payloadType }: Codec) => section?.payloadTypes.indexOf(payloadType) ?? 0;
  const media = received.filter((codec) => nameOf(codec) !== "RTX")
    .sort((a, b) => rank(a) - rank(b));
  const sent = send ? agreed.formats : [];
  // Where we only send, all in our order; otherwise the first of it, and then in the other end's.
  const codecs = receive ? [...sent.slice(0, 1), ...media, ...sent] : sent;
  const chosen = new Map(codecs.map((codec) => [codec.payloadType, codec]));
  transceiver.codecs = withRepeats([...chosen.values()], offered);
  for (const codec of transceiver.codecs) {
    if (nameOf(codec) === "H264") codec.parameters = answerH264(codec.parameters ?? "");
  }
  const formats = sent.map(({ payloadType }) => chosen.get(payloadType)!);
  if (send) sendAs(transceiver, formats[0]!);
  return { formats, refusal: agreed.refusal };
}

/** Takes the answer to a section that we offered to send in. */
export function acceptVideo(
  transceiver: Transceiver,
  section: MediaSection | undefined,
  wished: readonly VideoCodecName[],
): SendingAgreement {
  if (!section?.receives) return NOTHING;
  const agreed = agreement(transceiver.codecs, wished);
  if (agreed.refusal === null && agreed.formats[0]) sendAs(transceiver, agreed.formats[0]);
  return agreed;
}

/** Makes the sender of a section send this format from now on. */
export function sendAs(transceiver: Transceiver, format: Codec): void {
  const { sender, headerExtensions, mid, codecs } = transceiver;
  if (mid === null || mid === undefined) return;
  transceiver.codecs = [
    format,
    ...codecs.filter(({ payloadType }) => payloadType !== format.payloadType),
  ];
  const { cname } = sender as unknown as { cname?: string };
  sender.prepareSend({
    codecs: transceiver.codecs,
    headerExtensions,
    muxId: mid,
    rtcp: { ...(cname === undefined ? {} : { cname }), ssrc: sender.ssrc, mux: true },
  });
}

/** A codec's name in capitals; that of retransmissions is RTX. */
export function nameOf(codec: Codec): string {
  return codec.name.toUpperCase();
}

/** Which payload type a format of retransmissions repeats (RFC 4588, section 8.1). */
export function repeatedBy(codec: Codec): number {
  return Number(parseFormatParameters(codec.parameters ?? "").get("apt") ?? -1);
}

function agreement(theirs: readonly Codec[], wished: readonly VideoCodecName[]): SendingAgreement {
  const formats = sendable(theirs, wished);
  const fulfilled = formats.some((codec) => wished.includes(nameOf(codec) as VideoCodecName));
  if (fulfilled) return { formats, refusal: null };
  const taken = theirs.map(nameOf).filter((name) => !["RTX", "RED", "ULPFEC"].includes(name));
  return { formats: [], refusal: nothingInCommon(wished, taken) };
}

/** For each codec that we have packets for the format that suits us best, what is wished for first. */
function sendable(codecs: readonly Codec[], wished: readonly VideoCodecName[]): Codec[] {
  const best = new Map<VideoCodecName, { codec: Codec; rank: number }>();
  for (const codec of codecs) {
    const name = nameOf(codec) as VideoCodecName, rank = suitability(codec);
    if (rank === null) continue;
    const other = best.get(name);
    if (!other || rank < other.rank) best.set(name, { codec, rank });
  }
  const order: VideoCodecName[] = [...wished, "VP8", "H264", "VP9"];
  return [...best].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([, { codec }]) => codec);
}

function suitability(codec: Codec): number | null {
  const parameters = codec.parameters ?? "";
  switch (nameOf(codec)) {
    case "VP8":
      return 0;
    case "VP9": // profile 0 has 8 bits a sample (RFC 9628 section 6)
      return (parseFormatParameters(parameters).get("profile-id") ?? "0") === "0" ? 0 : null;
    case "H264":
      return h264Suitability(parameters);
  }
  return null;
}

/** What we can decode, and the retransmissions of it. */
function usable(codecs: readonly Codec[]): Codec[] {
  const decodable: readonly string[] = videoCodecs("decode");
  const media = codecs.filter((codec) => {
    const parameters = parseFormatParameters(codec.parameters ?? "");
    if (Number(parameters.get("packetization-mode") ?? 0) > 1) return false;
    if (nameOf(codec) === "VP9" && suitability(codec) === null) return false;
    return decodable.includes(nameOf(codec));
  });
  return withRepeats(media, codecs);
}

/** With the formats of their retransmissions behind them. */
function withRepeats(media: readonly Codec[], all: readonly Codec[]): Codec[] {
  const kept = new Set(media.map(({ payloadType }) => payloadType));
  const repeats = all.filter((codec) => nameOf(codec) === "RTX" && kept.has(repeatedBy(codec)));
  return [...media, ...repeats];
}
