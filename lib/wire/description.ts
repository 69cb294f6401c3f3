/**
 * Session descriptions as strangers send them: checked before anything is built for them, with limits
 * that no browser comes near and that keep a hostile one from costing memory.
 */
import { NegotiationError } from "../errors.ts";
import { type HiddenCandidate, hiddenCandidates, usableCandidates } from "./candidates.ts";

/** An offer or an answer with all its candidates inside: what signaling carries, as JSON. */
export interface Description {
  /** Which of the two it is. */
  readonly type: "offer" | "answer";
  /** The session description (RFC 8866). */
  readonly sdp: string;
}

/** The largest description that is read, in characters; a Chromium offer of video is 6,600. */
export const MAX_SDP_LENGTH = 65_536;
const MAX_MEDIA = 32;
const MAX_CANDIDATES = 256;
const MAX_LINE = 4_096;

/**
 * Checks that a value is a description of the wanted type and that its SDP can be one. Its lines end
 * as they should afterwards, and the candidates that cannot be used are gone.
 *
 * @throws {NegotiationError} with one sentence that may be shown to the sender
 */
export function parseDescription(value: unknown, type: Description["type"]): Description {
  const refuse = (why: string) => new NegotiationError(`Cannot read the ${type}: ${why}`);
  if (typeof value !== "object" || value === null) {
    throw refuse(`it is not an object with "type" and "sdp"`);
  }
  const { type: found, sdp } = value as Record<string, unknown>;
  if (found !== type) throw refuse(`its "type" is not "${type}"`);
  if (typeof sdp !== "string") throw refuse(`its "sdp" is not a string`);
  if (sdp.length > MAX_SDP_LENGTH) {
    throw refuse(`its SDP has ${sdp.length} characters; at most ${MAX_SDP_LENGTH} are read`);
  }
  const lines = sdp.split(/\r?\n/).filter((line) => line !== "");
  if (lines[0] !== "v=0") throw refuse(`its SDP does not begin with "v=0"`);
  const count = (prefix: string) => lines.filter((line) => line.startsWith(prefix)).length;
  if (!lines.every(isLine)) {
    throw refuse("its SDP has a line that is none");
  }
  if (count("m=") === 0) throw refuse("its SDP has no media section");
  if (count("m=") > MAX_MEDIA) throw refuse(`its SDP has more than ${MAX_MEDIA} media sections`);
  if (count("a=candidate:") > MAX_CANDIDATES) {
    throw refuse(`its SDP has more than ${MAX_CANDIDATES} candidates`);
  }
  for (const attribute of ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"]) {
    if (count(attribute) === 0) throw refuse(`its SDP has no "${attribute.slice(2, -1)}"`);
  }
  return { type, sdp: usableCandidates(lines).join("\r\n") + "\r\n" };
}

/** The candidates behind `.local` names in a description that could be parsed; see `candidates.ts`. */
export function hiddenIn(description: unknown): HiddenCandidate[] {
  return hiddenCandidates((description as Description).sdp.split(/\r?\n/));
}

/** RFC 8866, section 9: no line has a NUL, and a CR only at its end. */
function isLine(line: string): boolean {
  return line.length <= MAX_LINE && /^[a-z]=/.test(line) && !/[\r\0]/.test(line);
}

/** Whether the description has a place where its sender would receive video, or sound. */
export function wants({ sdp }: Description, kind: "video" | "audio"): boolean {
  return sdp.split("\r\nm=").some((section) =>
    section.startsWith(`${kind} `) && !/\r\na=(sendonly|inactive)(\r\n|$)/.test(section)
  );
}
