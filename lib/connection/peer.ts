/**
 * The seam between a connection and the WebRTC engine under it. Everything above speaks these few
 * interfaces; `peer_werift.ts` and its helpers are the only files that know the engine.
 */
import type { VideoCodecName } from "../media/encoded.ts";
import type { HiddenCandidate } from "../wire/candidates.ts";
import type { Description } from "../wire/description.ts";
import type { WireMessage } from "../wire/message.ts";
import type { RouteFindings } from "../wire/route.ts";
import type { SequencedPacket } from "../wire/rtp_receive.ts";
import type { LinkState } from "./send_control.ts";

/** A STUN or TURN server, as in the standard's `RTCIceServer`. */
export interface IceServer {
  /** `stun:host:port`, `turn:host:port?transport=udp`, `turns:host:port` … */
  urls: string | readonly string[];
  /** TURN only. */
  username?: string;
  /** TURN only. */
  credential?: string;
}

/** The part of the standard's `RTCConfiguration` that matters to a robot. */
export interface RTCConfiguration {
  /**
   * Who is asked for addresses and relays, all at once; give `[]` to ask nobody.
   * @default {[{urls: "stun:stun.l.google.com:19302"}]}
   */
  iceServers?: readonly IceServer[];
  /** `"relay"` allows only paths through a TURN server. @default {"all"} */
  iceTransportPolicy?: "all" | "relay";
}

/** Where the transport is in its life. `connected` is when data and media can flow. */
export type PeerState = "new" | "connecting" | "connected" | "failed" | "closed";

/** How a data channel is made. */
export interface PeerChannelOptions {
  readonly label: string;
  readonly protocol?: string;
  readonly ordered: boolean;
  /** How often a lost message is sent again; `null` is until it arrives. */
  readonly maxRetransmits: number | null;
  /** Both ends make the channel with this stream number, and nothing is said about it on the wire. */
  readonly negotiatedId?: number;
}

/** What a data channel tells its owner. */
export interface PeerChannelListener {
  opened(): void;
  /** The bytes belong to the receiver. */
  message(message: WireMessage): void;
  /** `bufferedAmount` went down. */
  drained(): void;
  /** Either end closed it, or the transport went. No call follows. */
  closed(): void;
}

/** A data channel of the engine. */
export interface PeerChannel {
  readonly label: string;
  readonly ordered: boolean;
  readonly state: "connecting" | "open" | "closed";
  /** Bytes given to `send` that have not yet left for the network. */
  readonly bufferedAmount: number;
  /** The largest message that the other end accepts, in bytes; known when open. */
  readonly maxMessageSize: number;
  /** Only one; set it before the next turn of the event loop. */
  listener: PeerChannelListener | null;
  /** Sends in order of the calls; never blocks. Only when open. */
  send(message: WireMessage): void;
  close(): void;
}

/** How much can be sent to one viewer. */
export interface SendRate {
  /** Bits a second that an encoder may make for it. */
  readonly mediaBitrate: number;
  /** So much waits already that a frame had better not be encoded. */
  readonly behind: boolean;
  /** What is known of the way to it. */
  readonly link: LinkState;
  /** What is tried first, in bits a second; has no effect once the viewer has reported. */
  begin(bitrate: number): void;
}

/** What became of the frames and packets of one viewer, since the connection began. */
export interface SendCounts {
  /** Frames that were dropped because too much waited. */
  readonly framesDropped: number;
  /** Packets that were sent again because the viewer asked. */
  readonly packetsRetransmitted: number;
}

/** The sending half of a video section. */
export interface PeerVideoSender {
  /** What is sent at present; `null` until the two ends agreed, or when nothing is to be sent. */
  readonly codec: VideoCodecName | null;
  /** All that the two ends agreed on, what was wished for first. */
  readonly codecs: readonly VideoCodecName[];
  /** Why nothing can be sent to a viewer that wants to see something. */
  readonly refusal: string | null;
  /** The payload size that fits a packet of this transport. */
  readonly maxPayload: number;
  /** The viewer lost its picture (PLI or FIR). */
  onKeyFrameRequest: (() => void) | null;
  /** How much can be sent. */
  readonly rate: SendRate;
  /** For statistics. */
  readonly counts: SendCounts;
  /** Forgets what waits, and sends this codec from now on, one of `codecs`. */
  use(codec: VideoCodecName): void;
  /** Sends one frame: its RTP payloads, and its time in 90 kHz units. Never blocks. */
  sendFrame(
    payloads: readonly Uint8Array<ArrayBuffer>[],
    timestamp90kHz: number,
    keyFrame: boolean,
  ): void;
  /** Forgets what waits to be sent. */
  drop(): void;
}

/** A video packet as it came from the network: in whatever order, perhaps twice. */
export interface ReceivedPacket extends SequencedPacket {
  /** Which stream of the section it belongs to; a sender that starts anew takes another number. */
  readonly ssrc: number;
  /** What is in it. */
  readonly codec: VideoCodecName;
}

/** The receiving half of a video section. */
export interface PeerVideoReceiver {
  /** What the other end calls it: its stream's id; `null` when it does not say. */
  readonly name: string | null;
  /** Only one. */
  onPacket: ((packet: ReceivedPacket) => void) | null;
  /** Asks the sender for a key frame (PLI). */
  requestKeyFrame(): void;
  /** Asks the sender for packets again (generic NACK), by their 16-bit numbers. */
  nack(sequences: readonly number[]): void;
}

/** The sending half of a sound section. */
export interface PeerAudioSender {
  /** Whether the other end takes Opus; known when connected. */
  readonly agreed: boolean;
  /** The other end reported this share of the packets lost lately, from 0 to 1. Only one. */
  onLoss: ((share: number) => void) | null;
  /** Sends 20 ms of Opus; `marker` says that it is the first after a silence. Never blocks. */
  send(payload: Uint8Array<ArrayBuffer>, timestamp48kHz: number, marker: boolean): void;
}

/** An Opus packet as it came from the network: in whatever order, perhaps twice. */
export interface ReceivedAudioPacket {
  /** 16 bits. */
  readonly sequence: number;
  /** 48 kHz, 32 bits. */
  readonly timestamp: number;
  /** A sender that starts anew takes another number. */
  readonly ssrc: number;
  /** One Opus packet. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The receiving half of a sound section. */
export interface PeerAudioReceiver {
  /** What the other end calls it: its stream's id; `null` when it does not say. */
  readonly name: string | null;
  /** Only one. */
  onPacket: ((packet: ReceivedAudioPacket) => void) | null;
}

/** How many sections an offer asks for in which the other end sends. */
export interface WantedMedia {
  readonly video: number;
  readonly audio: number;
}

/** What a peer tells its owner. */
export interface PeerListener {
  /** `error` says why, with `failed`. */
  state(state: PeerState, error?: Error): void;
  /** The other end opened a channel; it is open. */
  channel(channel: PeerChannel): void;
  /** The other end sends video; said when the descriptions are made, before packets can come. */
  video(receiver: PeerVideoReceiver): void;
  /** The other end sends sound; said when the descriptions are made, before packets can come. */
  audio(receiver: PeerAudioReceiver): void;
}

/** One end of a WebRTC connection. Exactly one of `offer` and `answer` is called, once. */
export interface Peer {
  /** Makes a channel; it opens when the transport is connected. */
  createChannel(options: PeerChannelOptions): PeerChannel;
  /**
   * Adds a video section that sends; before `offer` or `answer`.
   *
   * @param wished what can be sent in it, best first
   */
  addVideoSender(name: string, wished: readonly VideoCodecName[]): PeerVideoSender;
  /** Adds a sound section that sends; before `offer` or `answer`. */
  addAudioSender(name: string): PeerAudioSender;
  /** An offer with all candidates; what we want is taken in the sections that send, as far as they go. */
  offer(wanted: WantedMedia): Promise<Description>;
  /** Takes the offer and answers it, with all candidates; all that it sends is accepted. */
  answer(offer: Description): Promise<Description>;
  /** Takes the answer to our offer. */
  accept(answer: Description): Promise<void>;
  /** Whether the descriptions have a place for data channels; known when connected. */
  readonly hasData: boolean;
  /** When anything authentic last arrived from the other end, on the clock of `performance.now()`. */
  readonly lastHeardMs: number;
  /** All datagrams' bytes over the path in use, without UDP and IP headers. */
  readonly traffic: { readonly bytesSent: number; readonly bytesReceived: number };
  /** Looks up what the other end hides, after `answer` or `accept`, and tries it once it is known. */
  addHidden(candidates: readonly HiddenCandidate[]): void;
  /** The paths that were tried and the servers that were asked; after the end, as it was then. */
  readonly route: RouteFindings;
  /** Asks the other end for a sign of life, which renews `lastHeardMs`. */
  probe(): void;
  /** Frees sockets and timers. Idempotent; the state becomes `closed`. */
  close(): Promise<void>;
}

/** Makes the end of a connection; loads the engine on first use. */
export type PeerFactory = (
  configuration: Required<RTCConfiguration>,
  listener: PeerListener,
) => Promise<Peer>;
