import type { AudioFrame } from "../media/audio_frame.ts";
import { Queue } from "../subscriptions/queue.ts";
import type { AudioLike } from "../media/audio_like.ts";
import type { AudioSendingOptions } from "./audio_sender.ts";
import { AudioTrack } from "./audio_track.ts";
import { type AlsoReads, MediaHandler, type MediaKinds } from "./media_handler.ts";
import type { Peer, PeerAudioReceiver } from "./peer.ts";
import { MAX_UNREAD_AUDIO, ReceivedAudio } from "./received_audio.ts";

/** What {@linkcode AudioHandler} is made of. */
export interface AudioKinds extends MediaKinds {
  /** What may be put. */
  In: AudioLike;
  /** What is received. */
  Out: AudioFrame;
  /** How a source is sent. */
  Options: AudioSendingOptions;
  /** A track that goes out. */
  Outgoing: AudioTrack;
  /** A track that comes in. */
  Incoming: ReceivedAudio;
}

/**
 * `conn.audio`: what the other end hears, and what it says.
 *
 * `putSubscription(microphone)` is heard at the other end, as Opus; connections that are given the same
 * source share one encoder. Give the source before the description is made, so that the connection has a
 * place for sound; it can be replaced at any time.
 *
 * `subscribe()`, `get()` and `for await` give the first sound that the other end sends, in frames of
 * shape `(960, 2)` at 48 kHz, of which a subscription keeps the newest half second. Call one of them (or
 * `offerToReceive`) before an offer is made, so that it asks for sound; what an offer of the other end
 * sends is always accepted. Nothing is decoded while nobody is subscribed.
 *
 * ```ts no-assert
 * import { type AudioFrame, RTCConnection, type Sink } from "rtcbot";
 *
 * function listen(conn: RTCConnection, speaker: Sink<AudioFrame>) {
 *   conn.audio.subscribe(speaker);
 * }
 * ```
 *
 * When a source cannot be encoded, `error` is set and `onError` fires; all else lives on. When what
 * comes cannot be decoded, subscriptions made by `subscribe()` and `get()` reject with the reason.
 *
 * RTCBot: `ConnectionAudioHandler`.
 */
export class AudioHandler extends MediaHandler<AudioKinds, PeerAudioReceiver> {
  /** Made by the connection. */
  constructor() {
    super("sound", () => new Queue<AudioFrame>({ maxSize: MAX_UNREAD_AUDIO }));
  }

  protected override _makeOutgoing(
    options: AudioSendingOptions,
    onError: (error: Error) => void,
  ): AudioTrack {
    return new AudioTrack(options, onError);
  }

  protected override _attachTrack(peer: Peer, track: AudioTrack, name: string): void {
    track._attach(peer.addAudioSender(name));
  }

  protected override _makeIncoming(
    receiver: PeerAudioReceiver,
    also: AlsoReads<AudioFrame>,
  ): ReceivedAudio {
    return new ReceivedAudio(receiver, also);
  }
}
