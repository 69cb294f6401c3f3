/**
 * Questions and answers of multicast DNS (RFC 6762), as far as browsers hide addresses behind it
 * (draft-ietf-mmusic-mdns-ice-candidates-03): which address is behind a name.
 *
 * ```text
 * |  id, 0  | flags | questions | answers | authorities | additional |   2 bytes each (RFC 1035, 4.1.1)
 * question:   name | type | class
 * the others: name | type | class | time to live, 4 | length | data
 * name:       |n| n letters … |0|, or at any place of it |11 offset of the rest|  (RFC 1035, 4.1.4)
 * ```
 */

/** What a name stands for. */
export interface MdnsAddress {
  /** In lower case. */
  readonly name: string;
  /** IPv4, or IPv6 in its short form. */
  readonly address: string;
}

const HEADER = 12;
const IN = 1, A = 1, AAAA = 28; // RFC 1035, 3.2; RFC 3596, 2.1
const IS_ANSWER = 0x8000; // the flag QR
const CLASS = 0x7fff; // the highest bit says that others are to be forgotten (RFC 6762, 10.2)
const LONGEST_NAME = 255; // RFC 1035, 2.3.4
/** More names and records than an answer about one name has; a packet of 9000 bytes could have more. */
const MOST_RECORDS = 64;

/** The questions for the IPv4 and the IPv6 address of a name: a packet each, as browsers read but one. */
export function mdnsQuestions(name: string): Uint8Array<ArrayBuffer>[] {
  const labels = name.split(".").map((label) => new TextEncoder().encode(label));
  if (!labels.every(({ length }) => length > 0 && length < 64) || name.length > LONGEST_NAME - 2) {
    throw new RangeError("Cannot ask for a name: it is none");
  }
  const written = labels.flatMap((label) => [label.length, ...label]);
  return [A, AAAA].map((type) =>
    Uint8Array.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...written, 0, 0, type, 0, IN])
  );
}

/** The addresses that a packet tells, wherever in it; none when it is a question, or broken. */
export function readMdnsAddresses(packet: Uint8Array): MdnsAddress[] {
  if (packet.length < HEADER) return [];
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if ((view.getUint16(2) & IS_ANSWER) === 0) return [];
  const questions = view.getUint16(4);
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10);
  if (questions + records > MOST_RECORDS) return [];
  const found: MdnsAddress[] = [];
  let at = HEADER;
  for (let i = 0; i < questions + records; i++) {
    const read = readName(packet, at);
    if (read === null) return found;
    at = read.end + 4;
    if (i < questions) continue;
    if (at + 6 > packet.length) return found;
    const type = view.getUint16(at - 4), about = view.getUint16(at - 2) & CLASS;
    const length = view.getUint16(at + 4), end = at + 6 + length;
    if (end > packet.length) return found;
    const data = packet.subarray(at + 6, end);
    at = end;
    if (about !== IN) continue;
    if (type === A && length === 4) found.push({ name: read.name, address: data.join(".") });
    if (type === AAAA && length === 16) found.push({ name: read.name, address: ipv6(data) });
  }
  return found;
}

/** @returns the name, and where it ends at its first place; `null` when there is none */
function readName(packet: Uint8Array, start: number): { name: string; end: number } | null {
  const labels: string[] = [];
  let at = start, end = -1, length = 0;
  for (;;) {
    const size = packet[at];
    if (size === undefined) return null;
    if (size === 0) break;
    if (size >= 0xc0) {
      const second = packet[at + 1];
      if (second === undefined) return null;
      if (end < 0) end = at + 2;
      const offset = (size & 0x3f) << 8 | second;
      if (offset >= at || offset < HEADER) return null; // only back, so that it ends
      at = offset;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > LONGEST_NAME || at + 1 + size > packet.length) return null;
    labels.push(new TextDecoder().decode(packet.subarray(at + 1, at + 1 + size)));
    at += 1 + size;
  }
  return { name: labels.join(".").toLowerCase(), end: end < 0 ? at + 1 : end };
}

function ipv6(data: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (data[2 * i]! << 8 | data[2 * i + 1]!));
  const long = groups.map((group) => group.toString(16)).join(":");
  return URL.parse(`http://[${long}]`)!.hostname.slice(1, -1);
}
