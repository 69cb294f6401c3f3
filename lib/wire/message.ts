/**
 * What may be said on a data channel, as text and bytes. Everything is JSON but for binary data, so that
 * a string arrives as a string: `"hi"` travels as `"\"hi\""`. RTCBot's page sends strings raw, so text
 * that is not JSON is delivered as it is.
 */

/** Anything that JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A message as it is on the wire. */
export interface WireMessage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the bytes are UTF-8 text; otherwise they are binary data. */
  readonly text: boolean;
}

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/**
 * Encodes a value: typed arrays, `DataView`s and `ArrayBuffer`s as their bytes (copied), everything else
 * as JSON.
 *
 * @throws {TypeError} when the value is nothing that JSON can carry
 */
export function encodeMessage(value: unknown): WireMessage {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { bytes: new Uint8Array(bytes), text: false };
  }
  if (value instanceof ArrayBuffer) return { bytes: new Uint8Array(value.slice(0)), text: false };
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`Cannot send the message: it is not JSON (${(cause as Error).message})`, {
      cause,
    });
  }
  if (json === undefined) {
    throw new TypeError(
      `Cannot send the message: JSON has no ${typeof value}; send null, or bytes in a Uint8Array`,
    );
  }
  return { bytes: utf8.encode(json), text: true };
}

/** Decodes what arrived: binary data as a `Uint8Array`, text as JSON, text that is not JSON as the text. */
export function decodeMessage(message: WireMessage): unknown {
  if (!message.text) return message.bytes;
  const text = utf8Decoder.decode(message.bytes);
  try {
    return JSON.parse(text);
  } catch {
    return text; // raw text is allowed: RTCBot's page sends its strings so
  }
}
