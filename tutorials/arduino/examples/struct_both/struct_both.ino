// A struct in, a struct out, with its values changed round:
// { writeFormat: "<HB", writeKeys: ["value1", "value2"], readFormat: "<BH", readKeys: ["value1", "value2"] }
struct __attribute__((packed)) Control {
  uint16_t value1;
  uint8_t value2;
};
struct __attribute__((packed)) Sensor {
  uint8_t value1;
  uint16_t value2;
};

Control control;
Sensor sensor;

void setup() { Serial.begin(115200); }

void loop() {
  if (Serial.available() < (int)sizeof(control)) return;
  Serial.readBytes((char *)&control, sizeof(control));
  sensor.value1 = control.value2;
  sensor.value2 = control.value1;
  Serial.write((const uint8_t *)&sensor, sizeof(sensor));
}
