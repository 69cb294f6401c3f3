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
export type {
  BlockingConsumer,
  BlockingProducer,
  BlockingProducerConsumer,
  BlockingThread,
} from "./lib/workers/blocking_thread.ts";
export * from "./lib/workers/function_worker.ts";
export type { BlockingOptions } from "./lib/workers/link.ts";
export * from "./lib/workers/processes.ts";
export type { Code } from "./lib/workers/source.ts";
export * from "./lib/workers/threaded.ts";
export * from "./lib/codecs/choose.ts";
export type { AudioDecoder, AudioEncoder, AudioEncoderOptions } from "./lib/codecs/audio_codec.ts";
export { OpusDecoder, OpusEncoder } from "./lib/codecs/opus.ts";
export type * from "./lib/codecs/codec.ts";
export * from "./lib/media/audio_frame.ts";
export type { AudioJitterCounts } from "./lib/media/audio_jitter_buffer.ts";
export type { AudioLike, SampleBlock } from "./lib/media/audio_like.ts";
export * from "./lib/media/encoded.ts";
export * from "./lib/media/test_card.ts";
export * from "./lib/media/tone.ts";
export * from "./lib/media/video_frame.ts";
export type { VideoLike } from "./lib/media/video_like.ts";
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
export { VideoTrack } from "./lib/connection/video_track.ts";
export { Camera, Camera as CVCamera } from "./lib/devices/camera.ts";
export type { CameraControl, CameraControlValue } from "./lib/devices/camera_controls.ts";
export { CameraEncoded } from "./lib/devices/camera_encoded.ts";
export type {
  CameraCapability,
  CameraFormat,
  CameraInfo,
  CameraPixelFormat,
  CameraSize,
  CameraSizeRange,
} from "./lib/devices/camera_format.ts";
export type { CameraOptions, VideoKernel } from "./lib/devices/camera_options.ts";
export type { Preprocess } from "./lib/devices/camera_preprocess.ts";
export * from "./lib/devices/open_camera.ts";

export { PiCamera, PiCamera as PiCamera2 } from "./lib/devices/pi_camera.ts";
export { PiCameraEncoded } from "./lib/devices/pi_camera_encoded.ts";
export type { PiCameraOptions } from "./lib/devices/pi_camera_args.ts";
export {
  Display,
  Display as CVDisplay,
  type Displayable,
  type DisplayOptions,
} from "./lib/devices/display.ts";
export type { DisplayStage, StageListener } from "./lib/devices/display_screen.ts";
export { type DisplayKey, DisplayKeys } from "./lib/devices/display_keys.ts";
export { Microphone, type MicrophoneOptions } from "./lib/devices/microphone.ts";
export { Speaker, type SpeakerOptions } from "./lib/devices/speaker.ts";
export type { SoundDevice, SoundDirection, SoundSystem } from "./lib/devices/sound_port.ts";
export type { SoundListOptions, SoundOptions } from "./lib/devices/sound_systems.ts";
export {
  Gamepad,
  type GamepadEvents,
  type GamepadOptions,
  type PageGamepadEvent,
  type Rumble,
} from "./lib/devices/gamepad.ts";
export { InputDevice, type InputOptions } from "./lib/devices/input_device.ts";
export type { InputBackend, InputInfo, InputPort, InputScan } from "./lib/devices/input_port.ts";
export { Keyboard } from "./lib/devices/keyboard.ts";
export { Mouse } from "./lib/devices/mouse.ts";
export type { InputEvent, InputEventKind, InputRecord } from "./lib/wire/evdev.ts";
export type { InputKind } from "./lib/wire/evdev_kinds.ts";
export type { AxisRange, GamepadState } from "./lib/wire/evdev_pad.ts";
export type { InputSnapshot } from "./lib/wire/evdev_tracker.ts";
export { SerialConnection } from "./lib/devices/serial_connection.ts";
export type { SerialConnectionOptions } from "./lib/devices/serial_options.ts";
export type * from "./lib/devices/serial_messages.ts";
export type * from "./lib/devices/serial_port.ts";
export type { Framer } from "./lib/wire/framer.ts";
export * from "./lib/wire/struct.ts";
export { GPS, type GPSOptions, type GPSSource } from "./lib/devices/gps.ts";
export type { GPSQuality } from "./lib/wire/nmea.ts";
export type { GPSFix } from "./lib/wire/nmea_fixes.ts";
export { FFmpegSource } from "./lib/devices/ffmpeg_source.ts";
export type { FFmpegSourceOptions } from "./lib/devices/ffmpeg_source_args.ts";
export { type EncodedAudio, FFmpegTrack } from "./lib/devices/ffmpeg_track.ts";
export { Recorder } from "./lib/devices/recorder.ts";
export type { RecorderFormat, RecorderOptions } from "./lib/devices/recorder_args.ts";
export { RecorderTrack } from "./lib/devices/recorder_track.ts";
export * from "./lib/signaling/connect_route.ts";
export * from "./lib/signaling/mod.ts";
export type { ReconnectOptions } from "./lib/signaling/reconnecting.ts";
export * from "./lib/signaling/signaling_client.ts";
export * from "./lib/signaling/reachable_robot.ts";
export * from "./lib/signaling/turn_credentials.ts";
export * from "./lib/signaling/websocket.ts";
export type {
  WebsocketOptions,
  WebsocketState,
  WebsocketUpgradeOptions,
} from "./lib/signaling/websocket_options.ts";
export type { WebsocketEnd } from "./lib/signaling/websocket_link.ts";
export type { Connectable, OfferBounds } from "./lib/signaling/offer_answerer.ts";
export * from "./lib/signaling/whip_client.ts";
export type { LinkedIceServer } from "./lib/signaling/whip_links.ts";
export * from "./lib/signaling/whip_route.ts";
export * from "./lib/signaling/rtcbot_js.ts";
export { type PageIceServer, robotPage, type RobotPageOptions } from "./lib/browser/robot_page.ts";
export { type DriveCommand, parseDriveCommand } from "./lib/wire/drive_command.ts";
export type {
  Route,
  RouteEnd,
  RouteEndType,
  RouteName,
  RoutePath,
  RouteServer,
} from "./lib/wire/route.ts";
export type { SequencedPacket } from "./lib/wire/rtp_receive.ts";
export type { Description } from "./lib/wire/description.ts";
