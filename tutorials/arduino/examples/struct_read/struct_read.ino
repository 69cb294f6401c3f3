// Sends a struct ten times a second:
// { readFormat: "<BH", readKeys: ["sensor", "distance"], startByte: "S" }
struct __attribute__((packed)) Measurement {
  uint8_t sensor;
  uint16_t distance;
};

Measurement measurement = {1, 0};
unsigned long last = 0;

void setup() {
  Serial.begin(115200);
  Serial.write('S');  // what came before was the boot loader's
}

void loop() {
  if (millis() - last < 100) return;
  last = millis();
  measurement.distance++;
  Serial.write((const uint8_t *)&measurement, sizeof(measurement));
}
