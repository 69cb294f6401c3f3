/**
 * Robots and devices that exist only in software, for tests, demos and first steps.
 *
 * ```ts
 * import { SimulatedRobot } from "rtcbot/testing";
 *
 * await using robot = new SimulatedRobot();
 * console.log(robot.pose); // { x: 1.5, y: 5.4, headingDeg: 0 }
 * ```
 *
 * @module
 */
export { type Clock, ManualClock, systemClock } from "./testing/clock.ts";
export { FakeArduino, type FakeArduinoOptions, type FakeMotors } from "./testing/fake_arduino.ts";
export { FakeCamera, type FakeCameraOptions } from "./testing/fake_camera.ts";
export { FakeDisplay, type FakeDisplayOptions, type FakeWindow } from "./testing/fake_display.ts";
export { FakeGamepad, type FakeGamepadOptions } from "./testing/fake_gamepad.ts";
export { FakeGPS, type FakeGPSOptions, type FakeGPSPosition } from "./testing/fake_gps.ts";
export type { FakeRumble } from "./testing/fake_input.ts";
export { FakeKeyboard } from "./testing/fake_keyboard.ts";
export { FakeMicrophone, type FakeMicrophoneOptions } from "./testing/fake_microphone.ts";
export { FakeMouse } from "./testing/fake_mouse.ts";
export { FakeSerialBoard, type FakeSerialBoardOptions } from "./testing/fake_serial.ts";
export { FakeSpeaker, type FakeSpeakerOptions } from "./testing/fake_speaker.ts";
export { FakeVideoKernel, type FakeVideoKernelOptions } from "./testing/fake_video_kernel.ts";
export * from "./testing/fake_webcam.ts";
export type { FakeControl } from "./testing/fake_webcam_controls.ts";
export type { FakeWebcamFormat } from "./testing/fake_webcam_formats.ts";
export * from "./testing/simulated_robot.ts";
