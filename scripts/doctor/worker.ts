/// <reference lib="webworker" />
/** Looks in a thread of its own, so that a driver that never answers holds up nothing but this. */
import { type ProbeName, PROBES } from "./probes.ts";

addEventListener("message", async ({ data: name }: MessageEvent<ProbeName>) => {
  try {
    postMessage({ findings: await PROBES[name].look() });
  } catch (error) {
    postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
});
postMessage("ready");
