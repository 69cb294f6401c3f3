// Sends every message back that it finds in its input.
#include "../../../tutorials/arduino/src/rtcbot.h"

struct __attribute__((packed)) Message { uint8_t bytes[6]; };

int main() {
  Stream stream;
  rtcbot::Link<Message, Message> link(stream);
  Message message;
  while (link.read(message)) link.write(message);
}
