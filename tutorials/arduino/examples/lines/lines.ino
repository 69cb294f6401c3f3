// Says back every line that it hears: new SerialConnection("/dev/ttyACM0")
char line[64];
uint8_t length = 0;

void setup() {
  Serial.begin(115200);
  Serial.println("ready");
}

void loop() {
  if (Serial.available() == 0) return;
  char letter = Serial.read();
  if (letter == '\r') return;
  if (letter != '\n') {
    if (length < sizeof(line) - 1) line[length++] = letter;
    return;
  }
  line[length] = 0;
  length = 0;
  Serial.print("I heard: ");
  Serial.println(line);
}
