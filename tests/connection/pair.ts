/** Two connections of one process, joined over the loopback interface. */
import { RTCConnection, type RTCConnectionOptions } from "../../mod.ts";

export const LOCAL: RTCConnectionOptions = { rtcConfiguration: { iceServers: [] } };

/** Negotiates; both are ready afterwards. */
export async function join(offerer: RTCConnection, answerer: RTCConnection): Promise<void> {
  const offer = await offerer.getLocalDescription();
  await offerer.setRemoteDescription(await answerer.getLocalDescription(offer));
  await Promise.all([offerer.onReady(), answerer.onReady()]);
}

/** Runs a body with a joined pair, and closes both. */
export async function withPair(
  body: (a: RTCConnection, b: RTCConnection) => Promise<void>,
  options: RTCConnectionOptions = LOCAL,
): Promise<void> {
  await using a = new RTCConnection(options);
  await using b = new RTCConnection(options);
  await join(a, b);
  await body(a, b);
}

/** Rejects when a promise takes too long, so that a broken test ends. */
export async function within<T>(ms: number, promise: PromiseLike<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
