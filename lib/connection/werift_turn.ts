/**
 * A relay on a TURN server (RFC 8656), made to look like a UDP socket, so that werift's ICE uses it as one
 * of its own. werift has a client, which is not used, for (0.25.2, by reading and against coturn):
 * - it signs a repeated request over the old signature, and takes no unsigned refusal once it has signed:
 *   with coturn, which asks for a new nonce every ten minutes, its relays die after that time;
 * - it asks for a channel to each candidate of the other end, one after the other, before the first check;
 * - it renews permissions every 500 s, when servers forget them after 300;
 * - it never tells the server that a relay is not needed any more, and never says why it got none.
 */
import type { Buffer } from "node:buffer";
import type * as Werift from "werift";
import { CHANNELS, readChannelData, writeChannelData } from "../wire/turn_frames.ts";
import { RefusedByServer } from "./route_problems.ts";
import { TurnRequests } from "./werift_turn_requests.ts";
import { openTurnSocket, type ServerAddress, type TurnSocket } from "./werift_turn_socket.ts";

/** A TURN server and who asks. */
export interface TurnServer extends ServerAddress {
  readonly username: string;
  readonly credential: string;
}

type Address = [string, number];
type Message = InstanceType<typeof Werift.Message>;

/** Another end that something was sent to. */
interface Other {
  readonly address: Address;
  channel: number;
  /** When the channel was made or renewed; `null` before. */
  boundMs: number | null;
  /** When a channel was last asked for. */
  askedMs: number;
}
interface Permission {
  readonly granted: Promise<void>;
  readonly askedMs: number;
}

// RFC 8656 section 17, RFC 8489 section 6
const ALLOCATE = 3, REFRESH = 4, SEND = 6, DATA = 7, CREATE_PERMISSION = 8, CHANNEL_BIND = 9;
const INDICATION = 0x10;
const UDP = 17 << 24; // RFC 8656, section 18.8: the protocol's number, then three bytes for later
const MISMATCH = 437; // section 19

const LIFETIME_S = 600; // RFC 8656, section 3.2
/** A permission lasts 300 s, and one comes with a channel, which lasts 600 (RFC 8656, sections 9, 12). */
const RENEW_AFTER_MS = 240_000;
/** After a refusal or a silence, so long nothing is asked again. */
const ASK_AGAIN_MS = 10_000;
/** Closing waits so long for the server to have heard it. */
const FAREWELL_MS = 300;
const LONGEST = 2_048;

/** A relay, with the face of werift's UDP transport. */
export class Relay {
  readonly type = "udp";
  readonly addressFamily = 4;
  closed = false;
  onData: (data: Buffer, address: Address) => void = () => {};
  /** Where others send to. */
  relayed: Address = ["", 0];
  /** Where the server sees us. */
  mapped: Address = ["", 0];
  /** Why it is of no use any more. */
  problem: string | null = null;
  /** Why nothing may be sent to an address. */
  readonly refusals: Map<string, string> = new Map();
  readonly #werift: typeof Werift;
  readonly #socket: TurnSocket;
  readonly #requests: TurnRequests;
  readonly #others = new Map<string, Other>();
  readonly #byChannel = new Map<number, Other>();
  readonly #permissions = new Map<string, Permission>();
  readonly #frame = new Uint8Array(LONGEST);
  #nextChannel: number = CHANNELS.first;
  #lifetimeS = LIFETIME_S;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Gets a relay.
   *
   * @param signal gives up; the promise then rejects
   * @throws {RefusedByServer} when the server says no
   * @throws {ServerSilent} when it says nothing
   */
  static async open(
    werift: typeof Werift,
    server: TurnServer,
    signal: AbortSignal,
  ): Promise<Relay> {
    const socket = await openTurnSocket(werift, server, signal);
    const relay = new Relay(werift, server, socket);
    const giveUp = () => relay.#end();
    signal.addEventListener("abort", giveUp);
    try {
      signal.throwIfAborted();
      await relay.#allocate();
      return relay;
    } catch (error) {
      relay.#end();
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  private constructor(werift: typeof Werift, server: TurnServer, socket: TurnSocket) {
    this.#werift = werift;
    this.#requests = new TurnRequests(werift, server, socket);
    this.#socket = socket;
    socket.onMessage = (message) => this.#received(message);
    socket.onLost = () => this.#lose("it closed the connection");
  }

  /** A datagram to the other end; resolves when it has left for the server, or is lost. */
  async send(data: Buffer, [host, port]: Address): Promise<void> {
    if (this.sendAtOnce(data as Uint8Array as Uint8Array<ArrayBuffer>, host, port)) return;
    if (this.closed) return;
    const permitted = await this.#permission(host).then(() => true, () => false);
    if (!permitted || this.closed) return;
    const indication = new this.#werift.Message(SEND, INDICATION)
      .setAttribute("XOR-PEER-ADDRESS", [host, port])
      .setAttribute("DATA", data) as Message;
    this.#transmit(indication);
    if (data[0]! > 3) this.#bind(this.#other(host, port)); // checks alone need no channel
  }

  /** A datagram through a channel. @returns false when there is none, so that `send` is the way */
  sendAtOnce(data: Uint8Array<ArrayBuffer>, host: string, port: number): boolean {
    const other = this.#others.get(`${host} ${port}`);
    if (this.closed || !other || other.boundMs === null) return false;
    const length = writeChannelData(this.#frame, other.channel, data, this.#socket.stream);
    if (length === 0) return false;
    this.#socket.send(this.#frame.subarray(0, length));
    if (performance.now() - other.boundMs > RENEW_AFTER_MS) this.#bind(other);
    return true;
  }

  /** Tells the server that the relay is not needed any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.#refreshTimer);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => timer = setTimeout(done, FAREWELL_MS));
    const heard = this.#requests.ask(REFRESH, (request) => request.setAttribute("LIFETIME", 0))
      .then(() => {}, () => {}); // it will be forgotten anyway
    await Promise.race([heard, late]);
    clearTimeout(timer);
    this.#end();
  }

  async #allocate(): Promise<void> {
    const response = await this.#requests.ask(ALLOCATE, (request) => {
      request.setAttribute("REQUESTED-TRANSPORT", UDP).setAttribute("LIFETIME", LIFETIME_S);
    });
    const relayed = response.getAttributeValue("XOR-RELAYED-ADDRESS") as Address | undefined;
    if (!relayed) throw new RefusedByServer(0, "it gave no address");
    this.relayed = relayed;
    this.mapped = (response.getAttributeValue("XOR-MAPPED-ADDRESS") as Address) ?? relayed;
    this.#keep(response);
  }

  /** Renews the relay when half its time is over, and more often once that went wrong. */
  #keep(response: Message): void {
    this.#lifetimeS = Number(response.getAttributeValue("LIFETIME") ?? LIFETIME_S);
    if (this.closed) return;
    const untilMs = performance.now() + this.#lifetimeS * 1_000;
    const refresh = async () => {
      try {
        this.#keep(
          await this.#requests.ask(
            REFRESH,
            (request) => request.setAttribute("LIFETIME", LIFETIME_S),
          ),
        );
      } catch (error) {
        if (this.closed) return;
        const gone = error instanceof RefusedByServer && error.code === MISMATCH;
        if (gone || performance.now() > untilMs) return this.#lose("it forgot the relay");
        this.#refreshTimer = setTimeout(refresh, Math.min(ASK_AGAIN_MS, this.#lifetimeS * 100));
      }
    };
    this.#refreshTimer = setTimeout(refresh, this.#lifetimeS * 500);
  }

  /** The server sends to us what comes from this address, and takes what is for it. */
  #permission(host: string): Promise<void> {
    const nowMs = performance.now();
    const known = this.#permissions.get(host);
    const ageMs = known ? nowMs - known.askedMs : Infinity;
    if (known && ageMs < (this.refusals.has(host) ? ASK_AGAIN_MS : RENEW_AFTER_MS)) {
      return known.granted;
    }
    const granted = this.#requests.ask(CREATE_PERMISSION, (request) => {
      request.setAttribute("XOR-PEER-ADDRESS", [host, 0]);
    }).then(
      () => void this.refusals.delete(host),
      (error: Error) => {
        if (error instanceof RefusedByServer) this.refusals.set(host, error.message);
        else this.#permissions.delete(host);
        throw error;
      },
    );
    granted.catch(() => {}); // every sender is told; there may be none left
    this.#permissions.set(host, { granted, askedMs: nowMs });
    // What there is lasts a minute longer than we let it.
    return known && !this.refusals.has(host) ? known.granted : granted;
  }

  #other(host: string, port: number): Other {
    const key = `${host} ${port}`;
    let other = this.#others.get(key);
    if (!other) {
      other = { address: [host, port], channel: 0, boundMs: null, askedMs: -Infinity };
      this.#others.set(key, other);
    }
    return other;
  }

  /** Makes or renews a channel, behind the back of who sends. */
  #bind(other: Other): void {
    const nowMs = performance.now();
    if (nowMs - other.askedMs < ASK_AGAIN_MS || this.#nextChannel > CHANNELS.last) return;
    other.askedMs = nowMs;
    if (other.channel === 0) {
      other.channel = this.#nextChannel++;
      this.#byChannel.set(other.channel, other); // data may overtake the answer
    }
    this.#requests.ask(CHANNEL_BIND, (request) => {
      request.setAttribute("CHANNEL-NUMBER", other.channel)
        .setAttribute("XOR-PEER-ADDRESS", other.address);
    }).then(
      () => other.boundMs = nowMs,
      () => other.boundMs = null, // indications go on, as far as there is a permission
    );
  }

  #transmit(message: Message): void {
    this.#socket.send(message.bytes as Uint8Array as Uint8Array<ArrayBuffer>);
  }

  #received(data: Buffer): void {
    const framed = readChannelData(data);
    if (framed) {
      const other = this.#byChannel.get(framed.channel);
      if (other && !this.closed) this.onData(framed.data, other.address);
      return;
    }
    const message = this.#werift.parseMessage(data) as Message | undefined;
    if (!message) return;
    const { messageClass, messageMethod } = message;
    if (messageClass === INDICATION && messageMethod === DATA) {
      const inner = message.getAttributeValue("DATA") as Buffer | undefined;
      const from = message.getAttributeValue("XOR-PEER-ADDRESS") as Address | undefined;
      if (inner && from && !this.closed) this.onData(inner, from);
      return;
    }
    if (messageClass !== INDICATION) this.#requests.answered(message, data);
  }

  #lose(why: string): void {
    if (this.closed) return;
    this.problem = why;
    this.closed = true;
    this.#end();
  }

  #end(): void {
    this.closed = true;
    clearTimeout(this.#refreshTimer);
    this.#requests.end();
    this.#socket.close();
  }
}
