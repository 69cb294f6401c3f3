/**
 * The path of each packet between werift's DTLS and the socket, made short: werift copies a packet six
 * times, hands it through eleven functions and makes two cipher objects for it. With libcrypto and the
 * socket's shortcut, DTLS records (RFC 6347, AES-128-GCM of RFC 5288) are sealed and opened in place.
 *
 * The handshake stays werift's, and so does everything when libcrypto is missing or another cipher was
 * agreed on. It also notes when a packet that was proved authentic last came in.
 */
import type { Buffer } from "node:buffer";
import type * as Werift from "werift";
import { GCM_TAG_BYTES, type GcmOpener, type GcmSealer, PacketCrypto } from "../../ffi/crypto.ts";
import { ReplayWindow } from "../wire/replay_window.ts";
import { type DatagramPath, sendDatagram } from "./werift_sockets.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What of werift's insides is touched here. */
interface Cipher {
  blockAlgorithm?: string;
  nonceImplicitLength: number;
  clientWriteKey?: Uint8Array;
  serverWriteKey?: Uint8Array;
  clientNonce?: Uint8Array;
  serverNonce?: Uint8Array;
}
interface DtlsSocket {
  sessionType: number;
  cipher: { cipher?: Cipher };
  dtls: { epoch: number; recordSequenceNumber: number };
  onData?: { subscribe(listener: () => void): void };
  send: (data: Uint8Array, address?: unknown) => Promise<void>;
}
interface DtlsTransport {
  state: string;
  dtls?: DtlsSocket;
  config: { debug?: { inboundPacketLoss?: number; outboundPacketLoss?: number } };
  iceTransport: { connection: DatagramPath & { protocols?: object[] } };
  dataReceiver: (data: Buffer) => void;
  srtp?: { decrypt?: (packet: Buffer) => Buffer };
  srtcp?: { decrypt?: (packet: Buffer) => Buffer };
  start(): Promise<void>;
  stop(): Promise<void>;
}
interface StunProtocol {
  datagramReceived(data: Buffer, address: [string, number]): void;
}

// RFC 6347 section 4.1: type 1, version 2, epoch 2, sequence number 6, length 2; then RFC 5288
// section 3: explicit nonce 8, sealed bytes, tag 16.
const ALERT = 21, APPLICATION_DATA = 23, HEADER = 13, NONCE = 8;
const CLOSE_NOTIFY = Uint8Array.of(1, 0); // RFC 5246 section 7.2: a warning, and which
const VERSION_MAJOR = 254, VERSION_MINOR = 253; // DTLS 1.2
const LONGEST = 1_500; // longer ones go werift's way
const SESSION_CLIENT = 1; // werift's SessionType

/** Takes a packet that is not STUN; false leaves it to werift. */
type Tap = (data: Buffer) => boolean;
const taps = new WeakMap<object, Tap>();
const open = new WeakMap<object, PacketCrypto>();
const farewells = new WeakMap<object, () => Promise<void>>();
const heard = new WeakMap<object, number>();
const patched = new WeakSet<object>();
const done = Promise.resolve();

/** When an authentic packet last came over this DTLS transport, by `performance.now()`; 0 if never. */
export function lastHeard(transport: object): number {
  return heard.get(transport) ?? 0;
}

/** The bytes of all datagrams over the path in use, since it is. */
export function trafficOf(transport: object): { bytesSent: number; bytesReceived: number } {
  const pair = (transport as DtlsTransport).iceTransport?.connection?.nominated;
  return { bytesSent: pair?.bytesSent ?? 0, bytesReceived: pair?.bytesReceived ?? 0 };
}

/** Notes that the other end has just proved to be there. */
export function noteHeard(transport: object): void {
  heard.set(transport, performance.now());
}

/** The ciphers of a connected transport, freed when it stops; `null` where there is no libcrypto. */
export function packetCrypto(transport: object): PacketCrypto | null {
  return open.get(transport) ?? null;
}

/**
 * Installs the short path, once a loaded werift; call it after `quickenOpening`.
 *
 * @returns whether it could be installed
 */
export function quickenRecords(werift: typeof Werift): boolean {
  const transport = werift.RTCDtlsTransport.prototype as unknown as DtlsTransport;
  const protocol = werift.StunProtocol.prototype as unknown as StunProtocol;
  if (patched.has(transport)) return true;
  if (typeof transport.start !== "function" || typeof transport.stop !== "function") return false;
  if (typeof protocol.datagramReceived !== "function") return false;
  patched.add(transport);

  const { start, stop } = transport;
  transport.start = async function (): Promise<void> {
    await start.call(this);
    if (this.state === "connected") takeOver(this);
  };
  transport.stop = function (): Promise<void> {
    for (const path of this.iceTransport.connection.protocols ?? []) taps.delete(path);
    // werift says nothing when it goes, and a peer without a data channel would wait for long.
    if (this.state === "connected") farewells.get(this)?.().catch(() => {});
    farewells.delete(this);
    open.get(this)?.close();
    open.delete(this);
    return stop.call(this);
  };
  const { datagramReceived } = protocol;
  protocol.datagramReceived = function (data, address): void {
    // RFC 7983 section 7: STUN begins with 0 to 3.
    if ((data[0] ?? 0) > 3 && taps.get(this)?.(data)) return;
    datagramReceived.call(this, data, address);
  };
  return true;
}

function takeOver(transport: DtlsTransport): void {
  const { dtls, config } = transport;
  if (!dtls || config.debug?.inboundPacketLoss || config.debug?.outboundPacketLoss) return;
  const connection = transport.iceTransport.connection;
  noteHeard(transport);
  dtls.onData?.subscribe(() => noteHeard(transport)); // what came werift's way, as over TURN
  for (const session of [transport.srtp, transport.srtcp]) {
    const decrypt = session?.decrypt;
    if (!session || typeof decrypt !== "function") continue;
    session.decrypt = (packet) => {
      const plain = decrypt(packet); // throws when it is not authentic
      noteHeard(transport);
      return plain;
    };
  }
  const keys = readKeys(dtls);
  const crypto = keys && PacketCrypto.open();
  let opener: GcmOpener | null = null;
  let nonce: Bytes | null = null;
  if (crypto) {
    open.set(transport, crypto);
    const seal = crypto.gcmSealer(keys.localKey);
    const write = recordWriter(dtls, connection, seal, keys.localSalt);
    const { send } = dtls;
    dtls.send = (data, address) =>
      address === undefined && data.length <= LONGEST && dtls.dtls.epoch === 1
        ? write(APPLICATION_DATA, data)
        : send(data, address);
    farewells.set(transport, () => write(ALERT, CLOSE_NOTIFY));
    opener = crypto.gcmOpener(keys.remoteKey);
    nonce = new Uint8Array(12);
    nonce.set(keys.remoteSalt);
  }
  const additional = new Uint8Array(HEADER);
  const window = new ReplayWindow();
  const tap: Tap = (data) => {
    const size = data.length - HEADER;
    const whole = data[0] === APPLICATION_DATA && data[3] === 0 && data[4] === 1 &&
      size === ((data[11] ?? 0) << 8 | (data[12] ?? 0)) && size >= NONCE + GCM_TAG_BYTES;
    if (!whole || !opener || !nonce) return false;
    const record = data as Buffer<ArrayBuffer>;
    const plain = size - NONCE - GCM_TAG_BYTES;
    const sequence = record.readUIntBE(5, 6);
    if (!window.isNew(sequence)) return true; // played again
    nonce.set(record.subarray(HEADER, HEADER + NONCE), 4);
    additional.set(record.subarray(3, 11));
    writeTail(additional, APPLICATION_DATA, plain);
    if (!opener(nonce, additional, record, HEADER + NONCE, data.length)) return true; // forged
    window.note(sequence);
    heard.set(transport, performance.now());
    if (connection.nominated) connection.nominated.bytesReceived += data.length;
    transport.dataReceiver(data.subarray(HEADER + NONCE, HEADER + NONCE + plain));
    return true;
  };
  for (const protocol of connection.protocols ?? []) taps.set(protocol, tap);
}

/** Makes records of one connection, in one buffer, and sends them. */
function recordWriter(
  dtls: DtlsSocket,
  connection: DatagramPath,
  seal: GcmSealer,
  salt: Bytes,
): (type: number, data: Uint8Array) => Promise<void> {
  const record = new Uint8Array(LONGEST + HEADER + NONCE + GCM_TAG_BYTES);
  const view = new DataView(record.buffer);
  const additional = new Uint8Array(HEADER), nonce = new Uint8Array(12);
  nonce.set(salt);
  return (type, data) => {
    const sequence = ++dtls.dtls.recordSequenceNumber;
    record[0] = type;
    record[1] = VERSION_MAJOR;
    record[2] = VERSION_MINOR;
    view.setUint16(3, dtls.dtls.epoch);
    view.setUint16(5, Math.floor(sequence / 2 ** 32));
    view.setUint32(7, sequence >>> 0);
    view.setUint16(11, NONCE + data.length + GCM_TAG_BYTES);
    // The explicit nonce is the epoch and sequence number: never the same twice with one key.
    record.copyWithin(HEADER, 3, 11);
    nonce.set(record.subarray(3, 11), 4);
    additional.set(record.subarray(3, 11));
    writeTail(additional, type, data.length);
    const start = HEADER + NONCE, end = start + data.length;
    record.set(data, start);
    if (!seal(nonce, additional, record, start, end)) return done; // closed meanwhile
    return sendDatagram(connection, record.subarray(0, end + GCM_TAG_BYTES));
  };
}

/** The rest of the additional data (RFC 5246 section 6.2.3.3) behind epoch and sequence number. */
function writeTail(additional: Bytes, type: number, plainLength: number): void {
  additional[8] = type;
  additional[9] = VERSION_MAJOR;
  additional[10] = VERSION_MINOR;
  additional[11] = plainLength >> 8;
  additional[12] = plainLength & 255;
}

function readKeys(
  dtls: DtlsSocket,
): { localKey: Bytes; localSalt: Bytes; remoteKey: Bytes; remoteSalt: Bytes } | null {
  const cipher = dtls.cipher.cipher;
  if (cipher?.blockAlgorithm !== "aes-128-gcm" || cipher.nonceImplicitLength !== 4) return null;
  const { clientWriteKey, serverWriteKey, clientNonce, serverNonce } = cipher;
  if (!clientWriteKey || !serverWriteKey || !clientNonce || !serverNonce) return null;
  const client = { key: clientWriteKey.slice(), salt: clientNonce.slice(0, 4) };
  const server = { key: serverWriteKey.slice(), salt: serverNonce.slice(0, 4) };
  const [local, remote] = dtls.sessionType === SESSION_CLIENT ? [client, server] : [server, client];
  return {
    localKey: new Uint8Array(local.key),
    localSalt: new Uint8Array(local.salt),
    remoteKey: new Uint8Array(remote.key),
    remoteSalt: new Uint8Array(remote.salt),
  };
}
