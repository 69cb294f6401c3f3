/**
 * Opens connections sooner and more surely than werift does by itself.
 *
 * What stands in the way (werift 0.25.2, measured against Chromium on one machine):
 * - checks of candidate pairs are started one every 20 ms, and their end is polled every 20 ms;
 * - a check that was sent before the other end knew us is repeated after 50 ms, although the other
 *   end's own check has meanwhile shown that it is there (RFC 8445 section 7.3.1.4: repeat at once);
 * - a DTLS client sleeps for 100 ms before its first message;
 * - a DTLS server drops the first message when it comes before ICE has finished;
 * - the sixth message or so of each connection is lost, see {@linkcode RECORDS_SKIPPED};
 * - handshake messages that come twice are worked off twice. A peer that repeats its flight (Chromium
 *   does after 50 ms, so whenever we are busy) makes us derive other keys, and the link is dead.
 *
 * All is done from outside, on prototypes and public fields; each part looks whether what it changes
 * is there, and leaves werift as it is when it is not.
 */
import type * as Werift from "werift";
import { type HandshakeMessage, handshakeProof, type HandshakeState } from "./werift_proof.ts";

/** What of werift's insides is touched here. */
interface Pair {
  state: number;
  handle?: unknown;
  protocol: Protocol;
  remoteAddr: [string, number];
}
interface Protocol {
  transactions?: Record<string, { request: unknown; addr: [string, number]; ended: boolean }>;
  sendStun(message: unknown, addr: [string, number]): Promise<void>;
}
interface Connection {
  checkList: Pair[];
  checkListDone: boolean;
  remoteCandidatesEnd: boolean;
  onData: { subscribe(f: (data: Uint8Array) => void): { unSubscribe(): void } };
  earlyChecksDone: boolean;
  state: string;
  schedulingChecks(): boolean;
  addRemoteCandidate?(candidate: unknown): Promise<void>;
  checkIncoming(message: unknown, addr: [string, number], protocol: Protocol): void;
}
interface Handshake extends HandshakeMessage {
  message_seq: number;
}
interface DtlsSocket extends HandshakeState {
  connected: boolean;
  dtls: HandshakeState["dtls"] & { lastMessage: Uint8Array[]; recordSequenceNumber: number };
  onConnect?: { once(listener: () => void): void };
  transport: { send(data: Uint8Array): Promise<void> };
  onHandleHandshakes: (handshakes: Handshake[]) => Promise<void>;
  udpOnMessage?: (data: Uint8Array) => void;
  connect?: () => Promise<void>;
}
interface DtlsTransport {
  state: string;
  dtls?: DtlsSocket;
  iceTransport: { connection: Connection };
  start(): Promise<void>;
}

const IN_PROGRESS = 2; // CandidatePairState
const CLIENT_HELLO = 1, SERVER_HELLO_DONE = 14, FINISHED = 20; // RFC 5246 section 7.4
const SESSION_CLIENT = 1; // SessionType

/** So many checks go out at once; RFC 8445 section 14 wants the rest paced. */
const CHECKS_AT_ONCE = 10;
/** DTLS messages of a handshake that are kept while an earlier one is missing, or ICE unfinished. */
const MESSAGES_KEPT = 16;

/**
 * After its Finished message, sealed as number 6 or so, werift counts from 1 again. The record that comes
 * to the same number is dropped by the other end as a replay (RFC 6347 section 4.1.2.6), and two records
 * sealed with one nonce give the key of AES-GCM's authentication away (RFC 5288 section 6).
 */
const RECORDS_SKIPPED = 64;

const patched = new WeakSet<object>();

/**
 * Installs what this file describes, once a loaded werift.
 *
 * @returns the names of the parts that could be installed
 */
export function quickenOpening(werift: typeof Werift): string[] {
  if (patched.has(werift.Connection)) return [];
  patched.add(werift.Connection);
  const done: string[] = [];
  const connection = werift.Connection.prototype as unknown as Connection;
  if (typeof connection.schedulingChecks === "function") {
    startChecksTogether(connection);
    done.push("checks");
  }
  if (typeof connection.checkIncoming === "function") {
    repeatCheckOnContact(connection);
    done.push("repeat");
  }
  const transport = werift.RTCDtlsTransport.prototype as unknown as DtlsTransport;
  if (typeof transport.start === "function") {
    keepEarlyMessages(werift);
    startDtlsAtOnce(transport);
    done.push("dtls");
  }
  return done;
}

function startChecksTogether(connection: Connection): void {
  const schedule = connection.schedulingChecks;
  connection.schedulingChecks = function (): boolean {
    const end = this.remoteCandidatesEnd;
    this.remoteCandidatesEnd = true; // so that false means: none left to start
    let more = true;
    try {
      for (let i = 0; i < CHECKS_AT_ONCE && more; i++) more = schedule.call(this);
    } finally {
      this.remoteCandidatesEnd = end;
    }
    if (more) return true;
    // With a pair to wait for, the caller waits for its end instead of polling; without one it polls
    // on, since it would fail at once.
    return this.checkList.length === 0 && !end && !this.checkListDone;
  };
  const add = connection.addRemoteCandidate;
  if (typeof add !== "function") return;
  connection.addRemoteCandidate = async function (candidate): Promise<void> {
    await add.call(this, candidate);
    // Nobody polls any more, so a candidate that comes late (mDNS) has its check started here.
    if (this.earlyChecksDone && !this.checkListDone && this.state !== "closed") {
      this.schedulingChecks();
    }
  };
}

function repeatCheckOnContact(connection: Connection): void {
  const incoming = connection.checkIncoming;
  connection.checkIncoming = function (message, addr, protocol): void {
    const waiting = this.checkList.some((pair) =>
      pair.protocol === protocol && pair.state === IN_PROGRESS &&
      pair.remoteAddr[0] === addr[0] && pair.remoteAddr[1] === addr[1]
    );
    incoming.call(this, message, addr, protocol);
    if (!waiting) return;
    for (const transaction of Object.values(protocol.transactions ?? {})) {
      if (transaction.ended) continue;
      if (transaction.addr[0] !== addr[0] || transaction.addr[1] !== addr[1]) continue;
      protocol.sendStun(transaction.request, transaction.addr).catch(() => {});
    }
  };
}

const early = new WeakMap<Connection, { messages: Uint8Array[]; stop(): void }>();

function keepEarlyMessages(werift: typeof Werift): void {
  const ice = werift.RTCIceTransport.prototype as unknown as {
    connection: Connection;
    start(): Promise<void>;
  };
  if (typeof ice.start !== "function") return;
  const start = ice.start;
  ice.start = function (): Promise<void> {
    if (!early.has(this.connection)) {
      const messages: Uint8Array[] = [];
      const { unSubscribe } = this.connection.onData.subscribe((data) => {
        const first = data[0] ?? 0;
        // RFC 7983 section 7: 20 to 63 is DTLS.
        if (first > 19 && first < 64 && messages.length < MESSAGES_KEPT) messages.push(data);
      });
      early.set(this.connection, { messages, stop: unSubscribe });
    }
    return start.call(this);
  };
}

function startDtlsAtOnce(transport: DtlsTransport): void {
  const start = transport.start;
  transport.start = function (): Promise<void> {
    const fresh = this.state === "new";
    const started = start.call(this); // makes this.dtls, then sleeps when it is a client
    const dtls = this.dtls;
    if (!fresh || !dtls) return started;
    if (typeof dtls.onHandleHandshakes === "function") orderHandshakes(dtls);
    dtls.onConnect?.once(() => dtls.dtls.recordSequenceNumber += RECORDS_SKIPPED);
    if (typeof dtls.connect === "function") {
      const connecting = dtls.connect.call(dtls);
      connecting.catch(() => {}); // reported by the caller that awaits the same promise
      dtls.connect = () => connecting;
    }
    const kept = early.get(this.iceTransport.connection);
    early.delete(this.iceTransport.connection);
    kept?.stop();
    if (dtls.udpOnMessage) {
      for (const message of kept?.messages ?? []) {
        dtls.udpOnMessage(message);
      }
    }
    return started;
  };
}

/**
 * Each handshake message is worked off once and in its turn (RFC 6347 section 4.2.2); the last one
 * of a flight coming again means that our answer was lost, and is answered by sending it again.
 */
function orderHandshakes(dtls: DtlsSocket): void {
  const handle = dtls.onHandleHandshakes;
  const repeats = dtls.sessionType === SESSION_CLIENT
    ? [SERVER_HELLO_DONE]
    : [CLIENT_HELLO, FINISHED];
  const kept = new Map<number, Handshake>();
  const prove = handshakeProof(dtls);
  let next = 0, refused = false;
  dtls.onHandleHandshakes = async (handshakes) => {
    const turns: Promise<void>[] = [];
    for (const message of refused ? [] : handshakes) {
      const { msg_type: type, message_seq: seq } = message;
      const again = type === CLIENT_HELLO && seq === 0 && (next === 1 || dtls.connected);
      if (again) next = 0; // the first flight may come twice, and a connected peer may start anew
      if (seq < next) {
        if (!repeats.includes(type)) continue;
        for (const packet of dtls.dtls.lastMessage) turns.push(dtls.transport.send(packet));
        continue;
      }
      if (kept.size < MESSAGES_KEPT) kept.set(seq, message);
      for (let turn = kept.get(next); turn; turn = kept.get(next)) {
        kept.delete(next++);
        try {
          prove(turn);
        } catch (error) {
          refused = true; // werift reports the error; nothing that follows may bring the link about
          throw error;
        }
        turns.push(handle([turn]));
      }
    }
    await Promise.all(turns);
  };
}
