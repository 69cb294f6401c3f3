import type { BlockingProducerConsumer } from "../../lib/workers/blocking_thread.ts";

/** For the tests: twice each value. */
export default async function (thread: BlockingProducerConsumer<number, number>): Promise<void> {
  await null;
  for (const n of thread) thread.put(2 * n);
}
