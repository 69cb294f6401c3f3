/** The service on real sockets, and robots and viewers that speak frame by frame. */
import type { SignalingOptions } from "../../lib/signaling/service/settings.ts";
import { createSignaling, type Signaling } from "../../lib/signaling/service/signaling.ts";
import { serveSignaling, type ServeSignalingOptions } from "../../lib/signaling/service/server.ts";
import { Queue } from "../../lib/subscriptions/mod.ts";

/** A description as long as Chromium's with video. */
export const OFFER: string = JSON.stringify({ type: "offer", sdp: "v=0\r\n".padEnd(6600, "x") });
/** What a robot answers. */
export const ANSWER: string = JSON.stringify({ type: "answer", sdp: "v=0\r\n" });
/** Long enough. */
export const SECRET = "a secret of sixteen or more";

/** A service that listens. */
export interface Served {
  readonly signaling: Signaling;
  readonly port: number;
  readonly url: string;
  post(path: string, body?: BodyInit, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

/** Serves on a free port: by our own server, or by `Deno.serve`. */
export async function serve(
  options: SignalingOptions = {},
  by: "own" | "deno" = "own",
  serveOptions: ServeSignalingOptions = {},
): Promise<Served> {
  const signaling = createSignaling(options);
  let port: number;
  let close: () => Promise<void>;
  if (by === "own") {
    const server = await serveSignaling(signaling, { port: 0, ...serveOptions });
    port = server.port;
    close = () => server.close();
  } else {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      signaling.fetch,
    );
    port = server.addr.port;
    close = async () => {
      await signaling.close();
      await server.shutdown();
    };
  }
  const url = `http://127.0.0.1:${port}`;
  return {
    signaling,
    port,
    url,
    post: (path, body = OFFER, headers = {}) =>
      fetch(url + path, { method: "POST", body, headers }),
    close,
  };
}

/** A websocket without manners of its own. */
export interface RawRobot {
  readonly socket: WebSocket;
  /** The next text frame. */
  frame(): Promise<string>;
  /** The next text frame, parsed. */
  // deno-lint-ignore no-explicit-any
  json(): Promise<any>;
  send(value: string | object): void;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly opened: Promise<void>;
}

/** Connects as a robot; of the old style when no subprotocol is given. */
export function robot(served: Served, path: string, protocol?: string): RawRobot {
  const socket = new WebSocket(served.url.replace("http", "ws") + path, protocol ? [protocol] : []);
  const frames = new Queue<string>();
  socket.onmessage = ({ data }) => frames.put_nowait(data);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => {
      frames.close();
      resolve({ code, reason });
    };
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
  });
  opened.catch(() => {});
  return {
    socket,
    frame: () => frames.get(),
    json: async () => JSON.parse(await frames.get()),
    send: (value) => socket.send(typeof value === "string" ? value : JSON.stringify(value)),
    closed,
    opened,
  };
}

/** A robot that stays, welcomed already. */
export async function stayingRobot(
  served: Served,
  path: string,
  hello: object = { secret: SECRET },
): Promise<RawRobot> {
  const made = robot(served, path, "rtcbot.1");
  await made.opened;
  made.send({ type: "hello", ...hello });
  const { type } = await made.json();
  if (type !== "welcome") throw new Error(`not welcomed: ${type}`);
  return made;
}

/** Closes a websocket and waits for its end. */
export async function leave(made: RawRobot): Promise<void> {
  made.socket.close();
  await made.closed;
}

/** Real sockets take their time: looks until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not within 15 s: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
