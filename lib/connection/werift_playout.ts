/** How soon the other end is asked to show a picture (the extension playout-delay of WebRTC). */

/** Transports that carry sound of ours, too. */
const sounding = new WeakSet<object>();

/** Says that sound is sent as well, and picture and sound are to be played in step from now on. */
export function playInStep(transport: object): void {
  sounding.add(transport);
}

/**
 * How late a picture may be shown, in units of 10 ms, 12 bits for the least and 12 for the most. Of pictures
 * alone the newest is wanted at once; those with sound may wait for it, which takes 100 ms to get out of
 * a browser. Chromium still shows at once what does not have to wait if the most is no more than 500 ms.
 */
export function playoutDelay(transport: object): Uint8Array {
  return Uint8Array.of(0, 0, sounding.has(transport) ? 50 : 0);
}
