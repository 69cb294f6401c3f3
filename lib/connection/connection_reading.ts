/** What is read of a connection at one moment, and how statistics are reckoned from two readings. */
import type {
  ConnectionStats,
  DataStats,
  IncomingAudioStats,
  IncomingVideoStats,
  OutgoingAudioStats,
  OutgoingVideoStats,
} from "./connection_stats.ts";
import type { AudioHandler } from "./audio_handler.ts";
import type { ControlChannel } from "./control_channel.ts";
import type { Peer } from "./peer.ts";
import type { VideoHandler } from "./video_handler.ts";

/** What is read of an outgoing video at one moment; all counts. */
export type OutgoingVideoReading =
  & Omit<OutgoingVideoStats, "fps" | "bitrate" | "encodeMs">
  & { readonly bytes: number; readonly framesEncoded: number; readonly encodingMs: number };
/** The same of an incoming one. */
export type IncomingVideoReading =
  & Omit<IncomingVideoStats, "fps" | "bitrate">
  & { readonly bytes: number };
/** Of an outgoing sound. */
export type OutgoingAudioReading = Omit<OutgoingAudioStats, "bitrate"> & { readonly bytes: number };
/** Of an incoming one. */
export type IncomingAudioReading = Omit<IncomingAudioStats, "bitrate"> & { readonly bytes: number };

/** What is read of a connection at one moment. */
export interface ConnectionReading {
  readonly state: Omit<ConnectionStats, "sentBitrate" | "receivedBitrate" | "video" | "audio">;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly outgoingVideo: readonly OutgoingVideoReading[];
  readonly incomingVideo: readonly IncomingVideoReading[];
  readonly outgoingAudio: readonly OutgoingAudioReading[];
  readonly incomingAudio: readonly IncomingAudioReading[];
}

/** Reads a connection. @param traffic `undefined` before it has an engine */
export function readConnection(
  { video, audio, control }: {
    readonly video: VideoHandler;
    readonly audio: AudioHandler;
    readonly control: ControlChannel;
  },
  data: DataStats,
  traffic: Peer["traffic"] | undefined,
): ConnectionReading {
  const links = video._outgoing.map((track) => track._rate?.link).filter((link) => link?.proven);
  const reported = links.find((link) => link?.roundTripMs != null)?.roundTripMs ?? null;
  const rttMs = control.rttMs ?? reported;
  return {
    state: {
      timestampMs: performance.now(),
      rttMs,
      rttSource: control.rttMs !== null ? "library" : rttMs === null ? null : "rtcp",
      estimatedBandwidth: links.length === 0
        ? null
        : Math.round(links.reduce((sum, link) => sum + link!.bitrate, 0)),
      pictureAgeMs: control._pictureAgeMs,
      data,
    },
    bytesSent: traffic?.bytesSent ?? 0,
    bytesReceived: traffic?.bytesReceived ?? 0,
    outgoingVideo: video._outgoing.map((track) => track._reading),
    incomingVideo: video._incoming.map((track) => track._reading),
    outgoingAudio: audio._outgoing.map((track) => track._reading),
    incomingAudio: audio._incoming.map((track) => track._reading),
  };
}

/** What happened between two readings; tracks that were not there before began with nothing. */
export function statsBetween(before: ConnectionReading, after: ConnectionReading): ConnectionStats {
  const seconds = (after.state.timestampMs - before.state.timestampMs) / 1_000;
  // A count that starts again, as when the path is another one, is no negative rate.
  const rate = (now: number, then = 0) => seconds > 0 ? Math.max(0, now - then) / seconds : 0;
  const bits = (now: number, then = 0) => Math.round(8 * rate(now, then));
  const fps = (now: number, then = 0) => Math.round(10 * rate(now, then)) / 10;
  return {
    ...after.state,
    sentBitrate: bits(after.bytesSent, before.bytesSent),
    receivedBitrate: bits(after.bytesReceived, before.bytesReceived),
    video: {
      outgoing: after.outgoingVideo.map(({ bytes, framesEncoded, encodingMs, ...now }, i) => {
        const then = before.outgoingVideo[i];
        const encoded = framesEncoded - (then?.framesEncoded ?? 0);
        return {
          ...now,
          fps: fps(now.framesSent, then?.framesSent),
          bitrate: bits(bytes, then?.bytes),
          encodeMs: encoded > 0 ? (encodingMs - (then?.encodingMs ?? 0)) / encoded : null,
        };
      }),
      incoming: after.incomingVideo.map(({ bytes, ...now }, i) => {
        const then = before.incomingVideo[i];
        return {
          ...now,
          fps: fps(now.framesDecoded, then?.framesDecoded),
          bitrate: bits(bytes, then?.bytes),
        };
      }),
    },
    audio: {
      outgoing: after.outgoingAudio.map(({ bytes, ...now }, i) => (
        { ...now, bitrate: bits(bytes, before.outgoingAudio[i]?.bytes) }
      )),
      incoming: after.incomingAudio.map(({ bytes, ...now }, i) => (
        { ...now, bitrate: bits(bytes, before.incomingAudio[i]?.bytes) }
      )),
    },
  };
}
