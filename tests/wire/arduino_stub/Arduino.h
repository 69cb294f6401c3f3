// As much of an Arduino as rtcbot.h needs, on a PC.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct Stream {
  int next = -2;
  int available() { if (next == -2) next = getchar(); return next >= 0; }
  int read() { int byte = next; next = -2; return byte; }
  void write(const uint8_t *bytes, size_t size) { fwrite(bytes, 1, size, stdout); }
};
inline unsigned long millis() { return 0; }
