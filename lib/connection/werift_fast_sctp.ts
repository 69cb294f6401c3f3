/**
 * The busy half of werift's SCTP association (RFC 9260), done again: sending and receiving DATA and
 * SACK chunks. Setting up, closing, resetting streams, timers and congestion control stay werift's.
 *
 * What was slow: each message that waits wakes at each packet, so a queue of n messages costs n² ; a
 * promise for each chunk; all numbers received are sorted as text for each packet; the flight is gone
 * through at each acknowledgement; one SACK for each packet, never together with data.
 *
 * What was wrong: `maxRetransmits: 0` meant "for ever", and giving a message up gave up the oldest one
 * instead (RFC 3758 section 3.5); unordered numbers were compared as text.
 */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";

// RFC 9260 section 3.3.1 and 3.3.4
const DATA = 0, SACK = 3, LAST = 1, FIRST = 2, UNORDERED = 4;
const COMMON_HEADER = 12, DATA_HEADER = 16, SACK_HEADER = 16;
const ESTABLISHED = 4; // werift's SCTP_STATE

/** At most so many packets wait for their acknowledgement while a burst is being read. */
const PACKETS_A_SACK = 8;
/** So much is sent in one go beyond what is on its way, as in werift (RFC 9260 section 6.1, Max.Burst). */
const BURST = 4, BURST_IN_RECOVERY = 2;
/** A SACK must fit a packet; what does not fit is told by the next one. */
const MAX_GAPS = 120, MAX_DUPLICATES = 32;
/** Gap blocks count in 16 bits from the cumulative number. */
const MAX_DISTANCE = 0xffff;

/** A DATA chunk on its way out; the names are those that werift's timers and SACK handling use. */
class OutChunk {
  readonly type = DATA;
  flags = 0;
  tsn = 0;
  streamId = 0;
  streamSeqNum = 0;
  protocol = 0;
  userData: Uint8Array = new Uint8Array(0);
  abandoned = false;
  acked = false;
  misses = 0;
  retransmit = false;
  sentCount = 0;
  bookSize = 0;
  expiry: number | undefined;
  maxRetransmits: number | undefined;
  sentTime: number | undefined;
}

interface InChunk {
  type: number;
  flags: number;
  tsn: number;
  streamId: number;
  streamSeqNum: number;
  protocol: number;
  userData: Buffer;
}
interface InboundStream {
  reassembly: InChunk[];
  streamSequenceNumber: number;
  addChunk(chunk: InChunk): void;
  popMessages(): Iterable<[number, number, Buffer]>;
}
interface SackChunk {
  cumulativeTsn: number;
  advertisedRwnd: number;
  gaps: [number, number][];
  duplicates: number[];
}
interface ForwardTsnChunk {
  cumulativeTsn: number;
  streams: [number, number][];
}
interface SendOptions {
  expiry?: number | undefined;
  maxRetransmits?: number | undefined;
  ordered?: boolean;
}

/** What of werift's association is touched here. */
interface Sctp {
  flush: { execute(): void };
  isStopped: boolean;
  associationState: number;
  state: string;
  localPort: number;
  remotePort: number | undefined;
  localVerificationTag: number;
  remoteVerificationTag: number;
  maxPayloadSize: number;
  advertisedRwnd: number;
  peerRwnd: number;
  lastReceivedTsn: number | undefined;
  sackNeeded: boolean;
  sackDuplicates: number[];
  sackMisOrdered: Set<number>;
  cwnd: number;
  fastRecoveryExit: number | undefined;
  fastRecoveryTransmit: boolean;
  forwardTsnChunk: ForwardTsnChunk | undefined;
  lastSackedTsn: number;
  flightSize: number;
  localTsn: number;
  outboundQueue: OutChunk[];
  outboundStreamSeq: Record<number, number>;
  sentQueue: OutChunk[];
  timer3Handle: unknown;
  transport: { send(packet: Buffer): Promise<void> };
  handleData(data: Buffer): Promise<void>;
  scheduleSack(): Promise<void>;
  sendSack(): Promise<void>;
  receiveSackChunk(chunk: SackChunk): Promise<void>;
  getInboundStream(streamId: number): InboundStream;
  receive(streamId: number, ppid: number, data: Buffer): void;
  maybeAbandon(chunk: OutChunk): boolean;
  transmit(): Promise<void>;
  sendChunk(chunk: unknown): Promise<void>;
  timer3Start(): void;
  timer3Restart(): void;
  send: (id: number, ppid: number, data: Uint8Array, options?: SendOptions) => Promise<void>;
}

const METHODS = [
  "handleData",
  "scheduleSack",
  "sendSack",
  "receiveSackChunk",
  "getInboundStream",
  "receive",
  "maybeAbandon",
  "transmit",
  "sendChunk",
  "timer3Start",
  "timer3Restart",
  "send",
] as const;

const buffered = new WeakMap<object, Map<number, number>>();

/**
 * Bytes of a stream that were given to `send` and have not left for the first time. Zero for an
 * association that {@linkcode quickenSctp} did not take.
 */
export function bufferedBytes(sctp: object, streamId: number): number {
  return buffered.get(sctp)?.get(streamId) ?? 0;
}

/**
 * Takes over one association, before or after it stands.
 *
 * @returns false, and nothing is changed, if this is not the association that was expected
 */
export function quickenSctp(werift: typeof Werift, association: object): boolean {
  const sctp = association as Sctp;
  if (buffered.has(association)) return true;
  if (METHODS.some((name) => typeof sctp[name] !== "function")) return false;
  if (!(sctp.sackMisOrdered instanceof Set) || !Array.isArray(sctp.outboundQueue)) return false;
  if (typeof werift.crc32c !== "function" || !(sctp.maxPayloadSize > 0)) return false;
  const waiting = new Map<number, number>();
  buffered.set(association, waiting);
  const writer = new PacketWriter(sctp, werift.crc32c);
  takeOverSending(sctp, writer, waiting);
  takeOverReceiving(sctp, writer);
  return true;
}

const done = Promise.resolve();

/** Makes packets of chunks, in one buffer: who sends it does not keep it (DTLS seals a copy at once). */
class PacketWriter {
  readonly #sctp: Sctp;
  readonly #crc: (data: Buffer) => number;
  readonly #packet: Buffer;

  constructor(sctp: Sctp, crc: (data: Buffer) => number) {
    this.#sctp = sctp;
    this.#crc = crc;
    this.#packet = Buffer.alloc(
      COMMON_HEADER + SACK_HEADER + DATA_HEADER + sctp.maxPayloadSize + 4,
    );
  }

  /** A DATA chunk, and a SACK before it when one is due and there is room. */
  data(chunk: OutChunk): Promise<void> {
    const sctp = this.#sctp, packet = this.#packet, size = chunk.userData.length;
    let at = COMMON_HEADER;
    const room = size + SACK_HEADER <= sctp.maxPayloadSize;
    if (sctp.sackNeeded && room && !sctp.sackMisOrdered.size && !sctp.sackDuplicates.length) {
      at = this.#sack(at, [], []);
      sctp.sackNeeded = false;
    }
    packet[at] = DATA;
    packet[at + 1] = chunk.flags;
    packet.writeUInt16BE(DATA_HEADER + size, at + 2);
    packet.writeUInt32BE(chunk.tsn, at + 4);
    packet.writeUInt16BE(chunk.streamId, at + 8);
    packet.writeUInt16BE(chunk.streamSeqNum, at + 10);
    packet.writeUInt32BE(chunk.protocol, at + 12);
    packet.set(chunk.userData, at + DATA_HEADER);
    const end = at + DATA_HEADER + size, padded = end + 3 & ~3;
    return this.#send(packet.fill(0, end, padded).subarray(0, padded));
  }

  sack(gaps: [number, number][], duplicates: number[]): Promise<void> {
    return this.#send(this.#packet.subarray(0, this.#sack(COMMON_HEADER, gaps, duplicates)));
  }

  #sack(start: number, gaps: [number, number][], duplicates: number[]): number {
    const packet = this.#packet, sctp = this.#sctp;
    packet[start] = SACK;
    packet[start + 1] = 0;
    packet.writeUInt16BE(SACK_HEADER + 4 * (gaps.length + duplicates.length), start + 2);
    packet.writeUInt32BE(sctp.lastReceivedTsn ?? 0, start + 4);
    packet.writeUInt32BE(Math.max(0, sctp.advertisedRwnd), start + 8);
    packet.writeUInt16BE(gaps.length, start + 12);
    packet.writeUInt16BE(duplicates.length, start + 14);
    let at = start + SACK_HEADER;
    for (const [from, to] of gaps) {
      packet.writeUInt16BE(from, at);
      packet.writeUInt16BE(to, at + 2);
      at += 4;
    }
    for (const tsn of duplicates) at = packet.writeUInt32BE(tsn, at);
    return at;
  }

  #send(packet: Buffer): Promise<void> {
    const sctp = this.#sctp;
    if (sctp.state === "closed" || sctp.remotePort === undefined) return done;
    packet.writeUInt16BE(sctp.localPort, 0);
    packet.writeUInt16BE(sctp.remotePort, 2);
    packet.writeUInt32BE(sctp.remoteVerificationTag, 4);
    packet.writeUInt32LE(0, 8);
    packet.writeUInt32LE(this.#crc(packet), 8);
    return sctp.transport.send(packet).catch(() => {}); // a packet that cannot leave is a lost one
  }
}

function takeOverSending(sctp: Sctp, writer: PacketWriter, waiting: Map<number, number>): void {
  const { sendChunk } = sctp;
  const wait = (chunk: OutChunk, sign: 1 | -1) => {
    const bytes = (waiting.get(chunk.streamId) ?? 0) + sign * chunk.bookSize;
    if (bytes > 0) waiting.set(chunk.streamId, bytes);
    else waiting.delete(chunk.streamId);
  };
  sctp.sendChunk = (chunk) =>
    chunk instanceof OutChunk ? writer.data(chunk) : sendChunk.call(sctp, chunk);

  sctp.send = (
    streamId,
    protocol,
    data,
    { expiry, maxRetransmits, ordered } = { ordered: true },
  ) => {
    const bytes = Buffer.from(data); // the caller may write over its own
    const size = sctp.maxPayloadSize,
      sequence = ordered ? sctp.outboundStreamSeq[streamId] ?? 0 : 0;
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = new OutChunk();
      chunk.userData = bytes.subarray(at, at + size);
      chunk.bookSize = chunk.userData.length;
      chunk.flags = (ordered ? 0 : UNORDERED) | (at === 0 ? FIRST : 0) |
        (at + size >= bytes.length ? LAST : 0);
      chunk.tsn = sctp.localTsn;
      sctp.localTsn = sctp.localTsn + 1 >>> 0;
      chunk.streamId = streamId;
      chunk.streamSeqNum = sequence;
      chunk.protocol = protocol;
      chunk.expiry = expiry;
      chunk.maxRetransmits = maxRetransmits;
      sctp.outboundQueue.push(chunk);
      wait(chunk, 1);
    }
    if (ordered) sctp.outboundStreamSeq[streamId] = sequence + 1 & 0xffff;
    return sctp.transmit();
  };

  let lossPossible = false; // some chunk of the flight may be marked to be sent again
  let skipped: ForwardTsnChunk | undefined; // the last one sent
  const { receiveSackChunk } = sctp;
  sctp.receiveSackChunk = (chunk) => {
    if (chunk.gaps.length > 0) lossPossible = true;
    // RFC 3758 section 3.5 C3: who still waits for what was given up has not heard of it.
    if (skipped && isAfter(skipped.cumulativeTsn, chunk.cumulativeTsn)) {
      sctp.forwardTsnChunk ??= skipped;
    }
    return receiveSackChunk.call(sctp, chunk);
  };

  let running = false, again = false;
  sctp.transmit = () => {
    if (sctp.isStopped || sctp.associationState !== ESTABLISHED) return done;
    again = true;
    if (running) return done; // whoever heard that there is room has sent something
    running = true;
    try {
      while (again) {
        again = false;
        transmit();
      }
    } finally {
      running = false;
    }
    return done;
  };
  function transmit(): void {
    if (sctp.forwardTsnChunk) {
      skipped = mergeSkips(sctp.forwardTsnChunk, skipped, sctp.lastSackedTsn);
      sctp.forwardTsnChunk = undefined;
      sctp.sendChunk(skipped).catch(() => {});
      if (!sctp.timer3Handle) sctp.timer3Start();
    }
    const burst = sctp.fastRecoveryExit === undefined ? BURST : BURST_IN_RECOVERY;
    const window = Math.min(sctp.flightSize + burst * sctp.maxPayloadSize, sctp.cwnd);
    if (!sctp.timer3Handle && sctp.sentQueue.length > 0) lossPossible = true; // it has run out
    if (lossPossible) lossPossible = !sendAgain(sctp, window);
    let moved = false;
    while (sctp.outboundQueue.length > 0 && sctp.flightSize < window) {
      const chunk = sctp.outboundQueue[0]!, room = sctp.peerRwnd;
      // RFC 9260 section 6.1 A: with nothing on its way, one chunk may go against a closed window.
      if (sctp.flightSize > 0 && (room <= 0 || chunk.bookSize > room)) break;
      sctp.outboundQueue.shift();
      wait(chunk, -1);
      moved = true;
      sctp.sentQueue.push(chunk);
      sctp.flightSize += chunk.bookSize;
      chunk.sentCount++;
      chunk.sentTime = Date.now() / 1_000;
      writer.data(chunk);
      if (!sctp.timer3Handle) sctp.timer3Start();
    }
    if (sctp.sentQueue.length > 0 && !sctp.timer3Handle) sctp.timer3Start();
    if (moved) sctp.flush.execute();
  }

  sctp.maybeAbandon = (chunk) => {
    if (chunk.abandoned) return true;
    const spent = chunk.maxRetransmits !== undefined && chunk.sentCount > chunk.maxRetransmits;
    const late = chunk.expiry !== undefined && chunk.expiry < Date.now() / 1_000;
    if (!spent && !late) return false;
    const sent = sctp.sentQueue, at = sent.indexOf(chunk);
    if (at < 0) return false;
    let first = at, last = at;
    while (first > 0 && !(sent[first]!.flags & FIRST)) first--;
    while (!(sent[last]!.flags & LAST)) {
      if (last + 1 === sent.length) {
        // The rest of the message has not left: its numbers are skipped like the others'.
        const next = sctp.outboundQueue.shift();
        if (!next) break;
        wait(next, -1);
        sent.push(next);
        next.bookSize = 0;
      }
      last++;
    }
    for (let i = first; i <= last; i++) {
      const given = sent[i]!;
      if (i !== at && !given.acked && !given.retransmit && !given.abandoned) {
        sctp.flightSize = Math.max(0, sctp.flightSize - given.bookSize);
      }
      given.abandoned = true;
      given.retransmit = false;
    }
    return true;
  };
}

/** Streams whose skipped messages the other end may not have heard of are named once more. */
function mergeSkips(
  chunk: ForwardTsnChunk,
  before: ForwardTsnChunk | undefined,
  acknowledged: number,
): ForwardTsnChunk {
  if (before && before !== chunk && isAfter(before.cumulativeTsn, acknowledged)) {
    const streams = new Map([...before.streams, ...chunk.streams]);
    chunk.streams = [...streams].slice(-MAX_GAPS);
  }
  return chunk;
}

/** Whether number a comes after b (RFC 1982). */
function isAfter(a: number, b: number): boolean {
  const distance = a - b >>> 0;
  return distance > 0 && distance < 2 ** 31;
}

/** @returns whether all chunks that were marked have been sent again */
function sendAgain(sctp: Sctp, window: number): boolean {
  let earliest = true;
  for (const chunk of sctp.sentQueue) {
    if (chunk.retransmit) {
      if (sctp.fastRecoveryTransmit) sctp.fastRecoveryTransmit = false;
      else if (sctp.flightSize >= window) return false;
      sctp.flightSize += chunk.bookSize;
      chunk.misses = 0;
      chunk.retransmit = false;
      chunk.sentCount++;
      sctp.sendChunk(chunk).catch(() => {});
      if (earliest) sctp.timer3Restart();
    }
    earliest = false;
  }
  return true;
}

function takeOverReceiving(sctp: Sctp, writer: PacketWriter): void {
  const { handleData } = sctp;
  let unacknowledged = 0, soon: NodeJS.Immediate | undefined;

  sctp.sendSack = () => {
    clearImmediate(soon);
    soon = undefined;
    unacknowledged = 0;
    if (!sctp.sackNeeded || sctp.isStopped || sctp.lastReceivedTsn === undefined) return done;
    sctp.sackNeeded = false;
    const duplicates = sctp.sackDuplicates.splice(0).slice(0, MAX_DUPLICATES);
    return writer.sack(gapBlocks(sctp.sackMisOrdered, sctp.lastReceivedTsn), duplicates);
  };
  // One SACK for what came in together, and with the answer if there is one (RFC 9260 section 6.2).
  sctp.scheduleSack = () => {
    if (!sctp.sackNeeded || sctp.isStopped) return done;
    const urgent = sctp.sackMisOrdered.size > 0 || sctp.sackDuplicates.length > 0;
    if (urgent || ++unacknowledged >= PACKETS_A_SACK) return sctp.sendSack();
    soon ??= setImmediate(() => {
      soon = undefined;
      sctp.sendSack().catch(() => {});
    });
    return done;
  };

  sctp.handleData = (data) => {
    if (sctp.isStopped) return done;
    const ours = isDataAndSack(data);
    if (ours === null) return handleData.call(sctp, data);
    if (!ours || data.readUInt32BE(4) !== sctp.localVerificationTag) return done;
    // The checksum is not looked at: DTLS has proved more (RFC 9653 section 1).
    for (let at = COMMON_HEADER; at + 4 <= data.length;) {
      const length = data.readUInt16BE(at + 2);
      if (data[at] === DATA) receiveData(sctp, data.subarray(at, at + length));
      else sctp.receiveSackChunk(parseSack(data.subarray(at, at + length))).catch(() => {});
      at += length + 3 & ~3;
    }
    return sctp.scheduleSack();
  };
}

/** Whether a packet is well-formed; `null` if it has other chunks than DATA and SACK. */
function isDataAndSack(packet: Buffer): boolean | null {
  let at = COMMON_HEADER, ok = packet.length >= COMMON_HEADER + 4;
  while (ok && at + 4 <= packet.length) {
    const type = packet[at];
    if (type !== DATA && type !== SACK) return null;
    const length = packet.readUInt16BE(at + 2);
    if (at + length > packet.length) return false;
    if (type === DATA) ok = length > DATA_HEADER;
    else {
      ok = length >= SACK_HEADER && length >= SACK_HEADER +
            4 * (packet.readUInt16BE(at + 12) + packet.readUInt16BE(at + 14));
    }
    at += length + 3 & ~3;
  }
  return ok;
}

function parseSack(chunk: Buffer): SackChunk {
  const gaps: [number, number][] = [], count = chunk.readUInt16BE(12);
  for (let at = SACK_HEADER; at < SACK_HEADER + 4 * count; at += 4) {
    gaps.push([chunk.readUInt16BE(at), chunk.readUInt16BE(at + 2)]);
  }
  return {
    cumulativeTsn: chunk.readUInt32BE(4),
    advertisedRwnd: chunk.readUInt32BE(8),
    gaps,
    duplicates: [],
  };
}

function receiveData(sctp: Sctp, chunk: Buffer): void {
  const tsn = chunk.readUInt32BE(4);
  if (sctp.lastReceivedTsn === undefined) return;
  if (sctp.advertisedRwnd <= 0) return; // more than we said we would take
  const distance = tsn - sctp.lastReceivedTsn >>> 0;
  const inTurn = distance === 1 && sctp.sackMisOrdered.size === 0;
  sctp.sackNeeded = true;
  if (inTurn) {
    sctp.lastReceivedTsn = tsn;
  } else if (distance === 0 || distance >= 2 ** 31 || sctp.sackMisOrdered.has(tsn)) {
    sctp.sackDuplicates.push(tsn);
    return;
  } else {
    if (distance > MAX_DISTANCE) return;
    sctp.sackMisOrdered.add(tsn);
    while (sctp.sackMisOrdered.delete(sctp.lastReceivedTsn + 1 >>> 0)) {
      sctp.lastReceivedTsn = sctp.lastReceivedTsn + 1 >>> 0;
    }
  }
  const flags = chunk[1] ?? 0, streamId = chunk.readUInt16BE(8), sequence = chunk.readUInt16BE(10);
  const protocol = chunk.readUInt32BE(12), userData = chunk.subarray(DATA_HEADER);
  const stream = sctp.getInboundStream(streamId), ordered = !(flags & UNORDERED);
  const whole = (flags & (FIRST | LAST)) === (FIRST | LAST);
  if (
    whole && !stream.reassembly.length && (!ordered || sequence === stream.streamSequenceNumber)
  ) {
    if (ordered) stream.streamSequenceNumber = sequence + 1 & 0xffff;
    sctp.receive(streamId, protocol, userData);
    return;
  }
  stream.addChunk({
    type: DATA,
    flags,
    tsn,
    streamId,
    streamSeqNum: sequence,
    protocol,
    userData,
  });
  sctp.advertisedRwnd -= userData.length;
  if (inTurn && !(flags & LAST)) return; // nothing can have become complete
  for (const [id, ppid, message] of stream.popMessages()) {
    sctp.advertisedRwnd += message.length;
    sctp.receive(id, ppid, message);
  }
}

/** What came in beyond the cumulative number, as first and last offset of each run. */
function gapBlocks(beyond: Set<number>, cumulative: number): [number, number][] {
  const gaps: [number, number][] = [];
  const offsets = [...beyond].map((tsn) => tsn - cumulative >>> 0).sort((a, b) => a - b);
  for (const offset of offsets) {
    const last = gaps.at(-1);
    if (last && last[1] + 1 === offset) last[1] = offset;
    else if (gaps.length < MAX_GAPS && offset <= MAX_DISTANCE) gaps.push([offset, offset]);
    else break;
  }
  return gaps;
}
