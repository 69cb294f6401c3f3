/**
 * VP8 frames as RTP payloads (RFC 7741, section 4.2).
 *
 * ```text
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * |X|R|N|S|R| PID |  X=1: the next byte is there; S: this packet begins a partition
 * +-+-+-+-+-+-+-+-+
 * |I|L|T|K|  RSV  |  I=1: a picture ID follows
 * +-+-+-+-+-+-+-+-+
 * |M| PictureID   |  M=1: 15 bits in two bytes
 * |   PictureID   |
 * +-+-+-+-+-+-+-+-+
 * ```
 */

const DESCRIPTOR_BYTES = 4;

/**
 * Cuts a frame into payloads of nearly equal size, so that no packet is a straggler.
 *
 * @param frame the whole VP8 frame; it is copied
 * @param pictureId counts frames; its low 15 bits are sent
 * @param maxBytes the largest payload
 */
export function packetizeVp8(
  frame: Uint8Array,
  pictureId: number,
  maxBytes: number,
): Uint8Array<ArrayBuffer>[] {
  const room = maxBytes - DESCRIPTOR_BYTES;
  if (room < 1) {
    throw new RangeError(`Cannot packetize VP8: ${maxBytes} bytes leave no room for data`);
  }
  const count = Math.max(1, Math.ceil(frame.length / room));
  const payloads: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0, from = 0; i < count; i++) {
    const to = Math.round((frame.length * (i + 1)) / count);
    const payload = new Uint8Array(DESCRIPTOR_BYTES + to - from);
    payload[0] = 0x80 | (i === 0 ? 0x10 : 0);
    payload[1] = 0x80;
    payload[2] = 0x80 | ((pictureId >> 8) & 0x7f);
    payload[3] = pictureId & 0xff;
    payload.set(frame.subarray(from, to), DESCRIPTOR_BYTES);
    payloads.push(payload);
    from = to;
  }
  return payloads;
}
