/**
 * The candidates of strangers (RFC 8839, section 5.1): only what the ICE agent can use reaches it, spelt
 * in one way.
 *
 * ```text
 * a=candidate:842163049 1 udp 1677729535 192.0.2.7 46154 typ srflx raddr 0.0.0.0 rport 0 …
 *             foundation| |   priority   address   port      type  the rest is left out
 *                component transport
 * ```
 *
 * What is dropped is no loss: the other end's own checks tell us where it is (RFC 8445, section 7.3.1.3).
 * That holds for the `.local` names behind which browsers hide addresses, too, where the other end can
 * reach us; so they are put aside, to be looked up while the others are tried.
 */

/** Far more than a browser with many networks sends; each costs a check from each of our addresses. */
export const MAX_USED_CANDIDATES = 64;

/** A browser gives a name to each of its addresses; asking for one costs the whole network some packets. */
export const MAX_HIDDEN_CANDIDATES = 8;

/** A candidate of the other end whose address is behind a name. */
export interface HiddenCandidate {
  /** `<UUID>.local`, in lower case: no printer of ours can be asked for. */
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly foundation: string;
}

/** draft-ietf-mmusic-mdns-ice-candidates-03, section 3.1.1: a version 4 UUID */
const HIDDEN_NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local$/;
const ICE_CHARS = /^[A-Za-z0-9+/]{1,32}$/; // RFC 8839, section 5.1: foundation
const MAX_PRIORITY = 2 ** 31 - 1; // RFC 8445, section 5.1.2
const TYPES = ["host", "srflx", "relay"]; // prflx is learnt, never said
const CANDIDATE = "a=candidate:";
const END = "a=end-of-candidates";

/**
 * Drops the candidates that cannot be used, and what was said about the end of a list of which nothing
 * is left: an agent whose list is complete and empty gives up at once.
 *
 * @param lines a description's lines, without their ends
 */
export function usableCandidates(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let used = 0;
  let ofSection = 0;
  let ended = false;
  const endSection = () => {
    if (ended && ofSection > 0) kept.push(END);
    ofSection = 0;
    ended = false;
  };
  for (const line of lines) {
    if (line.startsWith("m=")) endSection();
    if (line === END) {
      ended = true;
    } else if (!line.startsWith(CANDIDATE)) {
      kept.push(line);
    } else if (used < MAX_USED_CANDIDATES) {
      const candidate = readCandidate(line.slice(CANDIDATE.length));
      if (candidate === null) continue;
      kept.push(CANDIDATE + candidate);
      used++;
      ofSection++;
    }
  }
  endSection();
  return kept;
}

/** The candidates whose addresses the other end hides, each once. @param lines as above */
export function hiddenCandidates(lines: readonly string[]): HiddenCandidate[] {
  const found = new Map<string, HiddenCandidate>();
  for (const line of lines) {
    if (!line.startsWith(CANDIDATE) || found.size >= MAX_HIDDEN_CANDIDATES) continue;
    const candidate = readCandidate(
      line.slice(CANDIDATE.length),
      (address) => HIDDEN_NAME.test(address.toLowerCase()),
    );
    if (candidate === null) continue;
    const [foundation = "", , , priority, address = "", port, , type] = candidate.split(" ");
    const name = address.toLowerCase();
    if (type !== "host") continue;
    found.set(`${name} ${port}`, {
      ...{ name, foundation, port: Number(port), priority: Number(priority) },
    });
  }
  return [...found.values()];
}

/** The candidate in its usual spelling, or `null` when it cannot be used. */
function readCandidate(text: string, isUsable = isUnicastAddress): string | null {
  const [foundation, component, transport, priority, address, port, typ, type] = text.split(" ");
  const usable = ICE_CHARS.test(foundation ?? "") &&
    component === "1" && // RTP and RTCP share one (RFC 5761), and all sections share that
    transport?.toLowerCase() === "udp" &&
    isWhole(priority, MAX_PRIORITY) &&
    isUsable(address ?? "") &&
    isWhole(port, 65_535) &&
    typ === "typ" &&
    TYPES.includes(type ?? "");
  if (!usable) return null;
  return `${foundation} 1 udp ${Number(priority)} ${address} ${Number(port)} typ ${type}`;
}

function isWhole(text: string | undefined, most: number): boolean {
  return /^\d{1,10}$/.test(text ?? "") && Number(text) >= 1 && Number(text) <= most;
}

/** An address that one machine can have, loopback included. */
export function isUnicastAddress(text: string): boolean {
  const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (ipv4) {
    const [first = 0, ...rest] = ipv4.slice(1).map(Number);
    // RFC 6890 and RFC 5771: 0 is "this network", 224 and above are multicast and reserved.
    return first > 0 && first < 224 && rest.every((byte) => byte <= 255);
  }
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(":")) return false;
  const host = URL.parse(`http://[${text}]`)?.hostname; // compressed, in lower case, in brackets
  return host !== undefined && host !== "[::]" && !host.startsWith("[ff"); // RFC 4291, section 2.7
}
