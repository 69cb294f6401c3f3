/** The channels of one connection by their names, from either end, before and after it stands. */
import type { Callback } from "../subscriptions/types.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { LIBRARY_CHANNEL } from "../wire/library_channel.ts";
import type { DataStats } from "./connection_stats.ts";
import { DataChannel } from "./data_channel.ts";
import type { Peer, PeerChannel } from "./peer.ts";

/** Options of {@linkcode RTCConnection.addDataChannel}. */
export interface DataChannelOptions {
  /** Whether messages arrive in the order they were sent. @default {true} */
  ordered?: boolean;
  /** How often a lost message is sent again, at most 65535 times. @default {null} until it arrives */
  maxRetransmits?: number | null;
}

const DEFAULT_CHANNEL = "default";
const MAX_NAME_BYTES = 65_535; // RFC 8832, section 5.1: 16 bits say the length
const MAX_RETRANSMITS = 65_535; // W3C WebRTC: RTCDataChannelInit has an unsigned short

/** Keeps the channels; {@linkcode RTCConnection} is its only user. */
export class ChannelRegistry {
  /** The channel that every connection has. */
  readonly default: DataChannel = new DataChannel(DEFAULT_CHANNEL);
  readonly #byName = new Map<string, DataChannel>();
  readonly #arrivals = new Arrivals();
  #peer: Peer | null = null;
  #early: (() => void)[] = [];
  /** Of channels that are closed. */
  #past = { sent: 0, received: 0 };

  /**
   * Opens a further channel, or notes that it is to be opened.
   * @throws {RangeError} when the name is taken or too long, or `maxRetransmits` is none
   */
  add(name: string, options: DataChannelOptions): DataChannel {
    if (name === DEFAULT_CHANNEL || name === LIBRARY_CHANNEL.label || this.#byName.has(name)) {
      throw new RangeError(
        `Cannot add data channel "${name}": there is one of that name; choose another`,
      );
    }
    refuseWhatCannotOpen(name, options); // when it is to open, nobody is there to be told
    const channel = this.#register(name);
    this.#open(channel, options);
    return channel;
  }

  /** @throws {RangeError} when there is none of that name */
  get(name: string): DataChannel {
    const channel = this.#byName.get(name);
    if (!channel) throw new RangeError(`Cannot get data channel "${name}": there is none`);
    return channel;
  }

  /** For statistics: all channels together. */
  get counts(): DataStats {
    let bufferedAmount = 0, { sent: messagesSent, received: messagesReceived } = this.#past;
    for (const channel of [this.default, ...this.#byName.values()]) {
      bufferedAmount += channel.bufferedAmount;
      messagesSent += channel.messagesSent;
      messagesReceived += channel.messagesReceived;
    }
    return { bufferedAmount, messagesSent, messagesReceived };
  }

  /** Calls back with each channel of the other end. */
  onArrival<C extends Callback<DataChannel>>(callback: C): C {
    return this.#arrivals.subscribe(callback);
  }

  /** The transport is there: opens what was added before. */
  attach(peer: Peer): void {
    this.#peer = peer;
    for (const open of this.#early.splice(0)) open();
  }

  /** Opens the default channel from our end. */
  openDefault(ordered: boolean): void {
    this.#open(this.default, { ordered });
  }

  /** The other end opened a channel. */
  accept(remote: PeerChannel): void {
    const { label } = remote;
    if (label === DEFAULT_CHANNEL && !this.default.ready) return this.default._attach(remote);
    if (label === DEFAULT_CHANNEL || this.#byName.has(label)) return remote.close();
    const channel = this.#register(label);
    channel._attach(remote);
    this.#arrivals.announce(channel); // who listens subscribes now, before the first message
  }

  /** Closes them all. */
  async close(): Promise<void> {
    const channels = [this.default, ...this.#byName.values()];
    await Promise.all([this.#arrivals.close(), ...channels.map((channel) => channel.close())]);
  }

  #open(channel: DataChannel, options: DataChannelOptions): void {
    const { ordered = true, maxRetransmits = null } = options;
    const open = () =>
      channel._attach(this.#peer!.createChannel({ label: channel.name, ordered, maxRetransmits }));
    if (this.#peer) open();
    else this.#early.push(open);
  }

  #register(name: string): DataChannel {
    const channel = new DataChannel(name);
    this.#byName.set(name, channel);
    channel.onClose(() => {
      if (this.#byName.get(name) !== channel) return;
      this.#byName.delete(name);
      this.#past.sent += channel.messagesSent;
      this.#past.received += channel.messagesReceived;
    });
    return channel;
  }
}

function refuseWhatCannotOpen(name: string, { maxRetransmits = null }: DataChannelOptions): void {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MAX_NAME_BYTES) {
    throw new RangeError(
      `Cannot add a data channel: its name has ${bytes} bytes; at most ${MAX_NAME_BYTES} fit`,
    );
  }
  if (maxRetransmits === null) return;
  if (
    Number.isInteger(maxRetransmits) && maxRetransmits >= 0 && maxRetransmits <= MAX_RETRANSMITS
  ) {
    return;
  }
  throw new RangeError(
    `Cannot add data channel "${name}": maxRetransmits is ${maxRetransmits}; ` +
      `give a whole number from 0 to ${MAX_RETRANSMITS}, or null`,
  );
}

class Arrivals extends SubscriptionProducer<DataChannel> {
  announce(channel: DataChannel): void {
    this._put_nowait(channel);
  }
}
