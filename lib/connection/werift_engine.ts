/**
 * Loading werift, so that it works under exactly `--allow-net --allow-ffi`, and what every connection
 * shares: the addresses of this machine.
 */
import process from "node:process";
import type * as Werift from "werift";
import { networkAddresses } from "../../ffi/libc.ts";
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

/** So many addresses are offered at most: a machine with fifty container bridges offers no more. */
const MAX_ADDRESSES = 12;

/**
 * The addresses under which others may reach this machine, for host candidates. Asked from the C
 * library, since `Deno.networkInterfaces` needs `--allow-sys`; it is used where only that is allowed. A
 * machine without a network has its loopback address alone.
 */
export function hostAddresses(): string[] {
  const all = (ffiRefusedButSysGranted() ? interfaceAddresses() : networkAddresses())
    .filter((a) => !a.address.startsWith("fe80:"));
  const outside = all.filter((a) => !a.loopback);
  const usable = outside.length > 0 ? outside : all;
  const ipv4First = [...usable].sort((a, b) => a.family.localeCompare(b.family));
  return ipv4First.slice(0, MAX_ADDRESSES).map((a) => a.address);
}

function ffiRefusedButSysGranted(): boolean {
  const state = (descriptor: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(descriptor).state;
  return state({ name: "ffi" }) !== "granted" &&
    state({ name: "sys", kind: "networkInterfaces" }) === "granted";
}

function interfaceAddresses(): { family: string; address: string; loopback: boolean }[] {
  return Deno.networkInterfaces().map(({ name, family, address }) => ({
    family,
    address,
    loopback: /^lo\d*$/.test(name),
  }));
}
