/** Serves the signaling service to strangers: what they may send, open and take is bounded everywhere. */
import { Buffer } from "node:buffer";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { addressKey } from "./address.ts";
import { openBoundedSocket } from "./bounded_socket.ts";
import { acceptBy, isWebsocket } from "./socket.ts";
import type { Signaling } from "./signaling.ts";

/** Options of {@linkcode serveSignaling}. */
export interface ServeSignalingOptions {
  /** Where it listens; 0 takes a free port. @default {8080} */
  port?: number;
  /** For whom: by default this machine only, as behind a proxy; `0.0.0.0` or `::` for everybody. @default "127.0.0.1" */
  hostname?: string;
  /** How long a request's head may take, so that slow ones hold no connection. @default {10_000} */
  headTimeoutMs?: number;
  /** Connections, of all together. @default {20_000} */
  maxConnections?: number;
  /** Connections of one address; set it high where a proxy stands in front. @default {256} */
  maxConnectionsPerAddress?: number;
}

/** A server that listens. */
export interface SignalingServer extends AsyncDisposable {
  /** The port that it has. */
  readonly port: number;
  /** The name that it listens on. */
  readonly hostname: string;
  /** Closes the service (see `Signaling.close()`), then every connection. */
  close(): Promise<void>;
}

const MAX_HEAD_BYTES = 16_384;
const SHORT_BYTES = 65_536;
/** Requests that a connection may send ahead of their replies; no browser does. */
const MAX_PIPELINED = 8;
/** A connection between two requests. */
const KEEP_ALIVE_MS = 5000;
/** Who reads no faster has the connection cut. */
const RESPONSE_TIMEOUT_MS = 30_000;
/** So long a reply may be on its way before the connection is cut, whatever else is still being sent. */
const LAST_WORDS_MS = 1000;
/** Java's clients and curl offer HTTP/2, and are answered as if they had not. The types do not know it yet. */
const UPGRADES = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => isWebsocket(headers.upgrade ?? ""),
};
/** For the whole of a request; the service itself is stricter with bodies. */
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Serves a signaling service by HTTP and websockets of its own. `Deno.serve(signaling.fetch)` does so too,
 * for people you know: there one stranger can fill the memory with a websocket message that never ends.
 *
 * ```ts no-assert
 * import { createSignaling, serveSignaling } from "rtcbot";
 *
 * async function main() {
 *   const server = await serveSignaling(createSignaling(), { port: 8080 });
 *   console.log(`http://${server.hostname}:${server.port}/`);
 * }
 * ```
 */
export async function serveSignaling(
  signaling: Signaling,
  options: ServeSignalingOptions = {},
): Promise<SignalingServer> {
  const { port = 8080, hostname = "127.0.0.1", headTimeoutMs = 10_000 } = options;
  const { createServer } = await import("node:http"); // 40 ms, for who needs it
  const server = createServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: headTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1000, headTimeoutMs),
    ...UPGRADES,
  });
  limitConnections(server, options);
  const underWay = new WeakMap<Socket, number>();
  server.on("request", (incoming, outgoing) => {
    const { socket } = incoming;
    const others = underWay.get(socket) ?? 0;
    if (socket.destroyed || others >= MAX_PIPELINED) return void socket.destroy();
    underWay.set(socket, others + 1);
    answer(signaling, incoming, outgoing)
      .catch(() => socket.destroy())
      .finally(() => underWay.set(socket, underWay.get(socket)! - 1));
  });
  server.on("upgrade", (incoming, connection, head) => {
    connection.on("error", () => connection.destroy());
    upgrade(signaling, incoming, connection, head).catch(() => connection.destroy());
  });
  server.on("clientError", (_error, connection) => void connection.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  let closed: Promise<void> | null = null;
  async function shutDown(): Promise<void> {
    await signaling.close();
    const impatience = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    clearTimeout(impatience);
  }
  const close = () => closed ??= shutDown();
  const address = server.address() as AddressInfo;
  return { port: address.port, hostname, close, [Symbol.asyncDispose]: close };
}

function limitConnections(
  server: Server,
  options: ServeSignalingOptions,
): void {
  const { maxConnections = 20_000, maxConnectionsPerAddress = 256 } = options;
  const counts = new Map<string, number>();
  let all = 0;
  server.on("connection", (socket: Socket) => {
    const address = addressKey(socket.remoteAddress ?? "unknown");
    const here = counts.get(address) ?? 0;
    if (all >= maxConnections || here >= maxConnectionsPerAddress) return void socket.destroy();
    all++;
    socket.setNoDelay(true); // or a small frame waits 40 ms for what was sent before it
    counts.set(address, here + 1);
    socket.once("close", () => {
      all--;
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
}

async function answer(
  signaling: Signaling,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  incoming.on("error", () => {});
  outgoing.on("error", () => {});
  const response = await respond(signaling, incoming, () => bodyOf(incoming));
  const body = Buffer.from(await response.arrayBuffer());
  const headers: Record<string, string | number> = {
    ...Object.fromEntries(response.headers),
    "content-length": body.length,
  };
  // A body that was not wanted: a short one is taken away, a long one is not waited for.
  const unread = !incoming.complete && !(Number(incoming.headers["content-length"]) <= SHORT_BYTES);
  if (unread) headers.connection = "close";
  else incoming.resume();
  outgoing.writeHead(response.status, headers);
  const patienceMs = unread ? LAST_WORDS_MS : RESPONSE_TIMEOUT_MS;
  const timer = setTimeout(() => incoming.socket.destroy(), patienceMs);
  const done = () => clearTimeout(timer);
  if (unread) incoming.socket.once("close", done);
  else outgoing.once("finish", done).once("close", done);
  outgoing.end(body);
}

async function upgrade(
  signaling: Signaling,
  incoming: IncomingMessage,
  connection: Duplex,
  head: Uint8Array,
): Promise<void> {
  let accepted = false;
  const response = await respond(signaling, incoming, () => null, (request) => {
    acceptBy(request, ({ headers }, options, listen) => {
      openBoundedSocket(connection, head, headers, options, listen);
      accepted = true;
      return new Response(null, { status: 204 }); // of which nobody hears: the handshake is answered
    });
  });
  if (accepted) return;
  const text = await response.text();
  const body = Buffer.from(text);
  const timer = setTimeout(() => connection.destroy(), LAST_WORDS_MS);
  connection.once("close", () => clearTimeout(timer));
  connection.end(
    `HTTP/1.1 ${response.status} Refused\r\nContent-Type: text/plain; charset=UTF-8\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${text}`,
  );
}

async function respond(
  signaling: Signaling,
  incoming: IncomingMessage,
  body: () => ReadableStream<Uint8Array> | null,
  prepare: (request: Request) => void = () => {},
): Promise<Response> {
  let request: Request;
  try {
    request = requestOf(incoming, body);
  } catch {
    return new Response("Cannot read the request.", { status: 400 });
  }
  prepare(request);
  const info = { remoteAddr: { hostname: incoming.socket.remoteAddress ?? "unknown" } };
  try {
    return await signaling.fetch(request, info);
  } catch {
    return new Response("The service has a problem.", { status: 500 });
  }
}

function requestOf(
  incoming: IncomingMessage,
  body: () => ReadableStream<Uint8Array> | null,
): Request {
  const { method = "GET", url = "/", rawHeaders } = incoming;
  if (!url.startsWith("/")) throw new TypeError("not a path");
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  const init: RequestInit = { method, headers };
  if (method !== "GET" && method !== "HEAD") init.body = body();
  // The Host header is a stranger's word, and nobody needs it.
  return new Request(new URL(`http://signaling${url}`), init);
}

/** Reads on only when it is asked to. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let over = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const end = (how: () => void) => {
        if (!over) how();
        over = true;
      };
      incoming.on("data", (chunk: Uint8Array) => {
        if (over) return;
        controller.enqueue(new Uint8Array(chunk));
        incoming.pause();
      });
      incoming.on("end", () => end(() => controller.close()));
      incoming.on("close", () => end(() => controller.error(new Error("the sender went away"))));
      incoming.pause();
    },
    pull: () => void incoming.resume(),
    cancel() {
      over = true;
      incoming.pause();
    },
  }, { highWaterMark: 0 });
}
