/// <reference lib="dom" />
/**
 * Values and what travels: everything is JSON text, except bytes, which travel as they are. Text that
 * is not JSON (RTCBot's page sends strings raw) is delivered as the text.
 */

/** What a data channel or a websocket can be handed. */
export type Wire = string | ArrayBuffer;

/** The bytes or the JSON text of a value; a snapshot, so that changing the value later is harmless. */
export function encodeMessage(value: unknown): Wire {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice().buffer;
  }
  if (value instanceof ArrayBuffer) return value.slice(0);
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) {
    throw new TypeError(`Cannot send a value of type ${typeof value}: it has no JSON form`);
  }
  return text;
}

/** The value that arrived. */
export function decodeMessage(data: unknown): unknown {
  if (typeof data !== "string") return data;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
