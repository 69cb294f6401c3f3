import assert from "node:assert/strict";
import { OnceRobot } from "../../lib/signaling/service/once_robot.ts";

const MESSAGE = { offer: "{}", token: null };

/** A robot that is there, and what was sent to it. */
function robot() {
  const sent: string[] = [];
  const once = new OnceRobot({ send: (text) => sent.push(text), close() {}, bufferedAmount: 0 });
  once.opened();
  return { once, sent };
}

Deno.test("OnceRobot.offer() is not used up by a viewer that has left already", async () => {
  const { once, sent } = robot();
  const left = AbortSignal.abort(new Error("left"));
  await assert.rejects(once.offer(MESSAGE, left), /left/);
  const reply = once.offer(MESSAGE, new AbortController().signal);
  await Promise.resolve();
  assert.deepEqual(sent, ["{}"]);
  once.message('{"type":"answer"}');
  assert.deepEqual(await reply, { kind: "answer", answer: '{"type":"answer"}' });
});

Deno.test("OnceRobot.offer() says at once that the robot is gone", async () => {
  const { once } = robot();
  once.closed();
  assert.deepEqual(await once.offer(MESSAGE, new AbortController().signal), { kind: "gone" });
});
