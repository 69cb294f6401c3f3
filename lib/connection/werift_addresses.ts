/** The addresses of this machine: those to be reached at, and a watch for those that vanish. */
import { type NetworkAddress, networkAddresses } from "../../ffi/libc.ts";

/** So many addresses are offered at most: a machine with fifty container bridges offers no more. */
const MAX_ADDRESSES = 12;

/**
 * The addresses under which others may reach this machine, for host candidates. Asked from the C
 * library, since `Deno.networkInterfaces` needs `--allow-sys`; it is used where only that is allowed. A
 * machine without a network has its loopback address alone.
 */
export function hostAddresses(): string[] {
  const all = allAddresses().filter((a) => !a.address.startsWith("fe80:"));
  const outside = all.filter((a) => !a.loopback);
  const usable = outside.length > 0 ? outside : all;
  const ipv4First = [...usable].sort((a, b) => a.family.localeCompare(b.family));
  return ipv4First.slice(0, MAX_ADDRESSES).map((a) => a.address);
}

/**
 * Calls back when none of the addresses is this machine's any more: a cable was pulled, a phone network
 * gave another one. Whoever was reached at them cannot be reached now, and need not wait to be missed.
 * Never asks for a permission; without one for this it never calls back.
 *
 * @param addresses gives those that are used at present; another path may have been chosen
 * @returns ends the watch
 */
export function watchAddresses(addresses: () => readonly string[], gone: () => void): () => void {
  const watch: Watch = { addresses, gone, missed: 0 };
  if (!granted({ name: "ffi" }) && !granted(INTERFACES)) return () => {};
  watches.add(watch);
  timer ??= setInterval(look, LOOK_MS);
  return () => {
    watches.delete(watch);
    if (watches.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

interface Watch {
  readonly addresses: () => readonly string[];
  readonly gone: () => void;
  missed: number;
}

/** One look costs 0.1 ms. */
const LOOK_MS = 400;
/** An interface that is set anew has its address back at once. */
const LOOKS = 2;
const watches = new Set<Watch>();
let timer: ReturnType<typeof setInterval> | undefined;

function look(): void {
  const present = new Set(allAddresses().map(({ address }) => address));
  for (const watch of [...watches]) {
    const here = watch.addresses().some((address) => present.has(address));
    watch.missed = here ? 0 : watch.missed + 1;
    if (watch.missed === LOOKS) watch.gone();
  }
}

function allAddresses(): Pick<NetworkAddress, "family" | "address" | "loopback">[] {
  // Where neither is granted, this is the permission that is asked for.
  return !granted({ name: "ffi" }) && granted(INTERFACES)
    ? interfaceAddresses()
    : networkAddresses({ loopback: true });
}

const INTERFACES = { name: "sys", kind: "networkInterfaces" } as const;

function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

function interfaceAddresses(): Pick<NetworkAddress, "family" | "address" | "loopback">[] {
  return Deno.networkInterfaces().map(({ name, family, address }) => ({
    family,
    address,
    loopback: /^lo\d*$/.test(name),
  }));
}
