/**
 * Data channels over an SCTP association (RFC 8831): which stream is which channel, opening them (RFC
 * 8832), closing them by resetting their streams, and the empty messages that SCTP cannot carry. Knows
 * neither the engine nor the network: it speaks to a {@linkcode SctpLink}.
 */
import {
  DCEP_ACK,
  encodeDcepOpen,
  isDcepAck,
  isDcepOpen,
  parseDcepOpen,
  PPID,
} from "../wire/dcep.ts";
import type { PeerChannel, PeerChannelListener, PeerChannelOptions } from "./peer.ts";
import type { WireMessage } from "../wire/message.ts";

/** What channels need of the association below. */
export interface SctpLink {
  /** Queues a message; it is sent as the network allows. */
  send(
    streamId: number,
    ppid: number,
    data: Uint8Array,
    options: { ordered: boolean; maxRetransmits: number | null },
  ): void;
  /** Bytes of this stream that were queued and have not left for the network. */
  bufferedAmount(streamId: number): number;
  /** Ends our half of the streams; the other end does the same with its half. */
  reset(streamIds: number[]): void;
}

/** How many channels the other end may open; Chromium itself allows 1024 in all. */
const MAX_REMOTE_CHANNELS = 256;
const MAX_STREAM_ID = 65_534; // RFC 8832, section 6: 65535 is reserved
const EMPTY = Uint8Array.of(0); // RFC 8831, section 6.6: an empty message is sent as one zero byte

type State = PeerChannel["state"];

class Channel implements PeerChannel {
  listener: PeerChannelListener | null = null;
  state: State = "connecting";
  streamId: number | null;
  #table: ChannelTable;

  /** @param remote whether the other end opened it */
  constructor(
    table: ChannelTable,
    readonly options: PeerChannelOptions,
    streamId: number | null,
    readonly remote = false,
  ) {
    this.#table = table;
    this.streamId = streamId;
  }

  get label(): string {
    return this.options.label;
  }
  get ordered(): boolean {
    return this.options.ordered;
  }
  get maxMessageSize(): number {
    return this.#table.maxMessageSize;
  }
  get bufferedAmount(): number {
    return this.streamId === null ? 0 : this.#table.link.bufferedAmount(this.streamId);
  }

  send({ bytes, text }: WireMessage): void {
    if (this.state !== "open") {
      throw new Error(`Cannot send on channel "${this.label}": it is ${this.state}`);
    }
    const empty = bytes.length === 0;
    const ppid = text
      ? (empty ? PPID.stringEmpty : PPID.string)
      : (empty ? PPID.binaryEmpty : PPID.binary);
    this.#table.link.send(this.streamId!, ppid, empty ? EMPTY : bytes, this.options);
  }

  close(): void {
    if (this.state === "closed") return;
    if (this.streamId !== null && this.#table.established) this.#table.link.reset([this.streamId]);
    this.#table.forget(this);
  }
}

/** All channels of one association. */
export class ChannelTable {
  /** The other end's limit, from its description. */
  maxMessageSize = 65_536;
  established = false;
  /** Called with each channel that the other end opened. */
  onChannel: (channel: PeerChannel) => void = () => {};
  readonly link: SctpLink;
  #channels = new Set<Channel>();
  #byStream = new Map<number, Channel>();
  #nextId = 0;

  constructor(link: SctpLink) {
    this.link = link;
  }

  /** Makes a channel of ours; it opens with the association. */
  create(options: PeerChannelOptions): PeerChannel {
    const channel = new Channel(this, options, options.negotiatedId ?? null);
    this.#channels.add(channel);
    if (options.negotiatedId !== undefined) this.#byStream.set(options.negotiatedId, channel);
    if (this.established) this.#begin(channel);
    return channel;
  }

  /** The association stands. @param dtlsClient the DTLS client takes even streams (RFC 8832, section 6) */
  handleEstablished(dtlsClient: boolean): void {
    this.established = true;
    this.#nextId = dtlsClient ? 0 : 1;
    for (const channel of [...this.#channels]) this.#begin(channel);
  }

  /** A message arrived. @throws {RemoteProtocolError} when it breaks RFC 8832 */
  handleMessage(streamId: number, ppid: number, data: Uint8Array<ArrayBuffer>): void {
    if (ppid === PPID.dcep) return this.#handleDcep(streamId, data);
    const channel = this.#byStream.get(streamId);
    if (!channel) return; // a message that overtook the reset of its stream
    // A message may arrive before the acknowledgement of the channel (RFC 8832, section 6).
    if (channel.state === "connecting") this.#setOpen(channel);
    if (ppid === PPID.string || ppid === PPID.binary) {
      channel.listener?.message({ bytes: data, text: ppid === PPID.string });
    } else if (ppid === PPID.stringEmpty || ppid === PPID.binaryEmpty) {
      channel.listener?.message({ bytes: new Uint8Array(0), text: ppid === PPID.stringEmpty });
    }
  }

  /** The other end reset its half of these streams: their channels are closed. */
  handleReset(streamIds: number[]): void {
    const channels = streamIds.map((id) => this.#byStream.get(id)).filter((c) => c !== undefined);
    if (channels.length > 0) this.link.reset(channels.map((c) => c.streamId!));
    for (const channel of channels) this.forget(channel);
  }

  /** Queued bytes left for the network. */
  handleDrain(): void {
    for (const channel of this.#channels) channel.listener?.drained();
  }

  /** The association is gone, and every channel with it. */
  handleClosed(): void {
    this.established = false;
    for (const channel of [...this.#channels]) this.forget(channel);
  }

  forget(channel: Channel): void {
    if (channel.state === "closed") return;
    channel.state = "closed";
    this.#channels.delete(channel);
    if (channel.streamId !== null) this.#byStream.delete(channel.streamId);
    channel.listener?.closed();
  }

  #begin(channel: Channel): void {
    if (channel.options.negotiatedId !== undefined) return this.#setOpen(channel);
    // Streams are not used again before all others were, so that no late message reaches a wrong channel.
    while (this.#byStream.has(this.#nextId)) this.#advance();
    const id = channel.streamId = this.#nextId;
    this.#advance();
    this.#byStream.set(id, channel);
    const open = encodeDcepOpen({ protocol: "", ...channel.options });
    this.link.send(id, PPID.dcep, open, { ordered: true, maxRetransmits: null });
    // Data may follow at once (RFC 8832, section 6) but for unordered channels, whose data could
    // overtake the message that opens them.
    if (channel.ordered) this.#setOpen(channel);
  }

  #advance(): void {
    this.#nextId = this.#nextId + 2 > MAX_STREAM_ID ? this.#nextId % 2 : this.#nextId + 2;
  }

  #handleDcep(streamId: number, data: Uint8Array): void {
    const known = this.#byStream.get(streamId);
    if (isDcepAck(data)) {
      if (known?.state === "connecting") this.#setOpen(known);
    } else if (isDcepOpen(data)) {
      if (known) this.#acknowledge(streamId);
      else this.#accept(streamId, parseDcepOpen(data));
    }
  }

  #accept(streamId: number, parameters: PeerChannelOptions): void {
    const opened = [...this.#channels].filter((channel) => channel.remote).length;
    if (opened >= MAX_REMOTE_CHANNELS) return this.link.reset([streamId]);
    const channel = new Channel(this, parameters, streamId, true);
    channel.state = "open";
    this.#channels.add(channel);
    this.#byStream.set(streamId, channel);
    this.#acknowledge(streamId); // before what the channel's new owner sends
    this.onChannel(channel);
  }

  #acknowledge(streamId: number): void {
    this.link.send(streamId, PPID.dcep, DCEP_ACK, { ordered: true, maxRetransmits: null });
  }

  #setOpen(channel: Channel): void {
    channel.state = "open";
    channel.listener?.opened();
  }
}
