/**
 * A robot's websocket as the service sees it. `acceptSocket()` makes one of Deno's websockets, or, for a
 * request that came through `serveSignaling()`, of our own: Deno's gathers the fragments of a message
 * without bound, and a whole message of up to 64 MiB, before anybody can refuse it.
 */

/** Sends to a robot. */
export interface ServiceSocket {
  /** Sends a text frame; does nothing when it is not open. */
  send(text: string): void;
  /** Begins the closing handshake; the listener hears `closed` when it is done. */
  close(code: number, reason: string): void;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
}

/** Hears a robot. */
export interface SocketListener {
  /** The handshake is done. */
  opened(): void;
  /** A whole message, not larger than was allowed. */
  message(data: string | Uint8Array): void;
  /** It is over, whoever ended it; comes once, also when it never opened. */
  closed(): void;
}

/** How a robot's websocket is opened. */
export interface SocketOptions {
  /** The subprotocol that is agreed to. */
  protocol?: string;
  /** A message of more bytes closes it with 1009. */
  maxMessageBytes: number;
  /** Who answers no ping for so long is gone. */
  idleTimeoutS: number;
}

/** Opens the websocket that a request asks for. Throws `TypeError` when it is no such request. */
export type AcceptSocket = (
  request: Request,
  options: SocketOptions,
  listen: (socket: ServiceSocket) => SocketListener,
) => Response;

/** Requests whose connections are ours. */
const ours = new WeakMap<Request, AcceptSocket>();

/** For `serveSignaling()`: the websocket of this request is opened so. */
export function acceptBy(request: Request, accept: AcceptSocket): void {
  ours.set(request, accept);
}

/** See {@linkcode AcceptSocket}. */
export const acceptSocket: AcceptSocket = (request, options, listen) => {
  const accept = ours.get(request) ?? acceptStandard;
  return accept(request, options, listen);
};

/** Whether a request asks for a websocket. */
export function asksForWebsocket(headers: Headers): boolean {
  return isWebsocket(headers.get("upgrade") ?? "");
}

/** The same of its `Upgrade`, however it is spelt (`WebSocket`, `websocket, foo`). */
export function isWebsocket(upgrade: string): boolean {
  return /\bwebsocket\b/i.test(upgrade);
}

/** The longest reason that a close frame holds (RFC 6455, section 5.5: 125 bytes with the code). */
export function closeReason(reason: string): string {
  let text = reason.slice(0, 123);
  while (new TextEncoder().encode(text).length > 123) text = text.slice(0, -1);
  return text;
}

const acceptStandard: AcceptSocket = (request, options, listen) => {
  const { maxMessageBytes, idleTimeoutS, protocol } = options;
  const upgradeOptions: Deno.UpgradeWebSocketOptions = { idleTimeout: idleTimeoutS };
  if (protocol !== undefined) upgradeOptions.protocol = protocol;
  const { socket, response } = Deno.upgradeWebSocket(request, upgradeOptions);
  socket.binaryType = "arraybuffer";
  let over = false;
  const close = (code: number, reason: string) => {
    over = true;
    if (socket.readyState <= WebSocket.OPEN) socket.close(code, closeReason(reason));
  };
  const listener = listen({
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
  });
  socket.onopen = () => listener.opened();
  socket.onmessage = ({ data }) => {
    if (over) return;
    const bytes = typeof data === "string" ? utf8Length(data) : data.byteLength;
    if (bytes > maxMessageBytes) close(1009, `a message may have ${maxMessageBytes} bytes`);
    else listener.message(typeof data === "string" ? data : new Uint8Array(data));
  };
  socket.onerror = () => {}; // closes too
  socket.onclose = () => {
    over = true;
    listener.closed();
  };
  return response;
};

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
