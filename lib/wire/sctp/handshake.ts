/**
 * How two ends become an association: INIT, INIT ACK, COOKIE ECHO, COOKIE ACK (RFC 9260, section 5.1). Both
 * may begin at the same time (section 5.2): each answers the other's INIT with the tag and TSN of its own, and
 * whichever cookie comes back first settles it.
 *
 * The cookie is a random number that stands for what this object remembers: over DTLS there is one peer, which
 * has proved who it is, so nothing needs to be signed.
 */
import { CHUNK, makeChunk } from "./chunks.ts";
import { type InitFields, makeInit, type PeerInit, readInit } from "./init.ts";
import type { PacketReader } from "./packet.ts";
import type { RtoOptions } from "./rto.ts";
import { Rto } from "./rto.ts";

/** A chunk that travels alone, and the tag it needs. */
export interface LoneChunk {
  readonly tag: number;
  readonly chunk: Uint8Array<ArrayBuffer>;
}

/** Sends and hears the four chunks of the beginning. */
export class Handshake {
  /** What we say of ourselves, in INIT and INIT ACK alike. */
  readonly own: InitFields;
  readonly #random32: () => number;
  readonly #rto: Rto;
  #asking: LoneChunk | null = null;
  #askingDue = false;
  #reply: LoneChunk | null = null;
  #phase: "idle" | "waitsForCookie" | "echoed" | "done" = "idle";
  /** Who answered our INIT. */
  #answerer: PeerInit | null = null;
  /** Who sent us an INIT, and the cookie given for it. */
  #caller: PeerInit | null = null;
  #cookie: Uint8Array | null = null;
  /** When to ask again. */
  retryAtMs: number | null = null;
  /** Time-outs in a row. */
  failures = 0;

  /** @param window bytes that we take */
  constructor(random32: () => number, window: number, rto: RtoOptions) {
    this.#random32 = random32;
    this.#rto = new Rto(rto);
    const tag = random32() >>> 0;
    this.own = { tag: tag === 0 ? 1 : tag, window, initialTsn: random32() >>> 0 };
  }

  /** Whose tag a reflected ABORT carries, if anybody is known. */
  get peerTag(): number | null {
    return (this.#answerer ?? this.#caller)?.tag ?? null;
  }

  /** Asks for an association. */
  begin(nowMs: number): void {
    this.#phase = "waitsForCookie";
    this.#ask({ tag: 0, chunk: makeInit(this.own, null) }, nowMs);
  }

  /** The chunk that is to be sent now, in a packet of its own. */
  nextChunk(): LoneChunk | null {
    const reply = this.#reply;
    this.#reply = null;
    if (reply !== null) return reply;
    if (!this.#askingDue) return null;
    this.#askingDue = false;
    return this.#asking;
  }

  /** T1-init and T1-cookie (section 5.1). */
  handleTimeout(nowMs: number): void {
    if (this.retryAtMs === null || this.retryAtMs > nowMs) return;
    this.failures++;
    this.#rto.backOff();
    this.retryAtMs = nowMs + this.#rto.currentMs;
    this.#askingDue = true;
  }

  /** The peer's INIT is at hand: promise it an association. */
  init(reader: PacketReader): void {
    // An association cannot be begun again under the same DTLS, so a late INIT is an echo of the past.
    if (this.#phase === "done") return;
    const peer = readInit(reader);
    if (this.#cookie === null || peer.tag !== this.#caller?.tag) {
      this.#cookie = new Uint8Array(8);
      const view = new DataView(this.#cookie.buffer);
      view.setUint32(0, this.#random32());
      view.setUint32(4, this.#random32());
    }
    this.#caller = peer;
    const { unrecognized } = peer;
    const chunk = makeInit(this.own, { cookie: this.#cookie, unrecognized });
    this.#reply = { tag: peer.tag, chunk };
  }

  /** The answer to our INIT is at hand: give the cookie back. */
  initAck(reader: PacketReader, nowMs: number): void {
    if (this.#phase !== "waitsForCookie") return;
    const peer = readInit(reader);
    if (peer.cookie === null) return; // section 3.3.3: worthless; T1 asks again
    this.#answerer = peer;
    this.#phase = "echoed";
    this.#ask({ tag: peer.tag, chunk: makeChunk(CHUNK.cookieEcho, 0, peer.cookie) }, nowMs);
  }

  /** The peer gives a cookie back. Returns whose it is, `null` when it is not one of ours. */
  cookieEcho(cookie: Uint8Array): PeerInit | null {
    const own = this.#cookie;
    if (own === null || cookie.length !== own.length) return null;
    for (let i = 0; i < own.length; i++) if (own[i] !== cookie[i]) return null;
    return this.#finish(this.#caller!);
  }

  /** The peer took our cookie, or sent what it can only send after it. Returns who that is. */
  cookieAck(): PeerInit | null {
    return this.#phase === "echoed" ? this.#finish(this.#answerer!) : null;
  }

  #finish(peer: PeerInit): PeerInit {
    this.#phase = "done";
    this.#asking = this.#reply = null;
    this.#askingDue = false;
    this.retryAtMs = null;
    this.failures = 0;
    return peer;
  }

  #ask(asking: LoneChunk, nowMs: number): void {
    this.#asking = asking;
    this.#askingDue = true;
    this.failures = 0;
    this.retryAtMs = nowMs + this.#rto.currentMs;
  }
}
