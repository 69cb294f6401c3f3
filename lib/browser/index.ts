/// <reference lib="dom" />
/**
 * `rtcbot.js`: the robot's words in the page. Served by `getRTCBotJS()`; as a classic script it makes
 * the global `rtcbot`, as an ES module it exports the same names.
 */

export { ConnectionLost, NegotiationError, RtcbotError, SubscriptionClosed } from "../errors.ts";
export { type ConnectionState, type Description, RTCConnection } from "./rtc_connection.ts";
export type { Control } from "./control.ts";
export type { MediaLane } from "./media_lane.ts";
export { Drive, type DriveOptions } from "./drive.ts";
export type { DriveCommand } from "./drive_inputs.ts";
export { Gamepad, type GamepadEventMessage, type GamepadState, setGamepadRate } from "./gamepad.ts";
export { Joystick, type StickPosition } from "./joystick.ts";
export { Keyboard, type KeyboardEventMessage } from "./keyboard.ts";
export type { Route } from "../wire/route.ts";
export { type GetOptions, Queue } from "./queue.ts";
export type { Callback, Life } from "./life.ts";
export { Producer, type Sink, type Subscriber } from "./producer.ts";
export { Refused } from "./ask.ts";
export {
  type StayConnected,
  stayConnected,
  type StayConnectedOptions,
  type StayState,
} from "./stay_connected.ts";
export { Websocket } from "./websocket.ts";
