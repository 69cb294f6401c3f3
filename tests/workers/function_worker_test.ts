import assert from "node:assert/strict";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { FunctionWorker } from "../../lib/workers/function_worker.ts";
import { runScript } from "./script.ts";

const MODULE = new URL("./counting_module.ts", import.meta.url);

Deno.test("FunctionWorker.call() gives what the function returns", async () => {
  await using worker = new FunctionWorker((n: number) => n * 2);
  await worker.onReady();
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => worker.call(n))), [2, 4, 6]);
});

Deno.test("FunctionWorker.call() waits for an async function, one call after the other", async () => {
  await using worker = new FunctionWorker(async (name: string) => {
    const scope = globalThis as { log?: string[] };
    const log = scope.log ??= [];
    log.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    log.push(`${name} ends`);
    return log;
  });
  worker.call("a");
  assert.deepEqual(await worker.call("b"), ["a begins", "a ends", "b begins", "b ends"]);
});

Deno.test("FunctionWorker.call() leaves the event loop free when the function blocks", async () => {
  await using worker = new FunctionWorker((shared: SharedArrayBuffer) => {
    const flag = new Int32Array(shared);
    while (Atomics.load(flag, 0) === 0); // only the event loop outside can end this
    return "free";
  });
  const shared = new SharedArrayBuffer(4);
  const result = worker.call(shared);
  setTimeout(() => Atomics.store(new Int32Array(shared), 0, 1), 10);
  assert.equal(await result, "free");
});

Deno.test("FunctionWorker.call() runs a module's default export, which keeps its variables", async () => {
  await using worker = new FunctionWorker<number, string>(MODULE);
  assert.equal(await worker.call(5), "1: 5");
  assert.equal(await worker.call(6), "2: 6");
});

Deno.test("FunctionWorker.call() rejects with the class, message and stack of what was thrown", async () => {
  await using worker = new FunctionWorker((kind: string) => {
    function innermost(): never {
      if (kind === "range") throw new RangeError("too far");
      if (kind === "text") throw "just text";
      class Jammed extends Error {
        override name = "Jammed";
      }
      throw new Jammed("the wheel is stuck");
    }
    innermost();
  });
  const range = await rejection(worker.call("range"));
  assert.ok(range instanceof RangeError);
  assert.equal(range.message, "too far");
  assert.match(range.stack!, /RangeError: too far\n +at innermost \(worker:\d+:\d+\)/);
  const own = await rejection(worker.call("own"));
  assert.equal(own.name, "Jammed");
  assert.equal(own.message, "the wheel is stuck");
  assert.equal((await rejection(worker.call("text"))).message, "just text");
  assert.equal(worker.error, null, "a call that failed does not end the worker");
});

Deno.test("FunctionWorker.call() says why when the function uses an outer variable", async () => {
  const factor = Date.now();
  await using worker = new FunctionWorker((n: number) => n * factor);
  const error = await rejection(worker.call(1));
  assert.ok(error instanceof ReferenceError);
  assert.equal(
    error.message,
    'Cannot run the function in a worker: it uses "factor", which is outside of it; hand it in ' +
      "with the value, import it inside, or give the URL of a module instead",
  );
});

Deno.test("FunctionWorker.call() rejects when the value or the result cannot be copied", async () => {
  await using worker = new FunctionWorker((value: unknown) => value === 1 ? () => 1 : "fine");
  assert.equal((await rejection(worker.call(() => {}))).name, "DataCloneError");
  assert.equal((await rejection(worker.call(1))).name, "DataCloneError");
  assert.equal(await worker.call(2), "fine");
});

Deno.test("FunctionWorker.call() carries a VideoFrame as plain data, and hands its memory over", async () => {
  await using worker = new FunctionWorker((frame: VideoFrame) => {
    for (const { data } of frame.planes) data.reverse();
    return { ...frame };
  });
  const bytes = Uint8Array.from({ length: 2 * 2 * 3 }, (_, i) => i);
  const frame = VideoFrame.fromBGR({ data: bytes, shape: [2, 2, 3] }, 42);
  const turned = new VideoFrame(await worker.call(frame, { transfer: [bytes.buffer] }));
  assert.equal(bytes.byteLength, 0, "the memory is the worker's now");
  assert.equal(turned.timestampUs, 42);
  assert.deepEqual([...turned.toBGR().data], [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
});

Deno.test("FunctionWorker.call() rejects after timeoutMs, and the next call works", async () => {
  const shared = new SharedArrayBuffer(4);
  await using worker = new FunctionWorker((flag: Int32Array) => {
    while (Atomics.load(flag, 0) === 0);
    return "done";
  }, { timeoutMs: 500 });
  const flag = new Int32Array(shared);
  const hanging = worker.call(flag);
  const error = await rejection(hanging);
  assert.equal(error.name, "TimeoutError");
  assert.match(error.message, /^Cannot wait for the function: it ran longer than 500 ms; /);
  Atomics.store(flag, 0, 1); // lets the thread that was given up end, too
  assert.equal(await worker.call(flag), "done");
});

Deno.test("FunctionWorker.call() rejects with the signal's reason, waiting or running", async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  await using worker = new FunctionWorker((flag: Int32Array) => {
    while (Atomics.load(flag, 0) === 0);
    return "done";
  });
  await worker.onReady();
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = rejection(worker.call(flag, { signal: running.signal }));
  const second = rejection(worker.call(flag, { signal: waiting.signal }));
  const third = worker.call(flag);
  waiting.abort(new Error("no longer wanted"));
  assert.equal((await second).message, "no longer wanted");
  running.abort(new Error("stop"));
  assert.equal((await first).message, "stop");
  Atomics.store(flag, 0, 1);
  assert.equal(await third, "done");
  const late = worker.call(flag, { signal: AbortSignal.abort(new Error("before")) });
  assert.equal((await rejection(late)).message, "before");
});

Deno.test("FunctionWorker.close() rejects calls under way and later ones", async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new FunctionWorker((flag: Int32Array) => {
    while (Atomics.load(flag, 0) === 0);
  });
  await worker.onReady();
  const calls = [worker.call(flag), worker.call(flag)].map(rejection);
  await worker.close();
  Atomics.store(flag, 0, 1);
  for (const error of await Promise.all(calls)) {
    assert.ok(error instanceof SubscriptionClosed);
    assert.match(error.message, /^Cannot call FunctionWorker: it is closed; /);
  }
  assert.match((await rejection(worker.call(flag))).message, /^Cannot call FunctionWorker: /);
});

Deno.test("FunctionWorker fails when its module cannot be loaded or ends the thread", async () => {
  const missing = new FunctionWorker<number, void>(new URL("./missing.ts", import.meta.url));
  assert.match((await missing.onError())!.message, /missing\.ts/);
  const text = new URL("data:application/javascript,export default 1");
  const wrong = new FunctionWorker<number, void>(text);
  assert.match((await wrong.onError())!.message, /default export is no function/);
  const leaving = new FunctionWorker((code: number) => Deno.exit(code));
  assert.match((await rejection(leaving.call(3))).message, /it ended its thread/);
  assert.match(leaving.error!.message, /it ended its thread/);
});

Deno.test("new FunctionWorker() refuses what is no self-contained function", () => {
  const { method } = {
    method(n: number) {
      return n;
    },
  };
  assert.throws(() => new FunctionWorker(method), {
    name: "TypeError",
    message: "Cannot run method in a worker: its text cannot stand alone (it is a method, or " +
      "native); give an arrow function or a function expression",
  });
  assert.throws(() => new FunctionWorker(Math.sqrt), TypeError);
  assert.throws(() => new FunctionWorker("text" as never), TypeError);
  assert.throws(() => new FunctionWorker((n: number) => n, { timeoutMs: 0 }), RangeError);
});

for (const flags of [[], ["--allow-ffi", "--allow-net"]]) {
  const title = flags.join(" ") || "no permission";
  Deno.test(`FunctionWorker works with ${title}, and lets the program end`, async () => {
    const outcome = await runScript(
      `import { FunctionWorker } from "<lib>/workers/function_worker.ts";
       const worker = new FunctionWorker((n) => n + 1);
       console.log(await worker.call(1)); // and is never closed
       const hung = new FunctionWorker(() => { for (;;); }, { timeoutMs: 50 });
       await hung.call(0).catch((error) => console.log(error.name));
       await hung.close();`,
      flags,
    );
    assert.deepEqual(outcome, { code: 0, stdout: "2\nTimeoutError\n", stderr: "" });
  });
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new assert.AssertionError({ message: "it did not reject" });
}
