/**
 * The first connection of a process takes ten times as long as the others, since all code that it runs
 * is read and compiled on the way. So the process is connected with itself beforehand.
 */
import type { RTCConnection } from "./rtc_connection.ts";

let warming: Promise<void> | undefined;

/** Connects two ends of this process, once. Never rejects: what is wrong shows with the first connection. */
export function warmUp(make: () => RTCConnection): Promise<void> {
  return warming ??= connectToItself(make).catch(() => {});
}

async function connectToItself(make: () => RTCConnection): Promise<void> {
  await using offerer = make();
  await using answerer = make();
  offerer.video.offerToReceive(1); // looks for the libraries of codecs
  const offer = await offerer.getLocalDescription();
  await offerer.setRemoteDescription(await answerer.getLocalDescription(offer));
  await Promise.all([offerer.onReady(), answerer.onReady()]);
}
