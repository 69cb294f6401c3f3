/**
 * Lets only the other end speak to ICE. werift answers and believes any binding request, so whoever
 * finds the port could have a path of his own chosen, and grow our lists without end. A request counts
 * only with the name and the password of this very connection (RFC 8445, section 7.3; RFC 8489,
 * section 9.1.3):
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |0 0|     message type        |        length of attributes       |
 * |                   magic cookie 0x2112A442                       |
 * |                 transaction identifier, 96 bits                 |
 * |       attribute type        |        length of its value        |
 * |                 value, padded to 4 bytes        …               |
 * ```
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type * as Werift from "werift";

type RequestListener = (message: unknown, address: unknown, data: Uint8Array) => void;
/** What of werift's insides is touched here. */
interface Protocol {
  onRequestReceived: { execute: RequestListener };
}
interface Connection {
  localUsername: string;
  localPassword: string;
  userHistory?: Record<string, string>;
  ensureProtocol(protocol: Protocol): void;
}

const HEADER = 20;
const USERNAME = 0x0006, MESSAGE_INTEGRITY = 0x0008; // RFC 8489, section 18.3
const INTEGRITY_BYTES = 20; // HMAC-SHA1
const guarded = new WeakSet<object>();

/** Installs the guard, once a loaded werift. @returns whether it could be installed */
export function guardIce(werift: typeof Werift): boolean {
  const connection = werift.Connection.prototype as unknown as Connection;
  if (guarded.has(connection)) return true;
  if (typeof connection.ensureProtocol !== "function") return false;
  guarded.add(connection);
  const ensure = connection.ensureProtocol;
  connection.ensureProtocol = function (protocol): void {
    const event = protocol.onRequestReceived;
    const { execute } = event;
    event.execute = (message, address, data) => {
      if (isAuthentic(data, this)) execute(message, address, data);
    };
    ensure.call(this, protocol);
  };
  return true;
}

function isAuthentic(data: Uint8Array, connection: Connection): boolean {
  const { username, integrityAt } = readCredentials(data);
  if (username === null || integrityAt === null) return false;
  const ours = username.split(":")[0]!;
  const password = ours === connection.localUsername
    ? connection.localPassword
    : connection.userHistory?.[ours];
  return password !== undefined && hasIntegrity(data, integrityAt, password);
}

/** The name that a request carries, and where its MESSAGE-INTEGRITY begins. */
export function readCredentials(
  data: Uint8Array,
): { username: string | null; integrityAt: number | null } {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let username: string | null = null;
  for (let at = HEADER; at + 4 <= data.length;) {
    const type = view.getUint16(at), length = view.getUint16(at + 2);
    if (at + 4 + length > data.length) break;
    if (type === MESSAGE_INTEGRITY) {
      return { username, integrityAt: length === INTEGRITY_BYTES ? at : null };
    }
    if (type === USERNAME) {
      username = new TextDecoder().decode(data.subarray(at + 4, at + 4 + length));
    }
    at += 4 + ((length + 3) & ~3);
  }
  return { username, integrityAt: null };
}

/** RFC 8489, section 14.5: the hash is over what stands before, with a length that ends after it. */
function hasIntegrity(data: Uint8Array, at: number, password: string): boolean {
  const text = new Uint8Array(data.subarray(0, at)); // a copy; a Buffer's slice would be none
  new DataView(text.buffer).setUint16(2, at + 4 + INTEGRITY_BYTES - HEADER);
  const hash = createHmac("sha1", password).update(text).digest();
  return timingSafeEqual(hash, data.subarray(at + 4, at + 4 + INTEGRITY_BYTES));
}
