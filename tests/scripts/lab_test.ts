import assert from "node:assert/strict";
import { has, LabError } from "../../scripts/lab/host.ts";
import { MODULES, withDependencies } from "../../scripts/lab/image.ts";
import { machine, script } from "../../scripts/lab/machine.ts";
import { parseRequest } from "../../scripts/lab/main.ts";

const FOLDER = new URL("../../scripts/lab/", import.meta.url);

Deno.test("parseRequest() takes all of tests/lab when no file is named", () => {
  assert.deepEqual(parseRequest([]).args, ["tests/lab/"]);
  assert.deepEqual(parseRequest(["--filter=a"]).args, ["--filter=a", "tests/lab/"]);
  const chosen = parseRequest(["--limit=60", "tests/lab/camera_test.ts", "--kvm"]);
  assert.deepEqual(chosen, { limitMs: 60_000, kvm: true, args: ["tests/lab/camera_test.ts"] });
});

Deno.test("parseRequest() refuses a limit that is no time", () => {
  for (const limit of ["--limit=", "--limit=soon", "--limit=-1"]) {
    assert.throws(() => parseRequest([limit]), (error) => {
      assert.ok(error instanceof LabError);
      return error.message ===
        `Cannot run the lab: ${limit} is no number of seconds; write --limit=600`;
    });
  }
});

Deno.test("withDependencies() finds modules and what they need, however their names are written", () => {
  const dependencies = [
    "kernel/net/9p/9pnet.ko:",
    "kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko",
    "kernel/sound/drivers/snd-aloop.ko.xz: kernel/sound/core/snd-pcm.ko.xz",
    "",
  ].join("\n");
  assert.deepEqual([...withDependencies(["9p", "snd_aloop", "9pnet"], dependencies)], [
    "kernel/fs/9p/9p.ko",
    "kernel/net/9p/9pnet.ko",
    "kernel/fs/netfs/netfs.ko",
    "kernel/sound/drivers/snd-aloop.ko.xz",
    "kernel/sound/core/snd-pcm.ko.xz",
  ]);
  assert.throws(() => withDependencies(["vivid"], dependencies), {
    name: "LabError",
    message: "Cannot make the lab: this kernel has no module vivid",
  });
});

Deno.test("init.sh loads only modules that the image has", async () => {
  const text = await Deno.readTextFile(new URL("init.sh", FOLDER));
  const listed = [...text.matchAll(/^for module in (.*); do$/gm)].flatMap(([, list]) =>
    list!.split(" ")
  );
  assert.ok(listed.length > 10);
  assert.deepEqual([...listed, "vivid"].filter((name) => !MODULES.includes(name)), []);
});

Deno.test({
  name: "init.sh is clean for shellcheck" + (has("shellcheck") ? "" : " (install shellcheck)"),
  ignore: !has("shellcheck"),
  fn: async () => {
    const { code, stdout } = await new Deno.Command("shellcheck", {
      args: [new URL("init.sh", FOLDER).pathname],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stdout));
  },
});

Deno.test("script() keeps every argument whole, whatever is in it", async () => {
  const nasty = [`it's`, `"$HOME"`, "two words", "`id`", "a\nb"];
  const text = script(["printf", "%s|", ...nasty], "/", { GREETING: "it's; $x" });
  const run = async (more: string) => {
    const { stdout } = await new Deno.Command("sh", { args: ["-c", more] }).output();
    return new TextDecoder().decode(stdout);
  };
  assert.equal(await run(text), nasty.map((each) => `${each}|`).join(""));
  assert.equal(await run(text.replace(/^exec .*/ms, 'printf %s "$GREETING"; pwd')), "it's; $x/\n");
});

Deno.test("machine() joins its serial ports in pairs, and cannot write to the host's files", () => {
  const args = machine({ kernel: "/k", initrd: "/i" }, "/tmp/run", false);
  for (const name of ["uart", "ftdi"]) {
    for (const end of [`${name}0`, `${name}1`]) {
      assert.ok(args.includes(`socket,id=${end},path=/tmp/run/${end}`), end);
    }
  }
  assert.ok(args.some((arg) => /path=\/,readonly=on/.test(arg)));
  assert.ok(args.some((arg) => arg.startsWith("tcg")) && !args.includes("kvm"));
  assert.ok(machine({ kernel: "/k", initrd: "/i" }, "/tmp/run", true).includes("kvm"));
});

Deno.test("deno task lab says in one sentence why it cannot run", async () => {
  const main = new URL("main.ts", FOLDER).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-all", main],
    clearEnv: true,
    env: {
      PATH: "/nowhere",
      HOME: Deno.env.get("HOME") ?? "/",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
      NO_COLOR: "1",
    },
  }).output();
  assert.equal(code, 125);
  assert.equal(new TextDecoder().decode(stdout), "");
  assert.match(new TextDecoder().decode(stderr), /^Cannot run the lab[^\n]*: [^\n]+\n$/);
});
