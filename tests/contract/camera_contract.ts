/** What every camera promises, a fake one or one that the kernel has. */
import assert from "node:assert/strict";
import type { CameraControl, CameraControlValue } from "../../lib/devices/camera_controls.ts";
import type { CameraFormat } from "../../lib/devices/camera_format.ts";
import { DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import type { VideoFrame } from "../../lib/media/video_frame.ts";
import type { SubscriptionProducer } from "../../lib/subscriptions/producer.ts";
import { inTime } from "./in_time.ts";

/** What the suite calls. */
export interface ContractCamera extends SubscriptionProducer<VideoFrame> {
  readonly format: CameraFormat | null;
  controls(): Promise<readonly CameraControl[]>;
  getControl(name: string): Promise<CameraControlValue>;
  setControl(name: string, value: CameraControlValue): Promise<CameraControlValue>;
}

/** A stage for one test. */
export interface CameraStage {
  /** Opens a camera of 320x180 or so. */
  open(options?: {
    reconnect?: boolean;
    preprocess?: (
      pixels: { data: Uint8Array; shape: readonly [number, number, number] },
    ) => { data: Uint8Array; shape: readonly [number, number, number] };
    controls?: Readonly<Record<string, CameraControlValue>>;
  }): ContractCamera;
  /** Pulls the plug of the one that was opened last. */
  unplug(): Promise<void> | void;
  /** Puts it back; by the kernel's doing it may be back already. */
  plugIn(): void;
  /** Checks that nothing is left open. */
  done?(): void;
}

/** Names of controls that the camera has: a number of 0…255, and a menu with two of its items. */
export interface CameraNames {
  readonly number: string;
  readonly menu: string;
  readonly items: readonly [string, string];
}

/** Runs the suite. @param kind whose promises they are, for the titles */
export function cameraContract(
  kind: string,
  names: CameraNames,
  stage: () => CameraStage,
  options: { ignore?: boolean; hint?: string; deadlineMs?: number } = {},
): void {
  const test = (title: string, fn: (stage: CameraStage) => Promise<void>) =>
    Deno.test({
      name: `${kind} ${title}${options.ignore ? ` (${options.hint})` : ""}`,
      ignore: options.ignore ?? false,
      fn: () =>
        inTime(options.deadlineMs ?? 30_000, async () => {
          const set = stage();
          await fn(set);
          set.done?.();
        }),
    });

  test("gives frames of its format, with times that rise on the program's clock", async (set) => {
    await using camera = set.open();
    let lastUs = -Infinity;
    for (let i = 0; i < 4; i++) {
      const frame = await camera.get();
      const { width, height } = camera.format!;
      assert.deepEqual([frame.width, frame.height, frame.format], [width, height, "I420"]);
      assert.deepEqual(frame.toBGR().shape, [height, width, 3]);
      assert.ok(frame.timestampUs > lastUs, `${frame.timestampUs} after ${lastUs}`);
      const ageMs = performance.now() - frame.timestampUs / 1000;
      assert.ok(ageMs >= -1 && ageMs < 5000, `${ageMs} ms old`);
      lastUs = frame.timestampUs;
    }
    assert.ok(camera.ready);
    assert.ok(camera.format!.fps > 0);
  });

  test("gives frames that own their memory", async (set) => {
    await using camera = set.open();
    const frame = await camera.get();
    const before = frame.clone();
    for (let i = 0; i < 6; i++) await camera.get(); // all of the driver's memory is filled again
    for (const [index, { data }] of frame.planes.entries()) {
      assert.deepEqual(data, before.planes[index]!.data);
    }
  });

  test("keeps only the newest frame for a late reader, and gives all readers the same", async (set) => {
    await using camera = set.open();
    const late = camera.subscribe();
    const frames: VideoFrame[] = [];
    const enough = Promise.withResolvers<void>();
    camera.subscribe((frame) => {
      if (frames.push(frame) === 4) enough.resolve();
    });
    await enough.promise;
    assert.equal(await late.get(), frames[3]);
  });

  test("gives what preprocess returns, with the time of the picture", async (set) => {
    await using camera = set.open({
      preprocess: ({ data, shape: [height, width] }) => {
        // The blue of every second pixel of every second row.
        const [rows, columns] = [height >> 1, width >> 1];
        const half = new Uint8Array(rows * columns);
        for (let y = 0; y < rows; y++) {
          for (let x = 0; x < columns; x++) half[y * columns + x] = data[6 * (y * width + x)]!;
        }
        return { data: half, shape: [rows, columns, 1] };
      },
    });
    const frame = await camera.get();
    const { width, height } = camera.format!;
    assert.deepEqual([frame.format, frame.width, frame.height], ["GRAY", width >> 1, height >> 1]);
    assert.ok(Math.max(...frame.planes[0]!.data.subarray(0, width >> 1)) > 100);
    assert.ok(performance.now() - frame.timestampUs / 1000 < 10_000);
  });

  test("fails with what preprocess throws", async (set) => {
    await using camera = set.open({
      preprocess: () => {
        throw new RangeError("no such robot");
      },
    });
    await assert.rejects(camera.get(), /no such robot/);
    assert.equal((await camera.onError())?.name, "RangeError");
  });

  test("lists its controls, sets them and reads them back", async (set) => {
    await using camera = set.open({ controls: { [names.number]: 77 } });
    await camera.onReady();
    const controls = await camera.controls();
    const number = controls.find((control) => control.name === names.number)!;
    assert.deepEqual([number.type, number.min, number.max], ["integer", 0, 255]);
    const menu = controls.find((control) => control.name === names.menu)!;
    for (const item of names.items) assert.ok(menu.items.some(({ name }) => name === item));
    assert.equal(await camera.getControl(names.number), 77);
    assert.equal(await camera.setControl(number.label, 200), 200);
    assert.equal(await camera.getControl(names.number), 200);
    for (const item of names.items) {
      assert.equal(await camera.setControl(names.menu, item), item);
      assert.equal(await camera.getControl(names.menu), item);
    }
  });

  test("refuses controls, values and items that it does not have, and says which it has", async (set) => {
    await using camera = set.open();
    await assert.rejects(camera.getControl("flavour"), {
      name: "TypeError",
      message: new RegExp(`^Cannot find control "flavour" of camera .*: it has .*${names.number}`),
    });
    await assert.rejects(camera.setControl(names.number, 256), {
      name: "RangeError",
      message: `Cannot set control "${names.number}": 256 is no whole number of 0…255`,
    });
    await assert.rejects(camera.setControl(names.menu, "no such item"), {
      name: "RangeError",
      message: new RegExp(`no item no such item; give one of .*"${names.items[0]}"`),
    });
  });

  test("fails when it is unplugged", async (set) => {
    await using camera = set.open();
    const subscription = camera.subscribe();
    await subscription.get();
    await set.unplug();
    const error = await camera.onError();
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(error.message, /^Cannot read camera .*: it was unplugged.*; plug it in again/);
    await camera;
    assert.equal(camera.closed, true);
    await assert.rejects(async () => {
      for (let left = 3; left > 0; left--) await subscription.get();
    }, DeviceMissing);
  });

  test("goes on for its subscribers when it is back, with reconnect", async (set) => {
    await using camera = set.open({ reconnect: true });
    const subscription = camera.subscribe();
    const before = await subscription.get();
    await camera.setControl(names.number, 99);
    await set.unplug();
    set.plugIn();
    const unplugged = performance.now() * 1000;
    let after = before;
    while (after.timestampUs < unplugged) after = await subscription.get();
    assert.deepEqual([after.width, after.height], [before.width, before.height]);
    assert.equal(await camera.getControl(names.number), 99);
    assert.equal(camera.error, null);
  });

  test("refuses everything after close(), which may be called twice", async (set) => {
    const camera = set.open();
    const subscription = camera.subscribe();
    await subscription.get();
    await camera.close();
    await camera.close();
    assert.equal(camera.error, null);
    const refusal = { name: "SubscriptionClosed", message: /Camera/ };
    assert.throws(() => camera.subscribe(), refusal);
    await assert.rejects(camera.get(), refusal);
    await assert.rejects(camera.getControl(names.number), refusal);
    await assert.rejects(camera.setControl(names.number, 1), refusal);
    await assert.rejects(camera.controls(), refusal);
  });

  test("can be closed before it is open", async (set) => {
    const camera = set.open();
    const waiting = camera.get();
    await camera.close();
    await assert.rejects(waiting, SubscriptionClosed);
    assert.equal(camera.error, null);
  });
}
