/**
 * CRC-32C (Castagnoli), the checksum of SCTP: RFC 9260, appendix A. Eight bytes a step with eight tables
 * ("slicing by 8"), about 1 µs for a packet.
 */

const POLYNOMIAL = 0x82f63b78; // 0x1edc6f41 of appendix A, bits reversed

const TABLES = makeTables();
const T0 = TABLES[0]!, T1 = TABLES[1]!, T2 = TABLES[2]!, T3 = TABLES[3]!;
const T4 = TABLES[4]!, T5 = TABLES[5]!, T6 = TABLES[6]!, T7 = TABLES[7]!;

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[0]![i] = crc;
  }
  for (let k = 1; k < 8; k++) {
    for (let i = 0; i < 256; i++) {
      const before = tables[k - 1]![i]!;
      tables[k]![i] = (before >>> 8) ^ tables[0]![before & 0xff]!;
    }
  }
  return tables;
}

function update(crc: number, data: Uint8Array, from: number, to: number): number {
  let i = from;
  for (const last = to - 7; i < last; i += 8) {
    crc ^= data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    crc = T7[crc & 0xff]! ^ T6[(crc >>> 8) & 0xff]! ^ T5[(crc >>> 16) & 0xff]! ^ T4[crc >>> 24]! ^
      T3[data[i + 4]!]! ^ T2[data[i + 5]!]! ^ T1[data[i + 6]!]! ^ T0[data[i + 7]!]!;
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ T0[(crc ^ data[i]!) & 0xff]!;
  return crc;
}

const ZEROS = new Uint8Array(4);

/** The CRC-32C of all bytes. */
export function crc32c(data: Uint8Array): number {
  return ~update(-1, data, 0, data.length) >>> 0;
}

/** The checksum of a packet, counted as if its field (bytes 8 to 11) were zero; it travels little-endian. */
export function packetChecksum(packet: Uint8Array, length: number = packet.length): number {
  let crc = update(-1, packet, 0, 8);
  crc = update(crc, ZEROS, 0, 4);
  return ~update(crc, packet, 12, length) >>> 0;
}
