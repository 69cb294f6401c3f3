/**
 * What runs in the process of a `ProcessSubscriptionProducer` or consumer: the user's code in a thread, and
 * here, where nothing blocks, the way to the program that started it. When that program is gone, this one ends.
 */
import { packError } from "./crossing.ts";
import { Pipe } from "./pipe.ts";
import type { FromProcess, ToProcess } from "./process_link.ts";
import { ThreadLink } from "./thread_link.ts";

const pipe = new Pipe(Deno.stdin.readable, Deno.stdout.writable);
const tell = (message: FromProcess): Promise<void> => pipe.write(message);
let link: ThreadLink | undefined;
let give: (value: unknown) => void = () => {};

async function leave(message: FromProcess): Promise<never> {
  await tell(message).catch(() => {});
  Deno.exit(); // also when the thread is in an endless loop
}

/** Whoever started us kills us when that takes too long; if it is gone, it has no more patience. */
const JOIN_TIMEOUT_MS = 1000;

for await (const message of pipe.read<ToProcess>()) {
  switch (message.kind) {
    case "start":
      link = new ThreadLink({ ...message, joinTimeoutMs: Infinity, logToStderr: true }, {
        ready: () => void tell({ kind: "ready" }),
        put: (value) => tell({ kind: "value", value }),
        get: () => {
          const { promise, resolve } = Promise.withResolvers<unknown>();
          give = resolve;
          tell({ kind: "want" });
          return promise;
        },
        end: (error) =>
          leave(error === undefined ? { kind: "end" } : { kind: "error", error: packError(error) }),
      });
      break;
    case "value":
      give(message.value);
      break;
    case "close":
      link?.close();
      break;
  }
}
setTimeout(() => Deno.exit(), JOIN_TIMEOUT_MS);
link?.close();
