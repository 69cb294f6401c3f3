/*
 * The board's side of `SerialConnection` with `packets: true`: structs in packets that find step again by
 * themselves after bytes were lost.
 *
 *      0      1      2        3 ... 2+n   3+n   4+n
 *   +------+------+--------+-----------+-----+-----+
 *   | 0xA5 | 0x5A | n      | n bytes   | CRC-16    |   the CRC's low byte first, over n and the bytes
 *   +------+------+--------+-----------+-----+-----+
 *
 * It takes sizeof(In) + 12 bytes of memory. A struct may have 255 bytes; declare it with
 * __attribute__((packed)), so that no compiler puts gaps into it.
 */
#pragma once
#include <Arduino.h>

namespace rtcbot {

/* CRC-16/MCRF4XX, one byte further; _crc_ccitt_update of avr-libc, for every board. Begin with 0xFFFF. */
inline uint16_t crc16(uint16_t crc, uint8_t byte) {
  byte ^= crc & 0xff;
  byte ^= byte << 4;
  return (((uint16_t)byte << 8) | (crc >> 8)) ^ (uint8_t)(byte >> 4) ^ ((uint16_t)byte << 3);
}

/* Receives structs of the type In from the robot, and sends it structs of the type Out. */
template <typename In, typename Out>
class Link {
  static_assert(sizeof(In) <= 255 && sizeof(Out) <= 255, "a packet carries 255 bytes at the most");

 public:
  explicit Link(Stream &port) : port(port) {}

  /* Takes what has come. True when a whole message has: it is in `message` then. Never waits. */
  bool read(In &message) {
    while (port.available() > 0) {
      packet[length++] = (uint8_t)port.read();
      while (length > 0 && !plausible()) drop();
      if (length < sizeof(packet)) continue;
      memcpy(&message, packet + 3, sizeof(In));
      length = 0;
      heard = millis();
      heardEver = true;
      return true;
    }
    return false;
  }

  /* Sends a message. Waits when more is sent than the line carries, as Serial.write does. */
  void write(const Out &message) {
    const uint8_t *bytes = (const uint8_t *)&message;
    uint16_t crc = crc16(0xffff, sizeof(Out));
    const uint8_t head[] = {0xa5, 0x5a, sizeof(Out)};
    port.write(head, sizeof(head));
    for (uint8_t i = 0; i < sizeof(Out); i++) crc = crc16(crc, bytes[i]);
    port.write(bytes, sizeof(Out));
    const uint8_t tail[] = {(uint8_t)(crc & 0xff), (uint8_t)(crc >> 8)};
    port.write(tail, sizeof(tail));
  }

  /* The watchdog: true when nothing valid came for so long, and from the start until something does.
     Stop the motors then: the cable is out, or the robot's program has ended. */
  bool silent(unsigned long ms = 250) {
    if (heardEver && millis() - heard >= ms) heardEver = false;  // so that it holds when millis() wraps
    return !heardEver;
  }

 private:
  Stream &port;
  uint8_t packet[3 + sizeof(In) + 2];
  uint16_t length = 0;
  unsigned long heard = 0;
  bool heardEver = false;

  /* Whether what has come can be the beginning of a packet, or is one. */
  bool plausible() const {
    if (packet[0] != 0xa5) return false;
    if (length > 1 && packet[1] != 0x5a) return false;
    if (length > 2 && packet[2] != sizeof(In)) return false;
    if (length < sizeof(packet)) return true;
    uint16_t crc = 0xffff;
    for (uint16_t i = 2; i < sizeof(packet) - 2; i++) crc = crc16(crc, packet[i]);
    return packet[sizeof(packet) - 2] == (crc & 0xff) && packet[sizeof(packet) - 1] == crc >> 8;
  }

  /* Not a packet: its second byte may begin one. */
  void drop() {
    length--;
    memmove(packet, packet + 1, length);
  }
};

}  // namespace rtcbot
