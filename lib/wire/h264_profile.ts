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
