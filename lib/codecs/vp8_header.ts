/**
 * The uncompressed beginning of a VP8 frame (RFC 6386 section 9.1):
 *
 * ```text
 * byte 0, bit 0   0 for a key frame
 * bytes 0 … 2     the tag: version, visibility, size of the first partition
 * in a key frame:
 * bytes 3 … 5     9d 01 2a
 * bytes 6, 7      width, little-endian, in the lower 14 bits
 * bytes 8, 9      height, likewise
 * ```
 */

import { RemoteProtocolError } from "../errors.ts";

/** What a VP8 frame says about itself; only key frames carry a size. */
export type Vp8Header =
  | { readonly keyFrame: true; readonly width: number; readonly height: number }
  | { readonly keyFrame: false };

/**
 * Reads the header of a whole frame.
 *
 * @throws {RemoteProtocolError} when it is none
 */
export function readVp8Header(data: Uint8Array): Vp8Header {
  if (data.length < 3) throw refusal(`${data.length} bytes are too few`);
  if ((data[0]! & 1) === 1) return { keyFrame: false };
  if (data.length < 10) throw refusal(`${data.length} bytes are too few for a key frame`);
  if (data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) {
    throw refusal("the start code 9d 01 2a is missing");
  }
  const width = (data[6]! | data[7]! << 8) & 0x3fff;
  const height = (data[8]! | data[9]! << 8) & 0x3fff;
  if (width === 0 || height === 0) throw refusal(`a picture of ${width}x${height} is empty`);
  return { keyFrame: true, width, height };
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read a VP8 frame: ${why}; ask the sender for a key frame`,
  );
}
