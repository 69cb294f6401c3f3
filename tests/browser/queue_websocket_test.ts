/// <reference lib="dom" />
import assert from "node:assert/strict";
import { chromium } from "./harness.ts";
import { loopbackRoutes } from "./loopback_page.ts";

declare const rtcbot: typeof import("../../lib/browser/index.ts");

const browser = chromium();

browser.test("Queue gives values in order, to whoever waits first", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const queue = new rtcbot.Queue<number>();
    const { put_nowait } = queue; // bound
    const early = Promise.all([queue.get(), queue.get()]);
    [1, 2, 3, 4].forEach(put_nowait);
    const waiting = [queue.qsize(), queue.empty()];
    return [await early, waiting, await queue.get(), await queue.get(), queue.empty()];
  });
  assert.deepEqual(result, [[1, 2], [2, false], 3, 4, true]);
});

browser.test("Queue.get() can be given up without losing a value", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const queue = new rtcbot.Queue();
    const giveUp = new AbortController();
    const lost = queue.get({ signal: giveUp.signal }).catch((error: Error) => error.message);
    giveUp.abort(new Error("enough"));
    queue.put_nowait("kept");
    return [await lost, await queue.get()];
  });
  assert.deepEqual(result, ["enough", "kept"]);
});

browser.test("Queue.close() wakes who waits, and ends a loop over it", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const queue = new rtcbot.Queue<number>();
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.close();
    queue.put_nowait(3);
    const values: number[] = [];
    for await (const value of queue) values.push(value);
    return [values, await queue.get().catch((error: Error) => `${error.name}: ${error.message}`)];
  });
  assert.deepEqual(result, [
    [1, 2],
    "SubscriptionClosed: Cannot get from the Queue: it is closed; make a new one",
  ]);
});

/** Sends back what it gets; says first what the page could not know. */
function echo(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => socket.send("not JSON {");
  socket.onmessage = ({ data }) => data === '"close"' ? socket.close(1000) : socket.send(data);
  return response;
}

browser.test("Websocket takes relative and http URLs, queues, and speaks JSON", async (kit) => {
  const site = kit.serve({ ...loopbackRoutes(), "/ws": echo });
  const page = await kit.open(site.origin);
  for (
    const url of ["/ws", "ws", `${site.origin}/ws`, `${site.origin.replace("http", "ws")}/ws#x`]
  ) {
    const result = await page.evaluate(async (url) => {
      const ws = new rtcbot.Websocket(url);
      const { put_nowait } = ws; // bound, and not open yet
      const values: unknown[] = [];
      ws.subscribe((value) => values.push(value instanceof ArrayBuffer ? value.byteLength : value));
      for (const value of [{ a: 1 }, "text", "", null]) put_nowait(value);
      await ws.onReady();
      ws.send(new Uint8Array(3));
      ws.put_nowait("close");
      await ws.onClose();
      return { values, state: [ws.ready, ws.closed, ws.error] };
    }, url);
    assert.deepEqual(result, {
      values: ["not JSON {", { a: 1 }, "text", "", null, 3],
      state: [true, true, null],
    });
  }
});

browser.test("Websocket.get() waits for a message, and close() wakes it", async (kit) => {
  const page = await kit.open(kit.serve({ ...loopbackRoutes(), "/ws": echo }).origin);
  const result = await page.evaluate(async () => {
    const ws = new rtcbot.Websocket("/ws");
    const first = await ws.get();
    const second = ws.get().catch((error: Error) => error.name);
    ws.close();
    ws.close();
    let error = "nothing was thrown";
    try {
      ws.put_nowait(1);
    } catch (thrown) {
      error = String(thrown);
    }
    return [first, await second, error];
  });
  assert.deepEqual(result, [
    "not JSON {",
    "SubscriptionClosed",
    "SubscriptionClosed: Cannot send: the Websocket is closed; make a new Websocket",
  ]);
});

browser.test("Websocket that cannot connect has failed and closed", async (kit) => {
  kit.expectError(/WebSocket connection .* failed/);
  const site = kit.serve(loopbackRoutes());
  const page = await kit.open(site.origin);
  const result = await page.evaluate(async () => {
    const ws = new rtcbot.Websocket("/nobody");
    const ready = ws.onReady().catch((error: Error) => error.name);
    const error = await ws.onError();
    return [await ready, error?.message, ws.ready, ws.closed];
  });
  const url = `${site.origin.replace("http", "ws")}/nobody`;
  assert.deepEqual(result, [
    "ConnectionLost",
    `Cannot connect to ${url}: the websocket closed with code 1006; make a new Websocket`,
    false,
    true,
  ]);
});
