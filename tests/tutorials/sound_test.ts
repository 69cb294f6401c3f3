/** The scripts of tutorial 1 that are about sound, with fake devices and with none. */
import assert from "node:assert/strict";
import { command, start, WITHOUT_SOUND } from "./harness.ts";

Deno.test('tutorials "01_sound.ts" plays what the microphone hears', async () => {
  await using running = await start("01_sound.ts");
  await running.printed(/^From "Fake microphone" to "Fake speaker"$/m);
  // What waits to be played shows that something was put; without that it would be 0.
  await running.printed(/^[1-9]\d* ms from here to the ear, \d+ gaps$/m);
});

Deno.test('tutorials "01_louder.ts" makes it five times as loud', async () => {
  await using running = await start("01_louder.ts");
  await running.printed(/^loudest sample: 0\.50$/m); // of 0.1
});

for (const script of ["01_sound.ts", "01_louder.ts"]) {
  Deno.test(`tutorials/${script} says what to do when it has no device`, async () => {
    const { code, stderr } = await command(script, [], WITHOUT_SOUND).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /^Cannot open a (microphone|speaker): .+; add --fake to go on without$/m,
    );
  });
}
