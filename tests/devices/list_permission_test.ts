import assert from "node:assert/strict";
import { Camera } from "../../lib/devices/camera.ts";
import { Gamepad } from "../../lib/devices/gamepad.ts";
import { Microphone } from "../../lib/devices/microphone.ts";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import { Speaker } from "../../lib/devices/speaker.ts";

for (const Device of [Camera, Gamepad, Microphone, SerialConnection, Speaker]) {
  Deno.test({
    name: `${Device.name}.list() rejects with Deno's own error without --allow-ffi (needs Linux)`,
    ignore: Deno.build.os !== "linux",
    permissions: { ffi: false },
    async fn() {
      const listed = Device.list() as Promise<unknown>; // a promise, and no throw
      await assert.rejects(listed, Deno.errors.NotCapable);
    },
  });
}
