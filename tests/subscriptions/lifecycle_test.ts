import assert from "node:assert/strict";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { Lifecycle, Queue } from "../../lib/subscriptions/mod.ts";
import { complaints, isPending, settle } from "./helpers.ts";

class Device extends Lifecycle {
  frees = 0;
  freeing: () => void | Promise<void> = () => {};
  setReady(): void {
    this._setReady();
  }
  fail(error: unknown): void {
    this._setError(error);
  }
  use(): void {
    this._refuseIfClosed("use");
  }
  protected override _close(): void | Promise<void> {
    this.frees++;
    return this.freeing();
  }
}

Deno.test("Lifecycle is ready at once, without error and open when it is made", async () => {
  const device = new Device();
  assert.deepEqual([device.ready, device.error, device.closed], [true, null, false]);
  await device.onReady();
});

Deno.test("Lifecycle.onReady() waits when the class has to set up first", async () => {
  const device = new Device({ ready: false });
  const ready = device.onReady();
  const heard: unknown[] = [];
  device.onReady((value) => heard.push(value));
  assert.equal(device.ready, false);
  assert.equal(await isPending(ready), true);
  device.setReady();
  device.setReady();
  assert.equal(device.ready, true);
  await ready;
  await settle();
  assert.deepEqual(heard, [undefined]);
});

Deno.test("Lifecycle.onReady() rejects when it is closed before it is ready", async () => {
  const device = new Device({ ready: false });
  const ready = device.onReady();
  await device.close();
  device.setReady();
  assert.equal(device.ready, false);
  await assert.rejects(ready, {
    name: "SubscriptionClosed",
    message: "Cannot wait for Device: it is closed; make a new one",
  });
});

Deno.test("Lifecycle.onReady() rejects with the error when it fails before it is ready", async () => {
  const device = new Device({ ready: false });
  device.fail(new Error("no such device"));
  await assert.rejects(device.onReady(), { message: "no such device" });
});

Deno.test("Lifecycle is not ready any more when it is closed", async () => {
  const device = new Device();
  await device.close();
  assert.equal(device.ready, false);
  await device.onReady(); // it had been
});

Deno.test("Lifecycle.close() frees once and resolves each time when called again", async () => {
  const device = new Device();
  const heard: string[] = [];
  device.onClose(() => heard.push("closed"));
  await Promise.all([device.close(), device.close()]);
  await device.close();
  assert.equal(device.closed, true);
  assert.equal(device.error, null);
  assert.equal(device.frees, 1);
  assert.deepEqual(heard, ["closed"]);
});

Deno.test("Lifecycle.close() resolves, and onClose fires, when everything is freed", async () => {
  const device = new Device();
  const freed = Promise.withResolvers<void>();
  device.freeing = () => freed.promise;
  const heard: string[] = [];
  device.onClose(() => heard.push("closed"));
  const closing = device.close();
  assert.equal(device.closed, true);
  assert.equal(await isPending(closing), true);
  assert.deepEqual(heard, []);
  freed.resolve();
  await closing;
  assert.deepEqual(heard, ["closed"]);
});

Deno.test("Lifecycle sets error, fires onError, then onClose when it fails", async () => {
  const device = new Device();
  const heard: string[] = [];
  device.onClose(() => heard.push(`closed ${device.closed}`));
  device.onError((error) => heard.push(error.message));
  const failure = new Error("cable pulled");
  device.fail(failure);
  device.fail(new Error("too late to matter"));
  assert.equal(device.error, failure);
  assert.equal(device.closed, true);
  await settle();
  assert.deepEqual(heard, ["cable pulled", "closed true"]);
  assert.equal(await device.onError(), failure);
  assert.equal(device.frees, 1);
  await device.close();
});

Deno.test("Lifecycle.error is an Error when something else was thrown", () => {
  const device = new Device();
  device.fail("just a string");
  assert.ok(device.error instanceof Error);
  assert.equal(device.error.message, "just a string");
  assert.equal(device.error.cause, "just a string");
});

Deno.test("Lifecycle.onError() gives null when it closes cleanly, and calls nobody", async () => {
  const device = new Device();
  const error = device.onError();
  device.onError(() => assert.fail("there was no error"));
  await device.close();
  assert.equal(await error, null);
});

Deno.test("Lifecycle tells listeners at once when they come late", async () => {
  const device = new Device();
  device.fail(new Error("cable pulled"));
  await device.close();
  const heard: string[] = [];
  device.onReady(() => heard.push("ready"));
  device.onError((error) => heard.push(error.message));
  device.onClose(() => heard.push("closed"));
  assert.deepEqual(heard, []);
  await null;
  assert.deepEqual(heard, ["ready", "cable pulled", "closed"]);
});

Deno.test("Lifecycle fires into a subscription, and returns what it was given", async () => {
  const device = new Device();
  const errors = new Queue<Error>();
  const callback = async () => await Promise.resolve();
  assert.equal(device.onError(errors), errors);
  assert.equal(device.onClose(callback), callback);
  device.fail(new Error("cable pulled"));
  assert.equal((await errors.get()).message, "cable pulled");
});

Deno.test("Lifecycle reports listeners that throw or reject, and tells the others", async () => {
  const heard: string[] = [];
  const said = await complaints(async () => {
    const device = new Device();
    device.onClose(() => {
      throw new Error("bug");
    });
    device.onClose(() => Promise.reject(new Error("bug")));
    device.onClose(() => heard.push("closed"));
    await device.close();
  });
  assert.deepEqual(heard, ["closed"]);
  assert.equal(said.length, 2);
  assert.match(said[0]!, /a listener of onReady, onError or onClose failed/);
});

Deno.test("Lifecycle can be awaited: it waits for the close", async () => {
  const device = new Device();
  const awaited = (async () => await device)();
  assert.equal(await isPending(awaited), true);
  await device.close();
  assert.equal(await awaited, undefined);
});

Deno.test("Lifecycle wakes those who await it or onClose() when it failed, without throwing", async () => {
  const device = new Device();
  const early = device.onClose();
  device.fail(new Error("cable pulled"));
  assert.equal(await early, undefined);
  assert.equal(await (async () => await device)(), undefined);
  assert.equal(device.error?.message, "cable pulled");
});

Deno.test("Lifecycle ends no process when promises that nobody awaits reject", async () => {
  const device = new Device({ ready: false });
  device.onReady();
  device.onClose();
  device.onError();
  device.fail(new Error("nobody listens"));
  const other = new Device();
  other.onError();
  await other.close();
  await new Promise((resolve) => setTimeout(resolve)); // rejections are judged after microtasks
});

Deno.test("Lifecycle fails when it cannot free what it holds", async () => {
  const device = new Device();
  device.freeing = () => Promise.reject(new Error("device hangs"));
  const error = device.onError();
  await device.close();
  assert.equal((await error)?.message, "device hangs");
  assert.equal(device.error?.message, "device hangs");
  await device.onClose();
});

Deno.test("Lifecycle keeps its first error and reports the second when freeing fails too", async () => {
  const said = await complaints(async () => {
    const device = new Device();
    device.freeing = () => {
      throw new Error("device hangs");
    };
    device.fail(new Error("cable pulled"));
    await device.close();
    assert.equal(device.error?.message, "cable pulled");
  });
  assert.deepEqual(said, ["[rtcbot] Device could not be freed after it failed:"]);
});

Deno.test("Lifecycle may be closed by its own listener when it fails", async () => {
  const device = new Device();
  device.onError(() => device.close());
  device.fail(new Error("cable pulled"));
  await settle();
  assert.equal(device.frees, 1);
  await device.onClose();
  assert.equal(device.error?.message, "cable pulled");
});

Deno.test("Lifecycle is closed at the end of an await using block", async () => {
  let outer: Device;
  {
    await using device = new Device();
    outer = device;
    assert.equal(device.closed, false);
  }
  assert.equal(outer.closed, true);
  assert.equal(outer.frees, 1);
});

Deno.test("Lifecycle refuses calls naming class, state and cause when it is closed", async () => {
  const closed = new Device();
  closed.use();
  await closed.close();
  assert.throws(() => closed.use(), {
    name: "SubscriptionClosed",
    message: "Cannot use Device: it is closed; make a new one",
  });
  const failed = new Device();
  failed.fail(new Error("cable pulled"));
  assert.throws(() => failed.use(), (error: Error) => {
    assert.ok(error instanceof SubscriptionClosed);
    assert.equal(error.message, "Cannot use Device: it failed (cable pulled); make a new one");
    assert.equal(error.cause, failed.error);
    return true;
  });
});
