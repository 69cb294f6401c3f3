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
export { FakeCamera, type FakeCameraOptions } from "./testing/fake_camera.ts";
export { FakeMicrophone, type FakeMicrophoneOptions } from "./testing/fake_microphone.ts";
export * from "./testing/simulated_robot.ts";
