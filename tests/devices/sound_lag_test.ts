import assert from "node:assert/strict";
import { LagQueue } from "../../lib/devices/sound_lag.ts";

Deno.test("LagQueue keeps everything, and says once when its reader is ten seconds behind", async () => {
  const said: unknown[][] = [];
  const { error } = console;
  console.error = (...words: unknown[]) => void said.push(words);
  try {
    const queue = new LagQueue<number>("Microphone", 47);
    for (let n = 0; n < 470; n++) queue.put_nowait(n);
    assert.equal(said.length, 0);
    for (let n = 470; n < 2000; n++) queue.put_nowait(n);
    assert.equal(said.length, 1);
    assert.match(
      said[0]!.join(" "),
      /a subscription of Microphone is read too slowly: 10 s of sound wait in it, and it grows; unsubscribe it/,
    );
    assert.deepEqual([queue.size, queue.dropped, await queue.get()], [2000, 0, 0]);
  } finally {
    console.error = error;
  }
});
