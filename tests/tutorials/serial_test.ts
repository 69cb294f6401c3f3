/** The tutorial scripts about boards and receivers, with fakes and, where it is installed, an emulated Arduino. */
import assert from "node:assert/strict";
import { hasPty, openPtyRig } from "../devices/pty.ts";
import { termiosSerial } from "../../lib/devices/serial_termios.ts";
import { command, read, start } from "./harness.ts";

Deno.test('"04_arduino.ts" drives, and shows the motors stop when it falls silent', async () => {
  await using running = await start("04_arduino.ts");
  await running.printed(
    /left 200 right 200 \([^]*left -100 right 100 \([^]*left 0 right 0 \(the board has run for \d+ ms/,
  );
});

Deno.test('"04_gps.ts" tells where it is and how far it came', async () => {
  await using running = await start("04_gps.ts");
  await running.printed(/\n48\.\d{6}, 11\.\d{6}, 1\.4 m\/s, 1 m so far \(gps\)/);
});

for (const script of ["04_arduino.ts", "04_gps.ts"]) {
  Deno.test({
    name: `tutorials/${script} says what to do when it has no device (needs Linux)`,
    ignore: !hasPty,
    async fn() {
      const { code, stderr } = await command(script, ["--device", "/dev/ttyNONE7"]).output();
      assert.equal(code, 1);
      assert.match(
        new TextDecoder().decode(stderr),
        /^Cannot open serial port "\/dev\/ttyNONE7": there is no such device .*; add --fake to go on/m,
      );
    },
  });
}

Deno.test({
  name: "tutorials/04_gps.ts reads a port with the permissions in its head (needs Linux)",
  ignore: !hasPty,
  async fn() {
    await using rig = await openPtyRig(termiosSerial);
    const running = command("04_gps.ts", ["--device", rig.url]).spawn();
    const printed = (async () => {
      let said = "";
      for await (const piece of running.stdout.pipeThrough(new TextDecoderStream())) {
        said += piece;
        if (/48\.117300, 11\.516667, \? m\/s, 0 m so far \(gps\)/.test(said)) return;
      }
      throw new Error(`it ended, and said: ${said}`);
    })();
    const beat = setInterval(() => {
      for (const second of [10, 11, 12]) {
        const body = `GPGGA,1200${second},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,`;
        const sum = [...body].reduce((sum, letter) => sum ^ letter.charCodeAt(0), 0);
        rig.write(new TextEncoder().encode(`$${body}*${sum.toString(16).padStart(2, "0")}\r\n`));
      }
    }, 500);
    try {
      await printed;
    } finally {
      clearInterval(beat);
      running.kill("SIGKILL");
      await Promise.all([running.status, running.stderr.cancel()]);
    }
  },
});

Deno.test("tutorials/04_arduino_and_gps.md quotes only what stands in the sketches", () => {
  const text = read("04_arduino_and_gps.md");
  let quoted = 0;
  // The name of the sketch stands in the text above it.
  for (const [, sketch, code] of text.matchAll(/\(arduino\/(\S+?)\)[^`]*?\n\n```c\n([^]*?)```/g)) {
    quoted++;
    const lines = (code: string) => code.trim().split("\n").map((line) => line.trim()).join("\n");
    assert.ok(lines(read(`arduino/${sketch}`)).includes(lines(code!)), `${sketch}:\n${code}`);
  }
  assert.ok(quoted >= 3, `${quoted} quotations`);
});
