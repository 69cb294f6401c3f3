/** The tutorials' scripts for input devices, with fake ones and with none. */
import assert from "node:assert/strict";
import { command, start } from "./harness.ts";

Deno.test('tutorials "04_gamepad.ts" prints the gamepad and drives with it', async () => {
  await using running = await start("04_gamepad.ts");
  await running.printed(/drive with the left stick of Fake X-Box 360 pad/);
  await running.printed(/code: "BTN_SOUTH"/);
  await running.printed(/the robot is at 1\.[6-9], 5\.4/);
});

Deno.test('tutorials "04_mouse.ts" adds up the movement and ends with a click', async () => {
  const { code, stdout, stderr } = await command("04_mouse.ts", ["--fake"]).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.match(new TextDecoder().decode(stdout), /\n120 to the right, 30 up\n$/);
});

for (const [script, device] of [["04_gamepad.ts", "gamepad"], ["04_mouse.ts", "mouse"]] as const) {
  Deno.test({
    name: `tutorials "${script}" says what to do when it has no device`,
    ignore: hasInputs(), // it would wait for a hand
    async fn() {
      const { code, stderr } = await command(script, []).output();
      assert.equal(code, 1);
      assert.match(
        new TextDecoder().decode(stderr),
        new RegExp(`^Cannot open ${device}: .+\nWithout a ${device}: add --fake$`, "m"),
      );
    },
  });
}

function hasInputs(): boolean {
  try {
    return [...Deno.readDirSync("/dev/input")].length > 0;
  } catch {
    return false;
  }
}
