/** What a display promises, whatever it shows on; run on the fake and on windows of a real X server. */

import assert from "node:assert/strict";
import type { Display, DisplayOptions } from "../../lib/devices/display.ts";
import type { DisplayKey } from "../../lib/devices/display_keys.ts";
import { DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import type { PixelFormat } from "../../lib/media/pixel_format.ts";
import { type PixelArray, VideoFrame } from "../../lib/media/video_frame.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";

export type Color = readonly [red: number, green: number, blue: number];

/** A display, and a user in front of it. */
export interface DisplayKit {
  make(options: DisplayOptions): Display;
  /** A display on a machine without a screen. */
  makeWithoutScreen(): Display;
  /** The colour in the middle of the window. */
  look(display: Display, title: string): Promise<Color>;
  closeByUser(display: Display, title: string): Promise<void>;
  press(display: Display, title: string, key: string): Promise<void>;
}

const DEADLINE_MS = 20_000;
const FORMATS: readonly PixelFormat[] = [
  ...["I420", "NV12", "YUYV", "BGR", "RGB", "BGRA", "RGBA"] as const,
];

/** A frame of one colour. */
export function plain([red, green, blue]: Color, width = 64, height = 48): VideoFrame {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i += 3) data.set([red, green, blue], i);
  return VideoFrame.fromRGB({ data, width, height }, 0);
}

export function near(got: Color, want: Color): boolean {
  return got.every((level, i) => Math.abs(level - want[i]!) <= 6);
}

/** Waits until something is so. */
export async function eventually(what: string, test: () => Promise<boolean> | boolean) {
  const end = performance.now() + DEADLINE_MS;
  while (!await test()) {
    assert.ok(performance.now() < end, `${what}: not within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function displayContract(name: string, kit: DisplayKit): void {
  const shows = (display: Display, title: string, color: Color) =>
    eventually(`${title} is ${color}`, async () => near(await kit.look(display, title), color));
  const test = (what: string, fn: () => Promise<void>) => Deno.test(`${name} ${what}`, fn);

  test("shows the newest of what was put", async () => {
    await using display = kit.make({ name: "newest" });
    await display.onReady();
    for (let level = 0; level <= 200; level += 5) display.put_nowait(plain([level, 0, 0]));
    await shows(display, "newest", [200, 0, 0]);
    assert.ok(display.shown < 10, `${display.shown} frames were shown`);
  });

  test("shows what a subscription gives", async () => {
    await using display = kit.make({ name: "subscription", width: 100, height: 75 });
    const queue = new Queue<VideoFrame>();
    display.putSubscription(queue);
    queue.put_nowait(plain([0, 0, 200]));
    await shows(display, "subscription", [0, 0, 200]);
  });

  test("shows every format of frames, and sizes that are odd", async () => {
    await using display = kit.make({ name: "formats", width: 90, height: 70 });
    for (const [i, format] of FORMATS.entries()) {
      const color = [20 + 30 * i, 200, 40] as const;
      display.put_nowait(plain(color, 64 + i, 48 - i).convert(format));
      await shows(display, "formats", color);
    }
  });

  test("shows arrays of one, three and four channels", async () => {
    await using display = kit.make({ name: "arrays" });
    const array = (...levels: number[]): PixelArray => ({
      data: Uint8Array.from(
        { length: 32 * 32 * levels.length },
        (_, i) => levels[i % levels.length]!,
      ),
      shape: [32, 32, levels.length],
    });
    display.put_nowait(array(130));
    await shows(display, "arrays", [130, 130, 130]);
    display.put_nowait(array(200, 100, 0));
    await shows(display, "arrays", [0, 100, 200]);
    display.put_nowait(array(0, 200, 100, 0)); // alpha is not looked at
    await shows(display, "arrays", [100, 200, 0]);
  });

  test("fails when what was put is no picture", async () => {
    await using display = kit.make({});
    const chunk = { codec: "H264", data: new Uint8Array(9), keyFrame: true, timestampUs: 0 };
    display.put_nowait(chunk as unknown as PixelArray);
    const error = await display.onError();
    assert.ok(error instanceof TypeError, String(error));
    assert.equal(
      error.message,
      "Cannot show the video frame: it is compressed; decode it before",
    );
    assert.ok(display.closed);
  });

  test("is closed by its user, and the others stay", async () => {
    await using one = kit.make({ name: "one" });
    await using other = kit.make({ name: "other" });
    one.put_nowait(plain([250, 250, 0]));
    other.put_nowait(plain([0, 250, 250]));
    await shows(one, "one", [250, 250, 0]);
    await shows(other, "other", [0, 250, 250]);
    await kit.closeByUser(one, "one");
    await one;
    assert.deepEqual([one.closed, one.error, one.keys.closed], [true, null, true]);
    assert.throws(() => one.put_nowait(plain([0, 0, 0])), SubscriptionClosed);
    other.put_nowait(plain([250, 0, 250]));
    await shows(other, "other", [250, 0, 250]);
    assert.ok(!other.closed);
  });

  test("gives the keys of its window, down and up", async () => {
    await using display = kit.make({ name: "keys" });
    const keys: DisplayKey[] = [];
    display.keys.subscribe((key) => keys.push(key));
    display.put_nowait(plain([9, 99, 199]));
    await shows(display, "keys", [9, 99, 199]);
    await kit.press(display, "keys", "w");
    await kit.press(display, "keys", "ArrowUp");
    await eventually("four events", () => keys.length === 4);
    assert.deepEqual(
      keys.map((
        { type, key, keyCode, altKey, shiftKey },
      ) => [type, key, keyCode, altKey, shiftKey]),
      [
        ["keydown", "w", 87, false, false],
        ["keyup", "w", 87, false, false],
        ["keydown", "ArrowUp", 38, false, false],
        ["keyup", "ArrowUp", 38, false, false],
      ],
    );
    assert.ok(keys.every(({ timestamp }, i) => timestamp >= (keys[i - 1]?.timestamp ?? 0)));
  });

  test("may be closed before it opened, and more than once", async () => {
    const display = kit.make({ name: "brief", width: 40, height: 40 });
    await Promise.all([display.close(), display.close()]);
    assert.deepEqual([display.closed, display.error], [true, null]);
    await assert.rejects(display.onReady(), SubscriptionClosed);
  });

  test("opens again after the last one was closed", async () => {
    for (const color of [[200, 0, 0], [0, 200, 0]] as const) {
      await using display = kit.make({ name: "again" });
      display.put_nowait(plain(color));
      await shows(display, "again", color);
    }
  });

  test("says what to do when there is no screen", async () => {
    await using display = kit.makeWithoutScreen();
    const error = await display.onError();
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(
      error.message,
      /^Cannot open a window: SDL found no screen \(.+\); start the program on/,
    );
  });

  test("refuses sizes that make no sense", () => {
    assert.throws(() => kit.make({ width: 100 }), /TypeError: Cannot make a display: only one of/);
    assert.throws(() => kit.make({ width: 100, height: 0.5 }), RangeError);
    return Promise.resolve();
  });
}
