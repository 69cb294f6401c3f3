/** What `profile-level-id` and `packetization-mode` of a description say (RFC 6184, section 8.1). */

/** The profiles that WebRTC knows (RFC 7742 section 6.2 asks for constrained baseline). */
export type H264Profile =
  | "constrained baseline"
  | "baseline"
  | "main"
  | "constrained high"
  | "high";

/** A profile, and the largest level: ten times its number, 31 is level 3.1. */
export interface H264ProfileLevel {
  readonly profile: H264Profile;
  readonly level: number;
}

/** RFC 6184 section 8.1: what is meant when nothing is said. */
const DEFAULT = "42000a";

/**
 * profile_idc and the bits of profile-iop (constraint_set0 … 5) that are looked at, in the order of RFC
 * 6184 table 5.
 */
const PROFILES: readonly [idc: number, mask: number, bits: number, profile: H264Profile][] = [
  [0x42, 0b0100_1111, 0b0100_0000, "constrained baseline"],
  [0x4d, 0b1000_1111, 0b1000_0000, "constrained baseline"],
  [0x58, 0b1100_1111, 0b1100_0000, "constrained baseline"],
  [0x42, 0b0100_1111, 0b0000_0000, "baseline"],
  [0x58, 0b1100_1111, 0b1000_0000, "baseline"],
  [0x4d, 0b1010_1111, 0b0000_0000, "main"],
  [0x64, 0xff, 0b0000_0000, "high"],
  [0x64, 0xff, 0b0000_1100, "constrained high"],
];

/** Reads a `profile-level-id`, six hexadecimal digits; null when it is none that we know. */
export function parseProfileLevelId(id: string = DEFAULT): H264ProfileLevel | null {
  if (!/^[0-9a-f]{6}$/i.test(id)) return null;
  const [idc, iop, level] = [0, 2, 4].map((at) => parseInt(id.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  const known = PROFILES.find(([of, mask, bits]) => of === idc && (iop & mask) === bits);
  return known ? { profile: known[3], level } : null;
}

/** The values of an `a=fmtp` line: `level-asymmetry-allowed=1;packetization-mode=1;…`. */
export function parseFormatParameters(parameters: string): Map<string, string> {
  return new Map(
    parameters.split(";").map((pair) => pair.trim()).filter((pair) => pair.includes("="))
      .map((pair) => {
        const at = pair.indexOf("=");
        return [pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()];
      }),
  );
}

/**
 * Whether two ends mean the same: equal profile and packetization mode. Levels may differ, since each
 * end's level is what it can receive.
 */
export function matchesH264(ours: string, theirs: string): boolean {
  const [a, b] = [parseFormatParameters(ours), parseFormatParameters(theirs)];
  const [profileA, profileB] = [a, b].map((p) => parseProfileLevelId(p.get("profile-level-id")));
  const mode = (p: Map<string, string>) => p.get("packetization-mode") ?? "0";
  return profileA !== null && profileA !== undefined && profileA.profile === profileB?.profile &&
    mode(a) === mode(b);
}

/** Best first, for who sends constrained baseline: decoders of all of them can decode it. */
const SUITABLE: readonly H264Profile[] = [
  "constrained baseline",
  "baseline",
  "main",
  "constrained high",
  "high",
];

/**
 * How well a format that the other end receives suits what we send, constrained baseline in packetization
 * mode 1: 0 is best; null when it does not.
 */
export function h264Suitability(parameters: string): number | null {
  const of = parseFormatParameters(parameters);
  const known = parseProfileLevelId(of.get("profile-level-id"));
  if (known === null || of.get("packetization-mode") !== "1") return null;
  return SUITABLE.indexOf(known.profile);
}

/** Level 3.1, 1280x720 at 30, which RFC 7742 section 6.2 wants to be received. */
const USUAL_LEVEL = 0x1f;

/**
 * The parameters with which an offered format is answered (RFC 6184, section 8.2.2): the same profile and
 * packetization mode; a level of our own, which is what we can receive, only where both ends allow that.
 */
export function answerH264(offered: string): string {
  const of = parseFormatParameters(offered);
  const id = of.get("profile-level-id") ?? DEFAULT;
  const level = parseInt(id.slice(4), 16);
  const own = of.get("level-asymmetry-allowed") === "1" ? Math.max(level, USUAL_LEVEL) : level;
  const answered = id.slice(0, 4) + own.toString(16).padStart(2, "0");
  const mode = of.get("packetization-mode") ?? "0";
  return `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${answered}`;
}
