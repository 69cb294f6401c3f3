/** The server's end of a websocket on a bare connection, which takes no more memory than it is allowed. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { report } from "../../subscriptions/report.ts";
import { closeData, FrameError, FrameReader, writeFrame } from "./frames.ts";
import { TokenBucket } from "./limits.ts";
import {
  closeReason,
  type ServiceSocket,
  type SocketListener,
  type SocketOptions,
} from "./socket.ts";

/** A client that reads nothing is not kept waiting for. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** The other end's part in closing. */
const CLOSE_TIMEOUT_MS = 2000;
/** Pings and fragments may be empty, and cost us more than who sends them. */
const FRAMES_PER_SECOND = 1000, FRAME_BURST = 5000;
/** RFC 6455, section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const utf8 = new TextEncoder();

/**
 * Answers the handshake and speaks for the service from then on.
 * @param head what came behind the request
 * @throws {TypeError} when it is no handshake
 */
export function openBoundedSocket(
  connection: Duplex,
  head: Uint8Array,
  headers: Headers,
  options: SocketOptions,
  listen: (socket: ServiceSocket) => SocketListener,
): void {
  const key = headers.get("sec-websocket-key") ?? "";
  if (headers.get("sec-websocket-version") !== "13" || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new TypeError("the handshake is not that of RFC 6455");
  }
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  const protocol = options.protocol ? `Sec-WebSocket-Protocol: ${options.protocol}\r\n` : "";
  connection.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept}\r\n${protocol}\r\n`,
  );
  new BoundedSocket(connection, options, listen).start(head);
}

class BoundedSocket implements ServiceSocket {
  readonly #connection: Duplex;
  readonly #reader: FrameReader;
  readonly #frames = new TokenBucket(FRAMES_PER_SECOND, FRAME_BURST, performance.now());
  readonly #listener: SocketListener;
  readonly #pinging: ReturnType<typeof setInterval>;
  #heard = true;
  #closing = false;
  #over = false;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(
    connection: Duplex,
    options: SocketOptions,
    listen: (socket: ServiceSocket) => SocketListener,
  ) {
    this.#connection = connection;
    this.#reader = new FrameReader(options.maxMessageBytes);
    this.#listener = listen(this);
    this.#pinging = setInterval(() => this.#ping(), options.idleTimeoutS * 500);
  }

  start(head: Uint8Array): void {
    const connection = this.#connection;
    connection.on("error", () => connection.destroy());
    connection.on("close", () => this.#ended());
    connection.on("end", () => connection.end());
    connection.on("data", (data: Uint8Array) => this.#hear(data));
    queueMicrotask(() => {
      if (connection.destroyed) return this.#ended();
      this.#listener.opened();
      if (head.length > 0) this.#hear(head);
    });
  }

  get bufferedAmount(): number {
    return this.#connection.writableLength;
  }

  send(text: string): void {
    if (!this.#closing) this.#write(writeFrame("text", utf8.encode(text)));
  }

  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#write(writeFrame("close", closeData(code, closeReason(reason))));
    this.#closing = true;
    this.#patience = setTimeout(() => this.#connection.destroy(), CLOSE_TIMEOUT_MS);
  }

  #hear(data: Uint8Array): void {
    this.#heard = true;
    if (this.#over) return;
    let ping: Uint8Array | null = null;
    const framesBefore = this.#reader.frames;
    try {
      for (const event of this.#reader.read(data)) {
        if (event.kind === "close") return this.#leave(event.code);
        if (event.kind === "ping") ping = event.data;
        if (event.kind === "message" && !this.#closing) this.#listener.message(event.data);
      }
      if (!this.#frames.take(performance.now(), this.#reader.frames - framesBefore)) {
        throw new FrameError(1008, "too many frames");
      }
    } catch (error) {
      if (error instanceof FrameError) this.close(error.code, error.message);
      else { // thrown on, it would end the whole service
        report("a robot's message could not be taken", error);
        this.close(1011, "the service has a problem");
      }
      // What follows cannot be read, and is not to be kept. It is taken, or the close frame may be lost.
      this.#connection.removeAllListeners("data");
      this.#connection.resume();
      this.#connection.end();
    }
    // Of several the last is answered (RFC 6455, section 5.5.3): there may be ten thousand.
    if (ping && !this.#closing) this.#write(writeFrame("pong", ping));
  }

  /** The other end closes: the code is said back (RFC 6455, section 5.5.1), and that was all. */
  #leave(code: number): void {
    if (!this.#closing) {
      const sayable = code === 1005 || code < 1000 ? 1000 : code;
      this.#write(writeFrame("close", closeData(sayable, "")));
    }
    this.#closing = true;
    this.#patience ??= setTimeout(() => this.#connection.destroy(), CLOSE_TIMEOUT_MS);
    this.#connection.end();
  }

  /** Twice in the idle time-out: one ping may be answered late. */
  #ping(): void {
    if (!this.#heard) return void this.#connection.destroy();
    this.#heard = false;
    if (!this.#closing) this.#write(writeFrame("ping", new Uint8Array(0)));
  }

  #write(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#over || this.#connection.destroyed) return;
    this.#connection.write(Buffer.from(frame.buffer));
    if (this.#connection.writableLength > MAX_BUFFERED_BYTES) this.#connection.destroy();
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#pinging);
    clearTimeout(this.#patience);
    this.#listener.closed();
  }
}
