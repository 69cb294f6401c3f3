/**
 * The sending half of an association: messages in, chunks of user data out, as fast as the path and the peer
 * take them.
 *
 * Three clocks guard what is under way. SACKs that report gaps find most losses. When nothing came back for
 * two round trips (at least 60 ms) the last reliable chunk is sent again with the wish to be acknowledged at
 * once: so the last command before a pause is repaired without waiting for the time-out, as TCP's tail loss
 * probe does (RFC 8985, section 7). Last comes T3-rtx (RFC 9260, section 6.3.3).
 */
import { CHUNK, DATA_FLAG, DATA_HEADER_BYTES, forwardTsnBytes } from "./chunks.ts";
import { writeData, writeForwardTsn } from "./chunks.ts";
import { Congestion } from "./congestion.ts";
import { Flight } from "./flight.ts";
import { COMMON_HEADER_BYTES, type PacketReader, type PacketWriter, padded } from "./packet.ts";
import { Rto, type RtoOptions } from "./rto.ts";
import { SendQueue } from "./send_queue.ts";
import { tsnAdd } from "./serial.ts";

const PROBE_MIN_MS = 60;
const REORDER_MIN_MS = 20;
/**
 * Packets that may leave without hearing of one that arrived: a kernel's buffer holds about 90. Each packet
 * that arrived allows two more.
 */
const MAX_BURST_PACKETS = 48;
/** In a packet with little room, no fragment smaller than this is begun. */
const MIN_FRAGMENT_BYTES = 256;

/** Sends DATA and FORWARD TSN chunks, hears SACKs. */
export class Outbound {
  readonly queue: SendQueue = new SendQueue();
  readonly rto: Rto;
  readonly #flight: Flight;
  readonly #congestion: Congestion;
  readonly #maxPacketBytes: number;
  readonly #maxUserBytes: number;
  #peerWindow = 0;
  #burst = MAX_BURST_PACKETS;
  /** One packet of lost chunks goes whatever the windows say, so that something comes back. */
  #mustSend = false;
  #timeoutAtMs: number | null = null;
  #probeAtMs: number | null = null;
  #forwardDue = false;
  #forwardedTsn: number;
  #forwardedAtMs = 0;
  /** Time-outs in a row. */
  failures = 0;

  /** @param initialTsn the number of the first chunk @param maxPacketBytes the largest packet */
  constructor(initialTsn: number, maxPacketBytes: number, rto: RtoOptions) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#maxUserBytes = maxPacketBytes - COMMON_HEADER_BYTES - DATA_HEADER_BYTES;
    this.rto = new Rto(rto);
    this.#congestion = new Congestion(maxPacketBytes);
    this.#flight = new Flight(initialTsn, (message) => this.queue.drop(message));
    this.#forwardedTsn = this.#flight.cumulativeTsn;
  }

  /** Tells what the peer said in its INIT. */
  begin(peerWindow: number, mayAbandon: boolean): void {
    this.#peerWindow = peerWindow;
    this.#flight.mayAbandon = mayAbandon;
  }

  /** The TSN of the next new chunk. */
  get nextTsn(): number {
    return this.#flight.nextTsn;
  }

  /** Whether everything was sent and acknowledged. */
  get isIdle(): boolean {
    return this.#flight.isEmpty && !this.queue.isReady;
  }

  /** When `handleTimeout` is to be called. */
  get timeoutAtMs(): number | null {
    if (this.#probeAtMs !== null && this.#timeoutAtMs !== null) {
      return Math.min(this.#probeAtMs, this.#timeoutAtMs);
    }
    return this.#timeoutAtMs;
  }

  /** Takes the SACK at hand, or what a SHUTDOWN acknowledges. */
  sack(reader: PacketReader, nowMs: number): void {
    const isSack = reader.type === CHUNK.sack;
    reader.need(isSack ? 12 : 4);
    const flight = this.#flight;
    const wasFull = flight.bytes + this.#maxPacketBytes > this.#congestion.window;
    const result = flight.sack(reader, nowMs, Math.max(this.rto.smoothedMs, REORDER_MIN_MS));
    if (result === null) return;
    if (isSack) this.#peerWindow = reader.view.getUint32(reader.start + 4);
    if (this.#peerWindow === 0) this.failures = 0; // it lives, and waits for its reader (section 6.1, A)
    if (result.roundTripMs >= 0) this.rto.measure(result.roundTripMs);
    if (result.ackedBytes > 0) {
      this.failures = 0;
      this.#burst += 2 * Math.ceil(result.ackedBytes / this.#maxPacketBytes);
      this.#congestion.acknowledged(result.ackedBytes, flight.cumulativeTsn, wasFull);
    }
    if (result.lost) {
      if (!this.#congestion.recovering) this.#mustSend = true; // section 7.2.4, rule 3
      this.#congestion.lost(tsnAdd(flight.nextTsn, -1));
    }
    if (flight.isEmpty) {
      this.#timeoutAtMs = this.#probeAtMs = null;
    } else if (result.advanced || result.ackedBytes > 0) {
      this.#arm(nowMs);
    }
    if (result.lost || result.advanced || nowMs - this.#forwardedAtMs > this.rto.smoothedMs) {
      this.#checkForward(nowMs);
    }
  }

  /** Whether `fill` would write user data now. */
  get hasDataToSend(): boolean {
    return this.#forwardDue || this.#maySendLost() || this.#maySendNew();
  }

  /** There is no more to send now: what a long silence allowed does not add up. */
  rest(): void {
    if (this.#flight.isEmpty || this.#burst > MAX_BURST_PACKETS) this.#burst = MAX_BURST_PACKETS;
  }

  /** Writes what is due into the packet. */
  fill(out: PacketWriter, nowMs: number): void {
    const flight = this.#flight;
    if (this.#forwardDue) this.#writeForward(out, nowMs);
    let wrote = false;
    while (this.#maySendLost()) {
      const chunk = flight.nextLost()!;
      if (out.room < padded(chunk.length + DATA_HEADER_BYTES)) break;
      flight.resent(chunk, nowMs);
      writeData(out, chunk, chunk.message);
      wrote = true;
    }
    while (this.#maySendNew()) {
      const message = this.queue.peek()!;
      const room = out.room - DATA_HEADER_BYTES;
      const left = message.data.length - message.sent;
      if (left > room) {
        // What fits into a packet of its own is not cut.
        if (!out.isEmpty && (left <= this.#maxUserBytes || room < MIN_FRAGMENT_BYTES)) break;
        if (room < 1) break;
      }
      const length = Math.min(left, room);
      const flags = (message.sent === 0 ? DATA_FLAG.begin : 0) |
        (length === left ? DATA_FLAG.end : 0) | (message.ordered ? 0 : DATA_FLAG.unordered);
      const chunk = flight.add(message, length, flags, nowMs);
      this.queue.took(message, length);
      writeData(out, chunk, message);
      wrote = true;
    }
    if (!wrote) return;
    this.#mustSend = false;
    this.#burst--;
    if (this.#timeoutAtMs === null) this.#arm(nowMs);
    else if (this.#probeAtMs !== null) this.#probeAtMs = nowMs + this.#probeMs();
  }

  /** Does what the clock asks for. */
  handleTimeout(nowMs: number): void {
    if (this.#probeAtMs !== null && this.#probeAtMs <= nowMs) {
      this.#probeAtMs = null;
      if (this.#flight.probe()) this.#mustSend = true;
    }
    if (this.#timeoutAtMs === null || this.#timeoutAtMs > nowMs) return;
    const waitsForReader = this.#peerWindow === 0;
    this.failures++;
    this.#flight.timedOut(this.failures > 1);
    if (!waitsForReader) this.#congestion.timedOut();
    this.#burst = MAX_BURST_PACKETS;
    this.rto.backOff();
    this.#probeAtMs = null;
    this.#timeoutAtMs = nowMs + this.rto.currentMs;
    this.#forwardedTsn = this.#flight.cumulativeTsn; // say it again: it may have been lost
    this.#checkForward(nowMs);
  }

  #maySendLost(): boolean {
    const flight = this.#flight;
    if (!flight.hasLost) return false;
    if (this.#mustSend || flight.count === 0) return true;
    return this.#burst > 0 && flight.bytes < this.#congestion.window;
  }

  #maySendNew(): boolean {
    const flight = this.#flight;
    if (flight.hasLost || !this.queue.isReady) return false;
    if (flight.count === 0 && flight.isEmpty) return true; // one is always allowed (section 6.1, A)
    return this.#burst > 0 && flight.bytes < this.#congestion.window &&
      flight.userBytes + this.#maxUserBytes <= this.#peerWindow;
  }

  #arm(nowMs: number): void {
    this.#timeoutAtMs = nowMs + this.rto.currentMs;
    this.#probeAtMs = nowMs + this.#probeMs();
  }

  #probeMs(): number {
    return this.rto.smoothedMs === 0
      ? this.rto.currentMs / 2
      : Math.max(PROBE_MIN_MS, 2 * this.rto.smoothedMs);
  }

  #checkForward(nowMs: number): void {
    const forward = this.#flight.forward();
    if (forward === null) return;
    if (forward.tsn !== this.#forwardedTsn || nowMs - this.#forwardedAtMs > this.rto.smoothedMs) {
      this.#forwardDue = true;
    }
  }

  #writeForward(out: PacketWriter, nowMs: number): void {
    const forward = this.#flight.forward();
    if (forward !== null) {
      if (out.room < forwardTsnBytes(forward.skipped.size)) return;
      writeForwardTsn(out, forward);
      this.#forwardedTsn = forward.tsn;
      this.#forwardedAtMs = nowMs;
      if (this.#timeoutAtMs === null) this.#arm(nowMs);
    }
    this.#forwardDue = false;
  }
}
