// Two motors that the robot drives, and that stop when it falls silent:
// { packets: true, writeFormat: "<hh", writeKeys: ["left", "right"],
//   readFormat: "<hhI", readKeys: ["left", "right", "ms"] }
#include <rtcbot.h>

struct __attribute__((packed)) Control {
  int16_t left, right;  // -255 to 255
};
struct __attribute__((packed)) Status {
  int16_t left, right;  // what the motors do now
  uint32_t ms;          // how long the board has run
};

rtcbot::Link<Control, Status> robot(Serial);
Control motors = {0, 0};
unsigned long last = 0;

void setup() {
  Serial.begin(115200);
  pinMode(4, OUTPUT);  // direction and power of the left motor
  pinMode(5, OUTPUT);
  pinMode(7, OUTPUT);  // and of the right one
  pinMode(6, OUTPUT);
}

void loop() {
  Control control;
  if (robot.read(control)) motors = control;
  if (robot.silent()) motors = {0, 0};
  drive(4, 5, motors.left);
  drive(7, 6, motors.right);
  if (millis() - last < 50) return;
  last = millis();
  robot.write({motors.left, motors.right, last});
}

void drive(uint8_t direction, uint8_t power, int16_t speed) {
  digitalWrite(direction, speed < 0 ? HIGH : LOW);
  analogWrite(power, constrain(abs(speed), 0, 255));
}
