/** `rtcbot.h`, which is for Arduinos, compiled for this computer and compared with PacketFramer. */
import assert from "node:assert/strict";
import { encodePacket, PacketFramer } from "../../lib/wire/packet_framer.ts";
import { seeded } from "./feed.ts";

const gpp = await new Deno.Command("g++", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);
const STUB = new URL("arduino_stub/", import.meta.url).pathname;

Deno.test({
  name: "rtcbot.h finds the same packets in a broken stream as PacketFramer (needs g++)",
  ignore: !gpp,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/echo`;
      const { success, stderr } = await new Deno.Command("g++", {
        args: ["-std=c++11", "-Wall", "-Werror", `-I${STUB}`, `${STUB}echo.cpp`, "-o", program],
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const stream = broken(3000, 5);
      const messages = new PacketFramer(6).push(stream);
      assert.ok(messages.length > 1000 && messages.length < 3000);
      await Deno.writeFile(`${folder}/stream`, stream);
      // The program's input is a file, because it ends at the end of it.
      const echoed = await new Deno.Command("sh", {
        args: ["-c", `"$0" < "$1"`, program, `${folder}/stream`],
      }).output();
      assert.ok(echoed.success);
      assert.deepEqual(new PacketFramer(6).push(echoed.stdout), messages);
      assert.equal(echoed.stdout.length, messages.length * 11);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Packets, of which every second has lost, gained or changed a byte, or has noise before it. */
function broken(count: number, seed: number): Uint8Array {
  const next = seeded(seed);
  const stream: number[] = [];
  for (let i = 0; i < count; i++) {
    const packet = [
      ...encodePacket(
        Uint8Array.from({ length: 6 }, () => [0xa5, 0x5a, 6, next()][next() % 4]! & 255),
      ),
    ];
    const at = next() % packet.length;
    switch (next() % 8) {
      case 0:
        packet.splice(at, 1);
        break;
      case 1:
        packet.splice(at, 0, next() & 255);
        break;
      case 2:
        packet[at]! ^= 1 << next() % 8;
        break;
      case 3:
        stream.push(0xa5, 0x5a, 6);
    }
    stream.push(...packet);
  }
  return Uint8Array.from(stream);
}
