import assert from "node:assert/strict";
import {
  ProcessSubscriptionConsumer,
  ProcessSubscriptionProducer,
  ProcessSubscriptionProducerConsumer,
} from "../../lib/workers/processes.ts";
import { runScript } from "./script.ts";

Deno.test("ProcessSubscriptionProducer gives what its code puts in another process, then closes", async () => {
  const producer = new ProcessSubscriptionProducer<unknown, { first: number }>((process, data) => {
    console.log("this must not get between the values");
    process.put(Deno.pid);
    process.put({ ...data, bytes: new Uint8Array(200_000).fill(7), at: new Date(5) });
    process.put(new Map([["big", 10n ** 30n]]));
  }, { data: { first: 1 } });
  const seen: unknown[] = [];
  for await (const value of producer) seen.push(value);
  assert.notEqual(seen[0], Deno.pid);
  assert.deepEqual(seen.slice(1), [
    { first: 1, bytes: new Uint8Array(200_000).fill(7), at: new Date(5) },
    new Map([["big", 10n ** 30n]]),
  ]);
  assert.equal(producer.error, null);
});

Deno.test("ProcessSubscriptionProducer has no permission but those in flags", async () => {
  const ask = () => Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state;
  await using without = new ProcessSubscriptionProducer<string>((process) => {
    process.put(Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state);
  });
  await using granted = new ProcessSubscriptionProducer<string>((process) => {
    process.put(Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state);
  }, { flags: ["--allow-sys=hostname"] });
  assert.equal(ask(), "granted");
  assert.deepEqual(await Promise.all([without.get(), granted.get()]), ["prompt", "granted"]);
});

Deno.test("ProcessSubscriptionProducer fails with what its code throws", async () => {
  const producer = new ProcessSubscriptionProducer<number>((process) => {
    process.setReady();
    throw new RangeError("the sensor is on fire");
  });
  await producer.onReady();
  const error = await producer.onError();
  assert.ok(error instanceof RangeError);
  assert.equal(error.message, "the sensor is on fire");
});

Deno.test("ProcessSubscriptionProducer fails when its process dies", async () => {
  const producer = new ProcessSubscriptionProducer<number>((process) => {
    process.put(Deno.pid);
    process.sleep(Infinity);
  });
  Deno.kill(await producer.get(), "SIGKILL");
  assert.match(
    (await producer.onError())!.message,
    /^Cannot go on: the process ended by itself \(SIGKILL\); /,
  );
});

Deno.test("ProcessSubscriptionProducer.close() lets the code clean up", async () => {
  const flag = await Deno.makeTempFile();
  const producer = new ProcessSubscriptionProducer<number, string>((process, file) => {
    process.setReady();
    while (!process.shouldClose) process.sleep(1e9);
    Deno.writeTextFileSync(file, "cleaned up");
  }, { data: flag, flags: [`--allow-write=${flag}`], joinTimeoutMs: 60_000 });
  await producer.onReady();
  await producer.close();
  assert.equal(await Deno.readTextFile(flag), "cleaned up");
  await Deno.remove(flag);
});

Deno.test("ProcessSubscriptionProducer.close() kills an endless loop after the join time-out", async () => {
  const producer = new ProcessSubscriptionProducer<number>((process) => {
    process.put(Deno.pid);
    for (;;);
  }, { joinTimeoutMs: 50 });
  const pid = await producer.get();
  await producer.close();
  assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
  assert.equal(producer.error, null);
});

Deno.test("ProcessSubscriptionConsumer gets what is put, in a loop that close() ends", async () => {
  const file = await Deno.makeTempFile();
  const consumer = new ProcessSubscriptionConsumer<string, string>((process, file) => {
    for (const text of process) Deno.writeTextFileSync(file, text, { append: true });
    Deno.writeTextFileSync(file, "end", { append: true });
  }, { data: file, flags: [`--allow-write=${file}`], joinTimeoutMs: 60_000 });
  const writer = consumer.writable.getWriter();
  for (const text of ["a", "b"]) await writer.write(text);
  await consumer.close();
  assert.equal(await Deno.readTextFile(file), "abend");
  await Deno.remove(file);
});

Deno.test("ProcessSubscriptionProducerConsumer answers each value", async () => {
  await using doubler = new ProcessSubscriptionProducerConsumer<number>((process) => {
    for (const n of process) process.put(2 * n);
  });
  const results = doubler.subscribe();
  for (let n = 0; n < 100; n++) doubler.put_nowait(n);
  for (let n = 0; n < 100; n++) assert.equal(await results.get(), 2 * n);
});

Deno.test("ProcessSubscriptionProducerConsumer fails when a value or its data cannot be copied", async () => {
  const values = new ProcessSubscriptionConsumer<unknown>((process) => void process.get());
  values.put_nowait(() => {});
  assert.match((await values.onError())!.message, /could not be cloned/);
  const data = new ProcessSubscriptionProducer<number, unknown>(() => {}, { data: () => {} });
  assert.match((await data.onError())!.message, /could not be cloned/);
  await Promise.all([values.onClose(), data.onClose()]);
});

Deno.test("ProcessSubscriptionProducer.close() works before the process has begun", async () => {
  await new ProcessSubscriptionProducer<number>((process) => process.put(1)).close();
});

const SCRIPT = `
  import { ProcessSubscriptionProducer } from "<lib>/workers/processes.ts";
  const hosts = new ProcessSubscriptionProducer((process) => {
    process.put(Deno.pid);
    for (;;);
  });
  hosts.onError((error) => console.log(error.name));
`;

Deno.test("ProcessSubscriptionProducer works under exactly --allow-run=deno, and dies with the program", async () => {
  const script = `${SCRIPT} console.log(await hosts.get()); Deno.exit();`;
  const { code, stdout, stderr } = await runScript(script, ["--allow-run=deno"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const pid = Number(stdout);
  const deadline = Date.now() + 30_000;
  while (isThere(pid) && Date.now() < deadline) await new Promise((next) => setTimeout(next, 50));
  assert.ok(!isThere(pid), "the process is gone");
});

Deno.test("ProcessSubscriptionProducer fails when it is not allowed to start a process", async () => {
  const outcome = await runScript(`${SCRIPT} await hosts;`, []);
  assert.deepEqual(outcome, { code: 0, stdout: "NotCapable\n", stderr: "" });
});

function isThere(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
