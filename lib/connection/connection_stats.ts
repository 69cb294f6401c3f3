/** How a connection does: what `conn.stats` gives. */
import type { VideoCodecName } from "../media/encoded.ts";

/**
 * How a connection does: plain numbers, fit for JSON. Rates are of the second before, in bits a second;
 * counts are since the connection began.
 */
export interface ConnectionStats {
  /** When, on the clock of `performance.now()`. */
  readonly timestampMs: number;
  /** There and back; `null` until measured. */
  readonly rttMs: number | null;
  /** Who measured it: the library's own channel, or the viewer's reports on our video. */
  readonly rttSource: "library" | "rtcp" | null;
  /** All that left for the other end: datagrams, without their UDP and IP headers. */
  readonly sentBitrate: number;
  /** All that came from it. */
  readonly receivedBitrate: number;
  /** What the way to the other end is believed to take; `null` until video's viewer has reported. */
  readonly estimatedBandwidth: number | null;
  /**
   * How old our pictures were, on average, when they came on the screen of a page that watches itself
   * (`conn.watchPicture(element)`, as `robotPage()` does): from the time stamp that the source gave
   * them until the display. `null` when no page tells, or nothing new was shown for two seconds.
   */
  readonly pictureAgeMs: number | null;
  /** The default channel and those of `addDataChannel` and `onDataChannel`, together. */
  readonly data: DataStats;
  /** What is seen, in the order in which the tracks were added. */
  readonly video: {
    /** What we send. */
    readonly outgoing: readonly OutgoingVideoStats[];
    /** What the other end sends. */
    readonly incoming: readonly IncomingVideoStats[];
  };
  /** What is heard. */
  readonly audio: {
    /** What we send. */
    readonly outgoing: readonly OutgoingAudioStats[];
    /** What the other end sends. */
    readonly incoming: readonly IncomingAudioStats[];
  };
}

/** Messages. */
export interface DataStats {
  /** Bytes that were put and have not left yet. */
  readonly bufferedAmount: number;
  /** Those that were handed to the network. */
  readonly messagesSent: number;
  /** Those that came. */
  readonly messagesReceived: number;
}

/** What both directions of a video tell. */
export interface VideoFormatStats {
  /** `null` before the first frame, as the sizes are 0. */
  readonly codec: VideoCodecName | null;
  /** In pixels; it may change at any time. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Frames sent or decoded in the last second. */
  readonly fps: number;
  /** Of the pictures alone, without packets' headers and repetitions. */
  readonly bitrate: number;
}

/** A video that we send. */
export interface OutgoingVideoStats extends VideoFormatStats {
  /** What the encoder is to make for this viewer; `null` of what comes encoded. */
  readonly targetBitrate: number | null;
  /** Frames that left. */
  readonly framesSent: number;
  /** Frames of the source that were left out because the encoder or the network was behind. */
  readonly framesDropped: number;
  /** Frames that stand for themselves: the viewer begins, or begins anew, with one. */
  readonly keyFrames: number;
  /** How long the encoding of a frame took, on average of the last second; `null` when none was. */
  readonly encodeMs: number | null;
  /** The part of the packets that the viewer missed lately, 0 to 1. */
  readonly packetsLostShare: number;
  /** Packets that were sent again. */
  readonly packetsRetransmitted: number;
}

/** A video that the other end sends. It is only counted while somebody is subscribed to it. */
export interface IncomingVideoStats extends VideoFormatStats {
  /** What the other end calls the track. */
  readonly name: string | null;
  /** Pictures that were given out. */
  readonly framesDecoded: number;
  /** Whole frames that were not decoded, because we were behind. */
  readonly framesSkipped: number;
  /** Each once, however often it came. */
  readonly packetsReceived: number;
  /** Never came, or too late. */
  readonly packetsLost: number;
  /** Came again because we asked. */
  readonly packetsRecovered: number;
  /** So often the sender was asked for a picture to begin anew with. */
  readonly keyFrameRequests: number;
}

/** A sound that we send. */
export interface OutgoingAudioStats {
  /** The only one. */
  readonly codec: "Opus";
  /** Of the sound alone, without packets' headers. */
  readonly bitrate: number;
  /** Of 20 ms each. */
  readonly packetsSent: number;
}

/** A sound that the other end sends. It is only counted while somebody is subscribed to it. */
export interface IncomingAudioStats {
  /** What the other end calls the track. */
  readonly name: string | null;
  /** The only one. */
  readonly codec: "Opus";
  /** Of the sound alone, without packets' headers. */
  readonly bitrate: number;
  /** From a packet's coming until its sound is given out; `null` while nothing is heard. */
  readonly latencyMs: number | null;
  /** Each once, however often it came. */
  readonly packetsReceived: number;
  /** The part of the packets that was missing lately, 0 to 1. */
  readonly packetsLostShare: number;
  /** How much sound was made up for packets that were missing. */
  readonly concealedMs: number;
}
