/**
 * The way to a TURN server, over UDP, TCP or TLS: whole messages in, whole messages out. The sockets are
 * werift's, and with them the shortcut of `werift_sockets.ts`.
 *
 * A certificate is verified against the name in the URL, with the authorities that Deno trusts
 * (`DENO_TLS_CA_STORE`, `DENO_CERT`); there is no way around that here.
 */
import { Buffer } from "node:buffer";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type * as Werift from "werift";
import { TurnStreamReader } from "../wire/turn_frames.ts";

/** Where a server is, and how it is spoken to. */
export interface ServerAddress {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp" | "tls";
}

/** What of werift's transports is used here. */
interface Transport {
  closed: boolean;
  onData: (data: Buffer, address: [string, number]) => void;
  send(data: Buffer, address?: [string, number]): Promise<void>;
  close(): Promise<void>;
}
interface StreamTransport extends Transport {
  stream: {
    client?: { writableLength: number; once(event: "close", listener: () => void): void };
  };
  init(): Promise<void>;
}

interface StreamTransports {
  TcpTransport: new (address: [string, number], options: object) => StreamTransport;
  TlsTransport: new (address: [string, number], tls: object, options: object) => StreamTransport;
}

/** What waits in a stream behind a slow network; a datagram more is dropped, as a network would. */
const MOST_WAITING_BYTES = 256 * 1024;
const CONNECT_LIMIT_MS = 8_000;

/** The way to a server; closing it is the caller's. */
export interface TurnSocket {
  /** Whether messages are padded to 4 bytes. */
  readonly stream: boolean;
  onMessage: (message: Buffer) => void;
  /** The server closed the stream; not called after `close()`. */
  onLost: () => void;
  /** Never blocks and never throws. @param data may be used again afterwards */
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** A numeric address for a name, of the wanted family where there is one. @throws when there is none */
export async function resolveHost(
  host: string,
  preferIpv4 = true,
): Promise<{ address: string; family: 4 | 6 }> {
  const literal = isIP(host);
  if (literal !== 0) return { address: host, family: literal === 4 ? 4 : 6 };
  const all = await lookup(host, { all: true });
  const wanted = preferIpv4 ? 4 : 6;
  const found = all.find(({ family }) => family === wanted) ?? all[0];
  if (!found) throw new Error("its name stands for no address");
  return { address: found.address, family: found.family === 4 ? 4 : 6 };
}

/**
 * Opens the way to a server.
 *
 * @param signal gives it up; the promise then rejects
 */
export async function openTurnSocket(
  werift: typeof Werift,
  server: ServerAddress,
  signal: AbortSignal,
): Promise<TurnSocket> {
  const { host, port, transport } = server;
  const { address, family } = await resolveHost(host);
  signal.throwIfAborted();
  if (transport === "udp") {
    const udp = await werift.UdpTransport.init(family === 4 ? "udp4" : "udp6");
    return datagrams(udp as unknown as Transport, [address, port]);
  }
  const options = { connectTimeoutMs: CONNECT_LIMIT_MS };
  // Their constructors are private in the types alone; `init` could not be given up.
  const { TcpTransport, TlsTransport } = werift as unknown as StreamTransports;
  const stream = transport === "tcp"
    ? new TcpTransport([address, port], options)
    : new TlsTransport([host, port], {}, options); // by name, as the certificate is
  const giveUp = () => void stream.close();
  signal.addEventListener("abort", giveUp);
  try {
    await stream.init();
  } catch (error) {
    await stream.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return messages(stream);
}

function datagrams(udp: Transport, server: [string, number]): TurnSocket {
  const socket: TurnSocket = {
    stream: false,
    onMessage: () => {},
    onLost: () => {},
    send: (data) => {
      if (!udp.closed) udp.send(Buffer.from(data), server).catch(() => {}); // lost, as on the way
    },
    close: () => void (udp.closed || udp.close()),
  };
  udp.onData = (data, [host, port]) => {
    if (host === server[0] && port === server[1]) socket.onMessage(data);
  };
  return socket;
}

function messages(stream: StreamTransport): TurnSocket {
  const reader = new TurnStreamReader();
  const socket: TurnSocket = {
    stream: true,
    onMessage: () => {},
    onLost: () => {},
    send: (data) => {
      const waiting = stream.stream.client?.writableLength ?? 0;
      if (stream.closed || waiting + data.length > MOST_WAITING_BYTES) return;
      stream.send(Buffer.from(data)).catch(() => {}); // `onLost` tells
    },
    close: () => void stream.close(),
  };
  const lost = () => {
    if (stream.closed) return;
    void stream.close();
    socket.onLost();
  };
  stream.onData = (data) => {
    try {
      for (const message of reader.push(data)) {
        socket.onMessage(Buffer.from(message.buffer, message.byteOffset, message.length));
      }
    } catch {
      lost();
    }
  };
  stream.stream.client?.once("close", lost);
  return socket;
}
