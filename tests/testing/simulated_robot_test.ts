import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { SubscriptionClosed, type VideoFrame } from "../../mod.ts";
import { ManualClock, SimulatedRobot, type SimulatedRobotOptions } from "../../lib/testing.ts";

/** Drives for a while by a script, and says what was seen and where it ended. */
async function drive(seed: number): Promise<{ pictures: string; pose: unknown }> {
  const clock = new ManualClock();
  await using robot = new SimulatedRobot({ seed, clock });
  const hash = createHash("sha256");
  robot.camera.subscribe((frame: VideoFrame) => {
    for (const { data } of frame.planes) hash.update(data);
  });
  for (let i = 0; i < 40; i++) {
    robot.drive.put_nowait({ forward: Math.cos(i / 9), leftright: Math.sin(i / 5) });
    clock.advance(100);
  }
  return { pictures: hash.digest("hex"), pose: robot.pose };
}

async function withRobot(
  body: (robot: SimulatedRobot, clock: ManualClock) => void | Promise<void>,
  options: SimulatedRobotOptions = {},
): Promise<void> {
  const clock = new ManualClock();
  await using robot = new SimulatedRobot({ ...options, clock });
  await body(robot, clock);
}

Deno.test("SimulatedRobot gives the same pictures for the same seed and commands", async () => {
  const [first, second, other] = [await drive(7), await drive(7), await drive(8)];
  assert.deepEqual(first, second);
  assert.notEqual(first.pictures, other.pictures);
});

Deno.test("SimulatedRobot ends at the same place however its time was cut", async () => {
  const poses: unknown[] = [];
  for (const stepMs of [1, 7, 250]) {
    await withRobot((robot, clock) => {
      robot.drive.put_nowait({ forward: 1, leftright: 0.3 });
      for (let ms = 0; ms < 1750; ms += stepMs) clock.advance(stepMs);
      poses.push(robot.pose);
    });
  }
  assert.deepEqual(poses[1], poses[0]);
  assert.deepEqual(poses[2], poses[0]);
});

Deno.test("SimulatedRobot drives forward at 1 m/s and turns right for a positive leftright", async () => {
  await withRobot((robot, clock) => {
    const start = robot.pose;
    for (let i = 0; i < 10; i++) {
      robot.drive.put_nowait({ forward: 1, leftright: 0 });
      clock.advance(100);
    }
    const { x, y, headingDeg } = robot.pose;
    assert.ok(x - start.x > 0.7 && x - start.x < 1, `it drove ${x - start.x} m in a second`);
    assert.equal(y, start.y);
    assert.equal(headingDeg, start.headingDeg);
    robot.drive.put_nowait({ forward: 0, leftright: 1 });
    clock.advance(400);
    assert.ok(robot.pose.headingDeg > 180 && robot.pose.headingDeg < 359);
  });
});

Deno.test("SimulatedRobot stops when it has heard no command for 500 ms", async () => {
  await withRobot((robot, clock) => {
    robot.drive.put_nowait({ forward: 1, leftright: 0 });
    clock.advance(499);
    const before = robot.pose.x;
    clock.advance(1);
    assert.ok(robot.pose.x > before, "it still drives");
    clock.advance(1000);
    const stopped = robot.pose;
    clock.advance(10_000);
    assert.deepEqual(robot.pose, stopped);
  });
});

Deno.test("SimulatedRobot cannot pass walls, whatever it is told", async () => {
  await withRobot((robot, clock) => {
    let random = 12345;
    const next = () => (random = (random * 1103515245 + 12345) % 2147483648) / 1073741824 - 1;
    const seen = new Set<string>();
    for (let i = 0; i < 3000; i++) {
      robot.drive.put_nowait({ forward: Math.sign(next()) || 1, leftright: next() });
      clock.advance(200);
      const { x, y } = robot.pose;
      assert.ok(x > 0 && y > 0 && x < 30 && y < 30, `it left the house at ${x}, ${y}`);
      seen.add(`${Math.floor(x)},${Math.floor(y)}`);
    }
    assert.ok(seen.size > 5, "it got around");
  });
});

Deno.test("SimulatedRobot ignores what is no command", async () => {
  await withRobot((robot, clock) => {
    const before = robot.pose;
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (
      const garbage of [
        undefined,
        null,
        1,
        "forward",
        [],
        {},
        { forward: 1 },
        { forward: "1", leftright: 0 },
        { forward: NaN, leftright: 0 },
        { forward: Infinity, leftright: 0 },
        revoked.proxy,
        new Uint8Array(3),
      ]
    ) robot.drive.put_nowait(garbage);
    clock.advance(400);
    assert.deepEqual(robot.pose, before);
    robot.drive.put_nowait({ forward: 1e9, leftright: 0 });
    clock.advance(400);
    assert.ok(robot.pose.x - before.x < 0.4, "it is no faster than it can be");
  });
});

Deno.test("SimulatedRobot.camera gives frames at its rate, and draws none for nobody", async () => {
  await withRobot(async (robot, clock) => {
    clock.advance(1010);
    const frames: VideoFrame[] = [];
    robot.camera.subscribe((frame: VideoFrame) => frames.push(frame));
    clock.advance(2000);
    assert.equal(frames.length, 30);
    const [first, second] = frames;
    assert.deepEqual([first!.width, first!.height, first!.format], [320, 240, "I420"]);
    assert.equal(Math.round(second!.timestampUs - first!.timestampUs), 66_667);
    const newest = robot.camera.subscribe();
    clock.advance(1000);
    assert.equal(newest.size, 1);
    assert.equal(await newest.get(), frames.at(-1));
  }, { width: 320, height: 240, fps: 15 });
});

Deno.test("SimulatedRobot.camera shows that the robot moved", async () => {
  await withRobot((robot, clock) => {
    const frames: VideoFrame[] = [];
    robot.camera.subscribe((frame: VideoFrame) => frames.push(frame));
    clock.advance(40);
    for (let i = 0; i < 10; i++) {
      robot.drive.put_nowait({ forward: 1, leftright: 0 });
      clock.advance(100);
    }
    const luma = (frame: VideoFrame) => frame.planes[0]!.data;
    const [before, after] = [luma(frames[0]!), luma(frames.at(-1)!)];
    let changed = 0;
    for (let i = 0; i < before.length; i++) if (Math.abs(before[i]! - after[i]!) > 16) changed++;
    assert.ok(changed > before.length / 20, `${changed} pixels changed`);
  });
});

Deno.test("SimulatedRobot.drive reads a subscription, and poses tell where it is", async () => {
  await withRobot(async (robot, clock) => {
    const pose = robot.poses.subscribe();
    robot.drive.putSubscription({
      get: ((given) => () =>
        given++ ? new Promise(() => {}) : Promise.resolve({ forward: 1, leftright: 0 }))(0),
    });
    await new Promise((done) => setTimeout(done)); // lets the command arrive
    clock.advance(400);
    assert.ok((await pose.get()).x > 1.5);
  });
});

Deno.test("SimulatedRobot.close() stops everything", async () => {
  const clock = new ManualClock();
  const robot = new SimulatedRobot({ clock });
  await robot.close();
  assert.equal(clock.pending, 0);
  assert.ok(robot.camera.closed && robot.drive.closed && robot.poses.closed);
  assert.throws(() => robot.drive.put_nowait({ forward: 1, leftright: 0 }), SubscriptionClosed);
});

Deno.test("SimulatedRobot says what is wrong with the picture's size", () => {
  assert.throws(
    () => new SimulatedRobot({ width: 641 }),
    /^RangeError: Cannot draw pictures with width 641/,
  );
});
