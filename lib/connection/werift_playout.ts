/** How soon the other end is asked to show a picture (the extension playout-delay of WebRTC). */

/** Per transport, the streams that have sound, too. */
const sounding = new WeakMap<object, Set<string>>();

/** Says that the stream has sound, and its pictures are to be played in step with it from now on. */
export function playInStep(transport: object, stream: string): void {
  let streams = sounding.get(transport);
  if (!streams) sounding.set(transport, streams = new Set());
  streams.add(stream);
}

/**
 * How late a picture may be shown, in units of 10 ms, 12 bits for the least and 12 for the most. Of pictures
 * alone the newest is wanted at once; those with sound may wait for it, which takes 100 ms to get out of
 * a browser. Chromium still shows at once what does not have to wait if the most is no more than 500 ms.
 */
export function playoutDelay(transport: object, stream: string): Uint8Array {
  return Uint8Array.of(0, 0, sounding.get(transport)?.has(stream) ? 50 : 0);
}
