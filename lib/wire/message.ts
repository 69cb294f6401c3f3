/**
 * What may be said on a data channel, as text and bytes. Everything is JSON but for binary data, so that
 * a string arrives as a string: `"hi"` travels as `"\"hi\""`. RTCBot's page sends strings raw, so text
 * that is not JSON is delivered as it is.
 */

/** Anything that JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A message as it is on the wire: text, or bytes. */
export type WireMessage = string | Uint8Array<ArrayBuffer>;

/**
 * Encodes a value: typed arrays, `DataView`s and `ArrayBuffer`s as their bytes (copied), everything else
 * as JSON.
 *
 * @throws {TypeError} when the value is nothing that JSON can carry
 */
export function encodeMessage(value: unknown): WireMessage {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`Cannot send the message: it is not JSON (${(cause as Error).message})`, {
      cause,
    });
  }
  if (text === undefined) {
    throw new TypeError(
      `Cannot send the message: JSON has no ${typeof value}; send null, or bytes in a Uint8Array`,
    );
  }
  return text;
}

/** Decodes what arrived: bytes as they are, text as JSON, text that is not JSON as the text. */
export function decodeMessage(message: WireMessage): unknown {
  if (typeof message !== "string") return message;
  try {
    return JSON.parse(message);
  } catch {
    return message; // raw text is allowed: RTCBot's page sends its strings so
  }
}

const utf8 = new TextEncoder();

/** The size of a message on the wire in bytes. */
export function messageSize(message: WireMessage): number {
  if (typeof message !== "string") return message.byteLength;
  // Short strings are the common case; only long ones pay for being encoded to be measured.
  let ascii = message.length < 4096;
  for (let i = 0; ascii && i < message.length; i++) ascii = message.charCodeAt(i) < 0x80;
  return ascii ? message.length : utf8.encode(message).byteLength;
}
