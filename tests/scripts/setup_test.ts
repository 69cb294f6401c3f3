/**
 * scripts/setup.sh on machines that lack something. They are made of a PATH with a few tools and stand-ins;
 * what apt does needs a whole system and is not tried here.
 */

import assert from "node:assert/strict";

const SCRIPT = new URL("../../scripts/setup.sh", import.meta.url).pathname;
const TOOLS = ["sh", "dirname", "sed", "uname", "mkdir", "tail", "grep", "head", "cat"];

interface Machine extends AsyncDisposable {
  /** Puts a shell script on the PATH. */
  program(name: string, script: string): Promise<void>;
  /** Runs setup.sh; gives its exit code and what it said. */
  setup(...args: string[]): Promise<{ code: number; said: string }>;
  readonly root: string;
}

/** A machine with nothing but TOOLS, an empty home and an empty project. */
async function machine(): Promise<Machine> {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/bin`);
  for (const tool of TOOLS) {
    const places = ["/usr/bin", "/bin"].map((folder) => `${folder}/${tool}`);
    const place = places.find((path) => exists(path));
    if (place) await Deno.symlink(place, `${root}/bin/${tool}`);
  }
  return {
    root,
    async program(name, script) {
      await Deno.writeTextFile(`${root}/bin/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    async setup(...args) {
      const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
        args: [SCRIPT, ...args],
        env: { PATH: `${root}/bin`, HOME: root, RTCBOT_ROOT: root },
        clearEnv: true,
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "setup.sh without Deno and without npm says what to install",
  ignore,
  async fn() {
    await using empty = await machine();
    const { code, said } = await empty.setup("demo");
    assert.equal(code, 1);
    assert.match(
      said,
      /^\s*Cannot get Deno: neither deno 2\.9 or newer nor npm is on PATH; install/,
    );
  },
});

Deno.test({
  name: "setup.sh shows what npm said when npm fails",
  ignore,
  async fn() {
    await using offline = await machine();
    await offline.program("npm", "echo 'npm error network ENOTFOUND'; exit 1");
    const { code, said } = await offline.setup("demo");
    assert.equal(code, 1);
    assert.match(said, /npm error network ENOTFOUND\n\nCannot get Deno: npm failed, see above;/);
  },
});

Deno.test({
  name:
    "setup.sh passes over a Deno that is too old and gets its own, without post-install scripts",
  ignore,
  async fn() {
    await using old = await machine();
    await old.program("deno", "echo 'deno 1.46.3 (stable)'");
    // Puts a Deno that is no good in place, too, so that setup ends before it needs a whole system.
    await old.program("npm", 'echo "$PWD $*" >"$HOME/npm.args"');
    const { code, said } = await old.setup("demo");
    assert.equal(code, 1);
    assert.match(said, /The deno on PATH is older than 2\.9, so the project gets its own\./);
    assert.match(said, /Cannot get Deno: what npm installed does not run here/);
    const args = await Deno.readTextFile(`${old.root}/npm.args`);
    assert.match(args, /\.tools install .*--ignore-scripts .*deno@2\.\d+\.\d+/);
    assert.doesNotMatch(args, /--prefix/);
  },
});

Deno.test({
  name: "setup.sh refuses what it does not know",
  ignore,
  async fn() {
    await using any = await machine();
    const { code, said } = await any.setup("everything");
    assert.equal(code, 1);
    assert.match(said, /Cannot set up "everything": there are only "demo" and "test"\./);
  },
});
