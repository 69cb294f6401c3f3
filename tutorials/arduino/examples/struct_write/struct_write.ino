// Receives a struct, and tells in a line what it was:
// { writeFormat: "<hB", writeKeys: ["speed", "light"] }
struct __attribute__((packed)) Control {
  int16_t speed;
  uint8_t light;
};

Control control;

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
}

void loop() {
  if (Serial.available() < (int)sizeof(control)) return;
  Serial.readBytes((char *)&control, sizeof(control));
  digitalWrite(LED_BUILTIN, control.light ? HIGH : LOW);
  Serial.print("speed ");
  Serial.print(control.speed);
  Serial.print(" light ");
  Serial.println(control.light);
}
