/** One websocket from its opening to its end, of which there is exactly one report. */
import { type Clock, once } from "./clock.ts";

/** How a websocket ended. */
export interface WebsocketEnd {
  /** The code of the close frame; 1006 when there was none (RFC 6455, section 7.4.1). */
  readonly code: number;
  /** What the other end gave as its reason. */
  readonly reason: string;
}

/** Hears a websocket. */
export interface LinkListener {
  /** It is open. */
  opened(): void;
  /** A message has come. */
  message(data: string | Uint8Array): void;
  /** It is over; the problem is a clause for a sentence, and null when the other end closed it properly. */
  ended(end: WebsocketEnd, problem: string | null): void;
}

/** How a link is watched. */
export interface LinkOptions {
  readonly clock: Clock;
  /** It must be open within this. */
  readonly connectTimeoutMs: number;
  /** When nothing was heard for so long, it is over. */
  readonly silenceMs: number;
  /** A larger message ends it. */
  readonly maxMessageBytes: number;
}

/**
 * What our server sends from time to time to a client that said, by a header, that it understands it: a
 * client cannot ping with the standard WebSocket, and so would never notice that the other end vanished.
 * A foreign server passes over the header, and is sent nothing.
 */
export const HEARTBEAT = '{"rtcbot":"heartbeat"}';
/** The header of the client. */
export const HEARTBEAT_HEADER = "x-rtcbot-heartbeat";
/** How often it is sent. */
export const HEARTBEAT_MS = 5000;
/** Who has heard one misses them after this. */
const HEARTBEAT_SILENCE_MS = 3 * HEARTBEAT_MS;

/** See the head of this file. */
export class Link {
  readonly #socket: WebSocket;
  readonly #listener: LinkListener;
  readonly #options: LinkOptions;
  #stopWatch: () => void;
  #stopExpecting = () => {};
  #heardMs: number;
  #silenceMs: number;
  #problem: string | null = null;
  #over = false;

  /** @param socket a standard WebSocket that is opening or open */
  constructor(socket: WebSocket, options: LinkOptions, listener: LinkListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#options = options;
    this.#heardMs = options.clock.now();
    this.#silenceMs = options.silenceMs;
    socket.binaryType = "arraybuffer";
    const { connectTimeoutMs } = options;
    this.#stopWatch = once(
      options.clock,
      connectTimeoutMs,
      () => this.#giveUp(`there was no answer within ${connectTimeoutMs / 1000} s`),
    );
    if (socket.readyState === WebSocket.OPEN) queueMicrotask(() => this.#opened());
    else socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onerror = (event) => {
      this.#problem ??= clauseOf((event as ErrorEvent).message ?? "");
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      const problem = wasClean ? null : this.#problem ?? "the connection broke";
      this.#finish({ code: code || 1006, reason }, problem);
    };
  }

  /** Whether messages can be sent. */
  get open(): boolean {
    return !this.#over && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait to be sent. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** What was agreed on. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Sends a message; only when it is open. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  /** Gives it up unless something is heard within this; while it connects, unless it opens. */
  expect(withinMs: number): void {
    if (this.#over) return;
    const askedMs = this.#options.clock.now();
    this.#stopExpecting();
    this.#stopExpecting = once(this.#options.clock, withinMs, () => {
      if (this.#heardMs > askedMs) return;
      this.#giveUp(`nothing was heard within ${withinMs / 1000} s after it was asked`);
    });
  }

  /** Closes it after what was sent; it is over for us at once. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(code, reason);
    this.#finish({ code, reason }, null);
  }

  #opened(): void {
    if (this.#over) return;
    this.#heardMs = this.#options.clock.now();
    this.#stopWatch();
    this.#watch();
    this.#listener.opened();
  }

  #hear(data: string | ArrayBuffer): void {
    if (this.#over) return;
    this.#heardMs = this.#options.clock.now();
    if (data === HEARTBEAT) {
      if (this.#silenceMs <= HEARTBEAT_SILENCE_MS) return;
      this.#silenceMs = HEARTBEAT_SILENCE_MS;
      this.#stopWatch();
      return this.#watch();
    }
    const { maxMessageBytes } = this.#options;
    // A UTF-16 unit is at least one byte.
    const bytes = typeof data === "string" ? data.length : data.byteLength;
    if (bytes > maxMessageBytes) {
      const problem = `it sent a message of more than ${maxMessageBytes} bytes`;
      this.#refuse(`at most ${maxMessageBytes} bytes`);
      return this.#finish({ code: 1009, reason: "" }, problem);
    }
    this.#listener.message(typeof data === "string" ? data : new Uint8Array(data));
  }

  /** Closes with 1009, which the standard lets no client say: a client gives the reason only. */
  #refuse(reason: string): void {
    try {
      this.#socket.close(1009, reason);
    } catch {
      this.#socket.close(4009, reason);
    }
  }

  #watch(): void {
    const silenceMs = this.#silenceMs;
    if (silenceMs === Infinity) return;
    this.#stopWatch = this.#options.clock.every(silenceMs / 4, () => {
      if (this.#options.clock.now() - this.#heardMs < silenceMs) return;
      this.#giveUp(`nothing was heard for ${silenceMs / 1000} s`);
    });
  }

  #giveUp(problem: string): void {
    this.#socket.close();
    this.#finish({ code: 1006, reason: "" }, problem);
  }

  #finish(end: WebsocketEnd, problem: string | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWatch();
    this.#stopExpecting();
    this.#listener.ended(end, problem);
  }
}

/** The runtime's words for what went wrong, in ours; only what helps is told. */
function clauseOf(message: string): string {
  const status = /status code: (\d+)/.exec(message)?.[1];
  if (status) return `it was refused (HTTP ${status})`;
  if (/tcp connect error|connection refused/i.test(message)) return "nobody answers there";
  if (/dns error|lookup/i.test(message)) return "its name is not known";
  if (/certificate|tls/i.test(message)) return `it is not trusted (${message})`;
  if (/ping frame/.test(message)) return "no ping was answered";
  return message || "the connection broke";
}
