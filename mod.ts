/**
 * The best way to build a remote-controlled robot in TypeScript: producers and consumers of data joined
 * in a few lines, and a browser that drives the robot over WebRTC.
 *
 * Importing needs no permission and opens nothing; libraries are loaded when they are first used.
 *
 * ```ts no-assert
 * import { Hono } from "@hono/hono";
 * import { connectRoute, getRTCBotJS, robotPage, RTCConnection } from "rtcbot";
 * import { SimulatedRobot } from "rtcbot/testing";
 *
 * const robot = new SimulatedRobot();
 * const app = new Hono();
 * app.get("/", (c) => c.html(robotPage()));
 * app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
 * app.post("/connect", connectRoute(() => {
 *   const conn = new RTCConnection();
 *   conn.video.putSubscription(robot.camera);
 *   conn.control.subscribe(robot.drive);
 *   return conn;
 * }));
 * const serve = () => Deno.serve({ port: 8080 }, app.fetch);
 * ```
 *
 * @module
 */
export * from "./lib/errors.ts";
export * from "./lib/subscriptions/mod.ts";
export * from "./lib/codecs/choose.ts";
export type { AudioDecoder, AudioEncoder, AudioEncoderOptions } from "./lib/codecs/audio_codec.ts";
export { OpusDecoder, OpusEncoder } from "./lib/codecs/opus.ts";
export type * from "./lib/codecs/codec.ts";
export * from "./lib/media/audio_frame.ts";
export type { AudioJitterCounts } from "./lib/media/audio_jitter_buffer.ts";
export * from "./lib/media/encoded.ts";
export * from "./lib/media/test_card.ts";
export * from "./lib/media/tone.ts";
export * from "./lib/media/video_frame.ts";
export type { DataChannelOptions } from "./lib/connection/channel_registry.ts";
export type * from "./lib/connection/connection_stats.ts";
export { ControlChannel } from "./lib/connection/control_channel.ts";
export { DataChannel } from "./lib/connection/data_channel.ts";
export type {
  IceServer,
  PeerAudioReceiver,
  PeerVideoReceiver,
  ReceivedAudioPacket,
  ReceivedPacket,
  RTCConfiguration,
} from "./lib/connection/peer.ts";
export * from "./lib/connection/rtc_connection.ts";
export type { RTCConnectionOptions } from "./lib/connection/rtc_connection_options.ts";
export { StatsProducer } from "./lib/connection/stats_producer.ts";
export type { EncodingOptions } from "./lib/connection/shared_encoder.ts";
export { VideoHandler, type VideoKinds } from "./lib/connection/video_handler.ts";
export { AudioHandler, type AudioKinds } from "./lib/connection/audio_handler.ts";
export type { AudioLike, SampleBlock } from "./lib/connection/audio_like.ts";
export type { AudioReceiverStats } from "./lib/connection/audio_receiver.ts";
export type { AudioSendingOptions } from "./lib/connection/audio_sender.ts";
export { AudioTrack } from "./lib/connection/audio_track.ts";
export {
  type AlsoReads,
  type IncomingTrack,
  MediaHandler,
  type MediaKinds,
  type OutgoingTrack,
  type TrackOptions,
} from "./lib/connection/media_handler.ts";
export { ReceivedAudio } from "./lib/connection/received_audio.ts";
export { ReceivedVideo } from "./lib/connection/received_video.ts";
export type { VideoReceiverStats } from "./lib/connection/video_receiver.ts";
export type { VideoLike } from "./lib/connection/video_like.ts";
export { VideoTrack } from "./lib/connection/video_track.ts";
export { FFmpegSource } from "./lib/devices/ffmpeg_source.ts";
export type { FFmpegSourceOptions } from "./lib/devices/ffmpeg_source_args.ts";
export { type EncodedAudio, FFmpegTrack } from "./lib/devices/ffmpeg_track.ts";
export { Recorder } from "./lib/devices/recorder.ts";
export type { RecorderFormat, RecorderOptions } from "./lib/devices/recorder_args.ts";
export { RecorderTrack } from "./lib/devices/recorder_track.ts";
export type { RecordedVideo } from "./lib/devices/recorder_values.ts";
export * from "./lib/signaling/connect_route.ts";
export type { Connectable, OfferBounds } from "./lib/signaling/offer_answerer.ts";
export * from "./lib/signaling/whip_client.ts";
export type { LinkedIceServer } from "./lib/signaling/whip_links.ts";
export * from "./lib/signaling/whip_route.ts";
export * from "./lib/signaling/rtcbot_js.ts";
export { type PageIceServer, robotPage, type RobotPageOptions } from "./lib/browser/robot_page.ts";
export { type DriveCommand, parseDriveCommand } from "./lib/wire/drive_command.ts";
export type { SequencedPacket } from "./lib/wire/rtp_receive.ts";
export type { Description } from "./lib/wire/description.ts";
