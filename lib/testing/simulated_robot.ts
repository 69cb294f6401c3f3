import { VideoFrame } from "../media/video_frame.ts";
import { SubscriptionConsumer } from "../subscriptions/consumer.ts";
import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Body } from "./body.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Renderer } from "./renderer.ts";
import { World } from "./world.ts";

/** Where the robot is, as a page shows it. */
export interface RobotPose {
  /** Metres east of the house's south-west corner. */
  readonly x: number;
  /** Metres north of it. */
  readonly y: number;
  /** Degrees counter-clockwise from east, from 0 to 360. */
  readonly headingDeg: number;
}

/** Options of {@linkcode SimulatedRobot}. */
export interface SimulatedRobotOptions {
  /** Where loose things stand, and the weather. @default {1} */
  seed?: number;
  /** Width of the camera's picture, even, in pixels. @default {640} */
  width?: number;
  /** Height of the camera's picture, even, in pixels. @default {480} */
  height?: number;
  /** Pictures a second. @default {30} */
  fps?: number;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** So often where it is is told. */
const POSES_HZ = 10;

/**
 * A robot that exists only in this program: it drives through a small house, sees it in first person,
 * cannot pass its walls, and stops when it has heard no command for half a second. The same seed and the
 * same commands at the same times give the same pictures, byte for byte.
 *
 * ```ts
 * import { ManualClock, SimulatedRobot } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * await using robot = new SimulatedRobot({ clock });
 * const frame = robot.camera.get();
 * robot.drive.put_nowait({ forward: 1, leftright: 0 });
 * clock.advance(100);
 * assert.equal((await frame).width, 640);
 * assert.ok(robot.pose.x > 1.5);
 * ```
 */
export class SimulatedRobot extends Lifecycle {
  /** What it sees; a picture is drawn only when somebody is subscribed. Newest only by default. */
  readonly camera: SimulatedCamera;
  /** Takes `{forward, leftright}`, each from -1 to 1; right is positive. Anything else is ignored. */
  readonly drive: SimulatedDrive;
  /** Where it is, ten times a second. */
  readonly poses: SubscriptionProducer<RobotPose>;
  readonly #body: Body;
  readonly #clock: Clock;
  readonly #stops: (() => void)[];
  #livedMs: number;

  /** Builds the house, a few tenths of a second of work. @param options see {@linkcode SimulatedRobotOptions} */
  constructor(options: SimulatedRobotOptions = {}) {
    super();
    const { seed = 1, width = 640, height = 480, fps = 30, clock = systemClock } = options;
    const world = new World(seed);
    this.#body = new Body(world);
    this.#clock = clock;
    this.#livedMs = clock.now();
    const renderer = new Renderer(world, width, height);
    const camera = new SimulatedCamera(renderer, () => this.#live().pose, clock);
    const poses = new Poses();
    this.camera = camera;
    this.poses = poses;
    this.drive = new SimulatedDrive((command) => this.#live().command(command));
    this.#stops = [
      clock.every(1000 / fps, () => camera.tick()),
      clock.every(1000 / POSES_HZ, () => poses.tell(this.pose)),
    ];
  }

  /** Where it is now. */
  get pose(): RobotPose {
    const { x, y, heading } = this.#live().pose;
    return { x, y, headingDeg: heading * 180 / Math.PI };
  }

  /** Frees the clock, and closes camera, drive and poses. */
  protected override async _close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await Promise.all([this.camera.close(), this.drive.close(), this.poses.close()]);
  }

  /** The body at this moment: it lives in whole milliseconds, the rest is left for the next time. */
  #live(): Body {
    const ms = Math.floor(this.#clock.now() - this.#livedMs);
    this.#body.advance(ms);
    this.#livedMs += ms;
    return this.#body;
  }
}

/** The simulated robot's camera: an ordinary producer of frames. */
export class SimulatedCamera extends SubscriptionProducer<VideoFrame> {
  readonly #renderer: Renderer;
  readonly #pose: () => Parameters<Renderer["render"]>[0];
  readonly #clock: Clock;

  /** Made by {@linkcode SimulatedRobot}. */
  constructor(renderer: Renderer, pose: () => Parameters<Renderer["render"]>[0], clock: Clock) {
    super({ defaultSubscription: () => new MostRecentSubscription() });
    this.#renderer = renderer;
    this.#pose = pose;
    this.#clock = clock;
  }

  /** For {@linkcode SimulatedRobot}: it is time for a picture. */
  tick(): void {
    if (!this._hasSubscribers) return;
    const { width, height } = this.#renderer;
    const timestampUs = this.#clock.now() * 1000; // of the moment that is seen, not when it is drawn
    const data = this.#renderer.render(this.#pose());
    this._put_nowait(VideoFrame.fromI420({ data, width, height }, timestampUs));
  }
}

/** The simulated robot's wheels: an ordinary consumer of commands. */
export class SimulatedDrive extends SubscriptionConsumer<unknown> {
  readonly #command: (command: unknown) => void;

  /** Made by {@linkcode SimulatedRobot}. */
  constructor(command: (command: unknown) => void) {
    super({ directPutSubscription: () => new MostRecentSubscription() });
    this.#command = command;
    this.#read();
  }

  /** Takes a command at once; the newest wins. */
  override put_nowait(command: unknown): void {
    this._refuseIfClosed("drive");
    this.stopSubscription();
    this.#command(command);
  }

  async #read(): Promise<void> {
    for (;;) {
      let command: unknown;
      try {
        command = await this._get();
      } catch {
        return; // it was closed
      }
      this.#command(command);
    }
  }
}

class Poses extends SubscriptionProducer<RobotPose> {
  constructor() {
    super({ defaultSubscription: () => new MostRecentSubscription() });
  }

  tell(pose: RobotPose): void {
    this._put_nowait(pose);
  }
}
