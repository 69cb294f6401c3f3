/**
 * Asks the local network which addresses are behind names ending in `.local`, by multicast DNS (RFC 6762).
 * All that ask share a few sockets, which are open only while somebody waits.
 *
 * Questions leave from a socket for each of our addresses, so that each network hears them; answers come
 * to these, or by multicast to port 5353, which is shared with whatever else listens there.
 */
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { mdnsQuestions, readMdnsAddresses } from "../wire/mdns.ts";

const GROUP = "224.0.0.251", PORT = 5353; // RFC 6762, section 3
/** A question may be lost: it is repeated after these times (RFC 6762, section 5.2: at least 1 s on, later). */
const REPEAT_AFTER_MS = [0, 300, 1_300];
const PATIENCE_MS = 3_000;
/** Somebody in the network may answer for everybody. */
const MOST_ADDRESSES = 2;
const MOST_NETWORKS = 4;
/** Connections that ask at once; others go without. */
const MOST_ASKING = 64;

/** What is wanted. */
export interface MdnsQuery {
  readonly names: readonly string[];
  /** This machine's own: its networks are asked. */
  readonly addresses: readonly string[];
  /** Gives up. */
  readonly signal: AbortSignal;
  /** For tests: where others listen. @default {5353} */
  readonly port?: number;
  /** Called with each address as it comes, at most two for a name. */
  found(name: string, address: string): void;
}

interface Asking extends MdnsQuery {
  readonly missing: Map<string, string[]>;
  end(): void;
}

const asking = new Set<Asking>();
let sockets: Socket[] = [];
let portAsked = PORT;

/**
 * Asks for names for three seconds, or until it is aborted. Nothing happens where multicast is not to be
 * had or not allowed; nobody is asked for a permission.
 *
 * @returns when all names have been told, or nobody will tell
 */
export function lookUpNames(query: MdnsQuery): Promise<void> {
  const { names, addresses, signal, port = PORT } = query;
  if (!isAllowed() || signal.aborted || asking.size >= MOST_ASKING) return Promise.resolve();
  return new Promise((resolve) => {
    const timers: ReturnType<typeof setTimeout>[] = [];
    const one: Asking = {
      ...query,
      found: (name, address) => query.found(name, address),
      missing: new Map(names.map((name) => [name.toLowerCase(), []])),
      end: () => {
        timers.forEach(clearTimeout);
        signal.removeEventListener("abort", one.end);
        asking.delete(one);
        if (asking.size === 0) closeAll();
        resolve();
      },
    };
    signal.addEventListener("abort", one.end);
    asking.add(one);
    if (sockets.length === 0) open(addresses, port);
    for (const ms of REPEAT_AFTER_MS) timers.push(setTimeout(() => ask(one), ms));
    timers.push(setTimeout(one.end, PATIENCE_MS));
  });
}

function isAllowed(): boolean {
  return [`${GROUP}:${PORT}`, `0.0.0.0:${PORT}`].every((host) =>
    Deno.permissions.querySync({ name: "net", host }).state === "granted"
  );
}

function ask({ missing }: Asking): void {
  for (const [name, known] of missing) {
    if (known.length > 0) continue;
    for (const question of mdnsQuestions(name)) {
      for (const socket of senders) socket.send(Buffer.from(question), portAsked, GROUP, () => {});
    }
  }
}

/** Those of the sockets that are bound and send. */
const senders = new Set<Socket>();

function open(addresses: readonly string[], port: number): void {
  portAsked = port;
  const networks = addresses.filter((address) => address.includes(".")).slice(0, MOST_NETWORKS);
  for (const address of networks) {
    const socket = listen(address, 0, () => {
      // Linux goes by the address that the socket is bound to, others want to be told.
      attempt(() => socket.setMulticastInterface(address));
      senders.add(socket);
      for (const one of asking) ask(one);
    });
  }
  const listener = listen("0.0.0.0", port, () => {
    for (const address of networks) attempt(() => listener.addMembership(GROUP, address));
  });
}

/** @param port 0 is one of our own */
function listen(address: string, port: number, bound: () => void): Socket {
  const socket = createSocket({ type: "udp4", reuseAddr: port !== 0 });
  sockets.push(socket);
  socket.on("error", () => close(socket)); // the port is not shared, or the network has gone
  socket.on("message", received);
  socket.bind({ address, port }, () => sockets.includes(socket) && bound());
  return socket;
}

function received(packet: Uint8Array): void {
  for (const { name, address } of readMdnsAddresses(packet)) {
    for (const one of [...asking]) {
      const known = one.missing.get(name);
      if (!known || known.includes(address) || known.length >= MOST_ADDRESSES) continue;
      known.push(address);
      one.found(name, address);
      if ([...one.missing.values()].every(({ length }) => length > 0)) one.end();
    }
  }
}

function closeAll(): void {
  for (const socket of sockets) close(socket);
  sockets = [];
}

function close(socket: Socket): void {
  senders.delete(socket);
  attempt(() => socket.close());
}

/** What fails here is no loss: another network, or another way to hear the answer, is left. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // as said
  }
}
