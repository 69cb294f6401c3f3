/**
 * Gives werift's UDP sockets the shortcut of `ffi/udp.ts`: with Linux and `--allow-ffi`, a datagram
 * costs a fifth. The sockets themselves stay werift's: it binds, waits, reports errors and closes.
 */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import { UdpShortcut } from "../../ffi/udp.ts";

type Address = [string, number];

/** What of werift's `UdpTransport` is touched here. */
interface Transport {
  closed: boolean;
  socket: {
    address(): { address: string; port: number };
    on(event: "message", listener: () => void): void;
    once(event: "close", listener: () => void): void;
  };
  rinfo?: { address?: string; port?: number };
  onData: (data: Buffer, address: Address) => void;
  send: (data: Buffer, address?: Address) => Promise<void>;
  close: () => Promise<void>;
}
interface TransportClass {
  init(type: "udp4" | "udp6", options?: unknown): Promise<Transport>;
}

/** So many datagrams are taken before others have their turn on the event loop. */
const DATAGRAMS_AT_ONCE = 64;

/** What of werift's ICE connection is needed to send. */
export interface DatagramPath {
  nominated?: {
    protocol: { type?: string; transport?: object };
    remoteAddr: Address;
    packetsSent: number;
    bytesSent: number;
    bytesReceived: number;
  };
  canSendApplicationData?(): boolean;
  send(data: Buffer): Promise<void>;
}

/** Sends a datagram at once, or not at all. */
type Shortcut = (data: Uint8Array<ArrayBuffer>, host: string, port: number) => boolean;
const shortcuts = new WeakMap<object, Shortcut>();
const patched = new WeakSet<object>();
const sent = Promise.resolve();

/**
 * Sends a datagram to the other end of a connection, the short way where there is one.
 *
 * @param data may be used again when the function returns
 */
export function sendDatagram(
  connection: DatagramPath,
  data: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const pair = connection.nominated;
  const direct = pair?.protocol.type === "stun" ? pair.protocol.transport : undefined; // not TCP
  const shortcut = direct && shortcuts.get(direct);
  if (pair && shortcut && connection.canSendApplicationData?.()) {
    if (shortcut(data, pair.remoteAddr[0], pair.remoteAddr[1])) {
      pair.packetsSent++;
      pair.bytesSent += data.length;
      return sent;
    }
  }
  return connection.send(Buffer.from(data)); // a copy, since this way is not done at once
}

/** Lets {@linkcode sendDatagram} know the short way of a transport that is not a UDP socket. */
export function addShortcut(transport: object, send: Shortcut): void {
  shortcuts.set(transport, send);
}

/**
 * Installs the shortcut, once a loaded werift.
 *
 * @returns whether it could be installed; each socket for itself stays as it was if it fails there
 */
export function quickenSockets(werift: typeof Werift): boolean {
  const transports = werift.UdpTransport as unknown as TransportClass;
  if (patched.has(transports)) return true;
  if (typeof transports?.init !== "function") return false;
  patched.add(transports);
  const init = transports.init;
  transports.init = async function (type, options): Promise<Transport> {
    const transport = await init.call(this, type, options);
    shorten(transport, type);
    return transport;
  };
  return true;
}

function shorten(transport: Transport, type: "udp4" | "udp6"): void {
  const { socket } = transport;
  if (typeof socket?.address !== "function" || typeof transport.send !== "function") return;
  if (typeof transport.onData !== "function" || typeof transport.close !== "function") return;
  const { address, port } = socket.address();
  const shortcut = UdpShortcut.find(address, port, type === "udp4" ? "IPv4" : "IPv6");
  if (shortcut === null) return;

  const { send, close } = transport;
  shortcuts.set(transport, (...datagram) => shortcut.send(...datagram));
  transport.send = (data, address) => {
    if (address !== undefined && shortcut.send(bytes(data), address[0], address[1])) return sent;
    return send(data, address);
  };
  let said = false;
  // werift's own listener has worked off one datagram when this one is called.
  socket.on("message", () => {
    for (let i = 0; i < DATAGRAMS_AT_ONCE && !transport.closed; i++) {
      const datagram = shortcut.receive();
      if (datagram === null) return;
      const { data, address } = datagram;
      transport.rinfo = { address: address[0], port: address[1] };
      try {
        transport.onData(
          Buffer.from(data.buffer, data.byteOffset, data.byteLength),
          [address[0], address[1]],
        );
      } catch (error) {
        // One bad datagram must not keep the others back; but a fault of ours is not to be hidden.
        if (!said) console.error("[rtcbot] a datagram could not be handled (said once):", error);
        said = true;
      }
    }
  });
  socket.once("close", () => shortcut.close());
  transport.close = () => {
    shortcut.close();
    return close();
  };
}

/** Foreign functions take no memory that could be shared between threads; sockets' never is. */
function bytes(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data as Uint8Array<ArrayBuffer>;
}
