/** Loading werift, so that it works under exactly `--allow-net --allow-ffi`. */
import process from "node:process";
import type * as Werift from "werift";
import { guardIce } from "./werift_guard.ts";
import { quickenOpening } from "./werift_opening.ts";
import { quickenRecords } from "./werift_records.ts";
import { quickenSockets } from "./werift_sockets.ts";

let loading: Promise<typeof Werift> | undefined;

/** The engine; loaded and mended on the first call. */
export function loadWerift(): Promise<typeof Werift> {
  return loading ??= load();
}

async function load(): Promise<typeof Werift> {
  const werift = await withoutEnvironment(() => import("werift"));
  guardIce(werift);
  quickenOpening(werift);
  quickenSockets(werift);
  quickenRecords(werift);
  silenceUnnamedStunServer(werift);
  return werift;
}

/** werift's logger reads the whole environment while it loads, which would need `--allow-env`. */
async function withoutEnvironment<T>(load: () => Promise<T>): Promise<T> {
  const environment = Object.getOwnPropertyDescriptor(process, "env")!;
  Object.defineProperty(process, "env", { ...environment, value: {} });
  try {
    return await load();
  } finally {
    Object.defineProperty(process, "env", environment);
  }
}

/** Without a STUN server in its options, werift asks a public one: only servers that were named are asked. */
function silenceUnnamedStunServer(werift: typeof Werift): void {
  const connection = werift.Connection.prototype as unknown as {
    gatherCandidates(): Promise<void>;
    stunServer?: unknown;
    options: { stunServer?: unknown };
  };
  const gather = connection.gatherCandidates;
  connection.gatherCandidates = function (): Promise<void> {
    if (this.options.stunServer === undefined) this.stunServer = undefined;
    return gather.call(this);
  };
}
