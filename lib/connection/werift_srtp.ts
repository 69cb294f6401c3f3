/**
 * SRTP for what a werift connection sends (RFC 3711 with AES_CM_128_HMAC_SHA1_80, RFC 7714 with
 * AEAD_AES_128_GCM), by libcrypto and in place. Keys and rollover counters are werift's own, so that a
 * retransmission that goes werift's way fits in.
 */
import type { CtrCipher, GcmSealer, Hmac, PacketCrypto } from "../../ffi/crypto.ts";
import { packetCrypto } from "./werift_records.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What of werift's insides is touched here. */
interface SrtpContext {
  profile: number;
  srtpSessionKey: Uint8Array;
  srtpSessionSalt: Uint8Array;
  srtpSessionAuthTag: Uint8Array;
  getSrtpSsrcState(ssrc: number): { rolloverCounter: number };
  updateRolloverCount(sequence: number, state: { rolloverCounter: number }): void;
}

// RFC 5764 section 4.1.2 and RFC 7714 section 14.2
const AES_CM_HMAC_SHA1_80 = 1, AEAD_AES_128_GCM = 7;
const SHA1_TAG = 10, GCM_TAG = 16;

/** The longest packet that is protected here, with its tag. */
export const LONGEST_PACKET = 1_500;
/** Bytes that protecting adds at most. */
export const LONGEST_TAG: number = GCM_TAG;

const protectors = new WeakMap<object, SrtpProtector | null>();

/** The protector of a connected transport; `null` if it has none yet, or werift's way must be taken. */
export function srtpProtector(
  transport: object & { srtp?: { localContext?: unknown } },
): SrtpProtector | null {
  const known = protectors.get(transport);
  if (known !== undefined) return known;
  const crypto = packetCrypto(transport);
  const context = transport.srtp?.localContext as SrtpContext | undefined;
  if (!crypto || !context) return null; // not yet, or never
  const fits = context.srtpSessionKey?.length === 16 && context.srtpSessionSalt?.length >= 12 &&
    typeof context.getSrtpSsrcState === "function" &&
    typeof context.updateRolloverCount === "function" &&
    (context.profile === AEAD_AES_128_GCM ||
      context.profile === AES_CM_HMAC_SHA1_80 && context.srtpSessionAuthTag?.length === 20);
  const protector = fits ? new SrtpProtector(context, crypto) : null;
  protectors.set(transport, protector);
  return protector;
}

/** SRTP for what one transport sends, in one buffer for all its packets. */
export class SrtpProtector {
  /** Where a packet is made: its header and payload are written here before. */
  readonly packet: Bytes = new Uint8Array(LONGEST_PACKET);
  /** The same bytes. */
  readonly view: DataView = new DataView(this.packet.buffer);
  readonly #context: SrtpContext;
  readonly #gcm: GcmSealer | null = null;
  readonly #ctr: CtrCipher | null = null;
  readonly #hmac: Hmac | null = null;
  readonly #nonce: Bytes;
  readonly #nonceView: DataView;
  readonly #salt: DataView;
  readonly #rollover: Bytes = new Uint8Array(4);

  constructor(context: SrtpContext, crypto: PacketCrypto) {
    this.#context = context;
    const key = new Uint8Array(context.srtpSessionKey);
    const salt = new Uint8Array(16);
    if (context.profile === AEAD_AES_128_GCM) {
      this.#gcm = crypto.gcmSealer(key);
      salt.set(context.srtpSessionSalt.subarray(0, 12));
    } else {
      this.#ctr = crypto.ctr(key);
      this.#hmac = crypto.hmacSha1(new Uint8Array(context.srtpSessionAuthTag));
      salt.set(context.srtpSessionSalt.subarray(0, 14));
    }
    this.#salt = new DataView(salt.buffer);
    this.#nonce = new Uint8Array(this.#gcm ? 12 : 16);
    this.#nonceView = new DataView(this.#nonce.buffer);
  }

  /**
   * Protects `packet[0, end)` in place, whose payload begins at `start`.
   *
   * @returns where the protected packet ends; 0 if it cannot be sent
   */
  protect(ssrc: number, sequence: number, start: number, end: number): number {
    const state = this.#context.getSrtpSsrcState(ssrc);
    this.#context.updateRolloverCount(sequence, state);
    const rollover = state.rolloverCounter, nonce = this.#nonceView, salt = this.#salt;
    if (this.#gcm) {
      // RFC 7714 section 8.1: two zero bytes, SSRC, rollover counter, sequence number; xor salt
      nonce.setUint16(0, salt.getUint16(0));
      nonce.setUint32(2, (ssrc ^ salt.getUint32(2)) >>> 0);
      nonce.setUint32(6, (rollover ^ salt.getUint32(6)) >>> 0);
      nonce.setUint16(10, sequence ^ salt.getUint16(10));
      const head = this.packet.subarray(0, start);
      return this.#gcm(this.#nonce, head, this.packet, start, end) ? end + GCM_TAG : 0;
    }
    // RFC 3711 section 4.1.1: salt * 2^16 xor SSRC * 2^64 xor index * 2^16
    nonce.setUint32(0, salt.getUint32(0));
    nonce.setUint32(4, (ssrc ^ salt.getUint32(4)) >>> 0);
    nonce.setUint32(8, (rollover ^ salt.getUint32(8)) >>> 0);
    nonce.setUint16(12, sequence ^ salt.getUint16(12));
    nonce.setUint16(14, 0);
    if (!this.#ctr?.(this.#nonce, this.packet, start, end)) return 0;
    // Section 4.2: the code covers the packet and the rollover counter, 80 bits of it are sent.
    new DataView(this.#rollover.buffer).setUint32(0, rollover);
    const code = this.#hmac?.(this.packet.subarray(0, end), this.#rollover);
    if (!code) return 0;
    this.packet.set(code.subarray(0, SHA1_TAG), end);
    return end + SHA1_TAG;
  }
}
