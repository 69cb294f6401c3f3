import assert from "node:assert/strict";
import { EVDEV_PATHS, EvdevDevice, withEvdev } from "../../ffi/evdev.ts";
import { evdevBackend } from "../../lib/devices/input_evdev.ts";
import { DeviceMissing, SystemCallError } from "../../lib/errors.ts";

const ignore = Deno.build.os !== "linux";
// The kernel's own devices are tested in tests/lab, these are the ways in which there are none.

Deno.test({
  name: "EvdevDevice says that there is no such device",
  ignore,
  fn() {
    for (const path of ["/dev/input/no-such-event", "/dev/null/event0"]) {
      assert.throws(() => new EvdevDevice(path), (error: unknown) => {
        assert.ok(error instanceof DeviceMissing);
        assert.match(
          error.message,
          /^Cannot open input device "\/dev\/\S+": there is no such device \(E\w+\); plug it in$/,
        );
        return true;
      });
    }
  },
});

Deno.test({
  name: "EvdevDevice says that a file is no input device",
  ignore,
  fn() {
    assert.throws(() => new EvdevDevice("/dev/null"), {
      name: "SystemCallError",
      code: "ENOTTY",
      message: 'Cannot open input device "/dev/null": it is no input device (ENOTTY); ' +
        'give one such as "/dev/input/event0"',
    });
  },
});

Deno.test({
  name: "EvdevDevice says which group to join when it may not be read",
  ignore: ignore || Deno.uid() === 0 && !canDropRights(),
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      await Deno.chmod(file, 0o000);
      // A child without root's rights: root may read everything.
      const program = `import { EvdevDevice } from "${new URL(
        "../../ffi/evdev.ts",
        import.meta.url,
      )}";
        try { new EvdevDevice(${
        JSON.stringify(file)
      }); } catch (e) { console.log(e.code, e.message); }`;
      const command = new Deno.Command(Deno.uid() === 0 ? "setpriv" : Deno.execPath(), {
        args: [
          ...Deno.uid() === 0 ? ["--bounding-set=-all", "--inh-caps=-all", Deno.execPath()] : [],
          ...["eval", "--no-check", program],
        ],
        stdin: "null",
      });
      const { stdout, stderr } = await command.output();
      const said = new TextDecoder().decode(stdout);
      assert.match(
        said,
        /^EACCES Cannot open input device ".+": permission denied \(EACCES\); join the group "input" \(sudo usermod -aG input \$USER\) and log in again$/m,
        new TextDecoder().decode(stderr),
      );
    } finally {
      await Deno.remove(file);
    }
  },
});

function canDropRights(): boolean {
  try {
    return new Deno.Command("setpriv", { args: ["--bounding-set=-all", "true"] }).outputSync()
      .success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "withEvdev() and scan() leave nothing open, also without devices",
  ignore,
  async fn() {
    assert.equal(await withEvdev(() => Promise.resolve(5)), 5);
    await assert.rejects(withEvdev(() => Promise.reject(new RangeError("mine"))), RangeError);
    try {
      const { found } = await evdevBackend.scan();
      for (const { path } of found) assert.ok(EVDEV_PATHS.includes(path));
    } catch (error) {
      assert.ok(error instanceof SystemCallError);
    }
  },
});
