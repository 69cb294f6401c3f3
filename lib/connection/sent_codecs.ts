/** Which codecs a source can be sent as, and what to say where the viewer takes none of them. */
import { videoCodecs } from "../codecs/choose.ts";
import type { EncodedVideoSource, VideoCodecName } from "../media/encoded.ts";
import { producerOf } from "../subscriptions/origin.ts";

/** What a source says that its chunks are compressed with; `null` of frames, or when it does not say. */
export function codecGiven(source: object | null): VideoCodecName | null {
  const origin = source && (producerOf(source) ?? source);
  const { codec } = (origin ?? {}) as EncodedVideoSource;
  return codec === "VP8" || codec === "VP9" || codec === "H264" ? codec : null;
}

/**
 * The codecs that a source can be sent as, best first: its own when it is compressed already, otherwise
 * what can be encoded here.
 *
 * @param preferred comes first where it can be encoded
 */
export function codecsOf(source: object | null, preferred?: VideoCodecName): VideoCodecName[] {
  const given = codecGiven(source);
  if (given !== null) return [given];
  const able = videoCodecs("encode");
  const first = able.filter((codec) => codec === preferred);
  // VP9 costs twice as much and is no better at these sizes (choose.ts): only if it is asked for.
  const others = able.filter((codec) => codec !== preferred && codec !== "VP9");
  // Without any library VP8 is tried, and says what is missing.
  return [...new Set([...first, ...others, "VP8" as const])];
}

/**
 * Why a viewer cannot be shown anything.
 *
 * @param wished what the source can be sent as
 * @param taken what the viewer takes, as its description names it
 */
export function nothingInCommon(
  wished: readonly VideoCodecName[],
  taken: readonly string[],
): string {
  const takes = taken.length === 0 ? "" : ` (only ${[...new Set(taken)].join(", ")})`;
  const sentence = `it takes no video codec that we send${takes}; ${wished.join(" and ")} `;
  if (wished.length > 1) return `${sentence}are some`;
  if (wished[0] !== "VP8") {
    return `${sentence}is what the source gives, which is not decoded and encoded anew for it; ` +
      "let the viewer take that, or give a source of frames";
  }
  return taken.includes("H264")
    ? `${sentence}is one; install ffmpeg with x264 to send H264 (apt ffmpeg, brew ffmpeg)`
    : `${sentence}is one`;
}
