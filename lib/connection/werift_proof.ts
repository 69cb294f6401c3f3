/**
 * Proof that the peer owns the certificate whose fingerprint was signalled.
 *
 * werift 0.25.2 compares fingerprints, and reads but never checks what proves the rest: the signatures
 * (RFC 5246 sections 7.4.3 and 7.4.8) and the codes over the whole handshake (section 7.4.9). A
 * certificate is public, so anyone between the two ends could show the right one and read along.
 */
import { Buffer } from "node:buffer";
import { constants, createHash, createHmac, verify, X509Certificate } from "node:crypto";

/** A handshake message of werift's, whole and in its turn. */
export interface HandshakeMessage {
  readonly msg_type: number;
  readonly fragment: Uint8Array;
}

/** What is asked of werift's DTLS socket. */
export interface HandshakeState {
  sessionType: number;
  cipher: {
    localRandom?: { serialize(): Uint8Array };
    remoteRandom?: { serialize(): Uint8Array };
    masterSecret?: Uint8Array;
  };
  dtls: { sortedHandshakeCache: { serialize(): Uint8Array }[] };
}

const SESSION_CLIENT = 1; // werift's SessionType
// RFC 5246 section 7.4
const CERTIFICATE = 11, SERVER_KEY_EXCHANGE = 12, CERTIFICATE_VERIFY = 15, FINISHED = 20;
const VERIFY_DATA = 12; // section 7.4.9

/** RFC 5246 section 7.4.1.4.1, and RFC 8446 section 4.2.3 for 8: hash and signature in two bytes. */
const SCHEMES: Readonly<Record<number, { hash: string; pss?: number }>> = {
  0x0403: { hash: "sha256" },
  0x0503: { hash: "sha384" },
  0x0603: { hash: "sha512" },
  0x0401: { hash: "sha256" },
  0x0501: { hash: "sha384" },
  0x0601: { hash: "sha512" },
  0x0804: { hash: "sha256", pss: 32 },
  0x0805: { hash: "sha384", pss: 48 },
  0x0806: { hash: "sha512", pss: 64 },
};

/**
 * Makes the check for one handshake; it is called with each message before werift works it off.
 *
 * The check throws what is wrong, and the handshake must then not go on.
 */
export function handshakeProof(dtls: HandshakeState): (message: HandshakeMessage) => void {
  const client = dtls.sessionType === SESSION_CLIENT;
  let certificate: X509Certificate | null = null;
  let proved = false;

  const checkSignature = (signed: Uint8Array, fragment: Buffer, at: number): void => {
    const scheme = SCHEMES[fragment.readUInt16BE(at)];
    const length = fragment.readUInt16BE(at + 2);
    const signature = fragment.subarray(at + 4, at + 4 + length);
    if (!certificate) throw refused("it signed before it showed its certificate");
    if (!scheme) throw refused("it signs in a way that was not offered");
    const key = scheme.pss === undefined ? certificate.publicKey : {
      key: certificate.publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: scheme.pss,
    };
    if (signature.length !== length || !verify(scheme.hash, signed, key, signature)) {
      throw refused("its signature is not that of its certificate");
    }
    proved = true;
  };

  return ({ msg_type: type, fragment: bytes }) => {
    const fragment = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (type === CERTIFICATE) {
      // Section 7.4.2: length of the list (3), length of the first certificate (3), DER
      const length = fragment.readUIntBE(3, 3);
      certificate = new X509Certificate(fragment.subarray(6, 6 + length));
      proved = false;
    } else if (type === SERVER_KEY_EXCHANGE && client) {
      // RFC 8422 section 5.4: curve type (1), curve (2), length (1), point; then scheme and signature
      const { localRandom, remoteRandom } = dtls.cipher;
      if (!localRandom || !remoteRandom) throw refused("its key came before its greeting");
      const end = 4 + (fragment[3] ?? 0);
      const parts = [localRandom.serialize(), remoteRandom.serialize(), fragment.subarray(0, end)];
      checkSignature(Buffer.concat(parts), fragment, end);
    } else if (type === CERTIFICATE_VERIFY && !client) {
      checkSignature(transcript(dtls), fragment, 0);
    } else if (type === FINISHED) {
      if (!proved) throw refused("it did not prove that its certificate is its own");
      const label = client ? "server finished" : "client finished";
      if (!fragment.subarray(0, VERIFY_DATA).equals(verifyData(dtls, label))) {
        throw refused("the two ends did not see the same handshake");
      }
    }
  };
}

/** All messages so far, each as if it had come in one piece (RFC 6347 section 4.2.6). */
function transcript(dtls: HandshakeState): Buffer {
  return Buffer.concat(dtls.dtls.sortedHandshakeCache.map((message) => message.serialize()));
}

/** PRF(master secret, label, hash of all messages), section 5: the first 12 bytes, one round is 32. */
function verifyData(dtls: HandshakeState, label: string): Buffer {
  const { masterSecret } = dtls.cipher;
  if (!masterSecret) throw refused("it finished before there was a key");
  const digest = createHash("sha256").update(transcript(dtls)).digest();
  const seed = Buffer.concat([Buffer.from(label), digest]);
  const a1 = createHmac("sha256", masterSecret).update(seed).digest();
  return createHmac("sha256", masterSecret).update(a1).update(seed).digest()
    .subarray(0, VERIFY_DATA);
}

function refused(why: string): Error {
  return new Error(`Cannot trust the other end: ${why}; somebody may stand between, connect anew`);
}
