/** Gives the sans-IO SCTP association what it lacks: the time, one timer, and the transport below. */
import { RemoteProtocolError } from "../errors.ts";
import { SctpAssociation } from "../wire/sctp/association.ts";
import { LIBRARY_CHANNEL } from "../wire/library_channel.ts";
import { ChannelTable, type SctpLink } from "./channels.ts";

/** What the driver needs to know. */
export interface SctpDriverOptions {
  readonly localPort: number;
  /** What we accept in one message. */
  readonly maxMessageSize: number;
  /** Sends one packet over DTLS; it does not throw. */
  readonly sendPacket: (packet: Uint8Array<ArrayBuffer>) => void;
  /** The association ended; without an error when either end wished it. */
  readonly closed: (error?: Error) => void;
  /** Whether we are the DTLS client, once that is known. */
  readonly isDtlsClient: () => boolean;
}

/** So many packets leave before others have their turn; the rest follows in the next turn. */
const PACKETS_AT_ONCE = 128;

/** Packets that came before we were ready; a peer whose first one is lost repeats it after 3 s. */
const EARLY_PACKETS = 16;

/** Bytes that may be under way to us. */
const RECEIVE_WINDOW = 1024 * 1024;

/** Runs an association, and the data channels on it. */
export class SctpDriver implements SctpLink {
  /** The channels. */
  readonly channels: ChannelTable = new ChannelTable(this);
  #association: SctpAssociation | null = null;
  #early: Uint8Array[] = [];
  readonly #options: SctpDriverOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerDueMs = Infinity;
  #busy = false;
  #flushing = false;

  constructor(options: SctpDriverOptions) {
    this.#options = options;
  }

  /** The DTLS transport stands. @param remotePort from the other end's description */
  start(remotePort: number): void {
    const { localPort, maxMessageSize } = this.#options;
    this.#association = new SctpAssociation({
      localPort,
      remotePort,
      maxMessageSize,
      receiveWindow: RECEIVE_WINDOW,
      client: true, // both ends may begin
      random32: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    });
    // Commands do not wait behind a long message of another channel.
    this.#association.setPriority(LIBRARY_CHANNEL.id, true);
    this.#association.start(performance.now());
    for (const packet of this.#early.splice(0)) this.receive(packet);
    this.#work();
  }

  /** A packet came. */
  receive(packet: Uint8Array): void {
    if (this.#association) this.#association.receive(packet, performance.now());
    else if (this.#early.length < EARLY_PACKETS) this.#early.push(new Uint8Array(packet));
    this.#work();
  }

  /** Ends the association, and tells the other end. */
  close(): void {
    this.#association?.abort();
    this.#work();
    clearTimeout(this.#timer);
  }

  send(
    streamId: number,
    ppid: number,
    data: Uint8Array,
    options: { ordered: boolean; maxRetransmits: number | null },
  ): void {
    this.#association?.send(streamId, ppid, data, options);
    if (this.#busy || this.#flushing) return;
    // What is sent in one turn of the event loop shares packets.
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#work();
    });
  }

  bufferedAmount(streamId: number): number {
    return this.#association?.bufferedAmountOf(streamId) ?? 0;
  }

  reset(streamIds: number[]): void {
    this.#association?.resetStreams(streamIds);
    this.#work();
  }

  /** Hands on what happened, then sends what is due, then sets the timer. */
  #work(): void {
    const association = this.#association;
    if (this.#busy || !association) return;
    this.#busy = true;
    try {
      this.#handleEvents(association);
      const before = association.bufferedAmount;
      const left = this.#transmit(association);
      if (association.bufferedAmount < before) {
        this.channels.handleDrain();
        this.#handleEvents(association);
      }
      if (left) setImmediate(() => this.#work());
    } finally {
      this.#busy = false;
    }
    this.#setTimer(association);
  }

  /** @returns whether there may be more */
  #transmit(association: SctpAssociation): boolean {
    const nowMs = performance.now();
    for (let i = 0; i < PACKETS_AT_ONCE; i++) {
      const packet = association.transmit(nowMs);
      if (packet === null) return false;
      this.#options.sendPacket(packet);
    }
    return true;
  }

  #handleEvents(association: SctpAssociation): void {
    for (let event; (event = association.pollEvent()) !== null;) {
      switch (event.type) {
        case "established":
          this.channels.handleEstablished(this.#options.isDtlsClient());
          break;
        case "message":
          this.#handleMessage(event.streamId, event.ppid, event.data);
          break;
        case "reset":
          this.channels.handleReset(event.streamIds);
          break;
        case "closed":
          this.channels.handleClosed();
          this.#options.closed(event.error);
      }
    }
  }

  #handleMessage(streamId: number, ppid: number, data: Uint8Array<ArrayBuffer>): void {
    try {
      this.channels.handleMessage(streamId, ppid, data);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.channels.handleReset([streamId]); // what cannot be understood ends its stream only
    }
  }

  /** One timer, set anew only when it would come too late; one that comes too early looks again. */
  #setTimer(association: SctpAssociation): void {
    const dueMs = association.nextTimeout() ?? Infinity;
    if (dueMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timerDueMs = Infinity;
      const nowMs = performance.now();
      if ((association.nextTimeout() ?? Infinity) <= nowMs) association.handleTimeout(nowMs);
      this.#work();
    }, Math.max(0, dueMs - performance.now()));
  }
}
