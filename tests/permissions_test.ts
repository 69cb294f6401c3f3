/** What a robot is allowed can be read in one line; these scripts run with exactly that. */
import assert from "node:assert/strict";
import { within } from "./connection/pair.ts";

const ROOT = new URL("../", import.meta.url);
const DEADLINE_MS = 60_000;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a module with exactly these flags. */
async function run(source: string, ...flags: string[]): Promise<Outcome> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const mod = new URL("mod.ts", ROOT).href;
  await Deno.writeTextFile(file, source.replaceAll("<mod>", mod));
  const config = new URL("deno.json", ROOT).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--cached-only",
      `--config=${config}`,
      ...flags,
      file,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  try {
    const { code, stdout, stderr } = await within(DEADLINE_MS, child.output(), "the script's end");
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  } catch (error) {
    child.kill("SIGKILL");
    await child.status;
    throw error;
  } finally {
    await Deno.remove(file);
  }
}

/** Ran to its end by itself, said this, and complained about nothing. */
function assertSays(outcome: Outcome, stdout: string): void {
  assert.deepEqual(outcome, { code: 0, stdout: `${stdout}\n`, stderr: "" });
}

const MAKE_EVERYTHING = `
  const conn = new rtcbot.RTCConnection();
  conn.addDataChannel("more").put_nowait({ early: true });
  conn.video.put_nowait(rtcbot.VideoFrame.fromGray({ data: new Uint8Array(4), shape: [2, 2, 1] }, 0));
  conn.control.put_nowait({ forward: 0 });
  rtcbot.connectRoute(() => conn);
  const text = rtcbot.getRTCBotJS() + rtcbot.getRTCBotJS({ module: true });
  if (!text.includes("RTCConnection")) throw new Error("no page library");
  await conn.close();
`;

Deno.test("importing mod.ts, and making what it has, needs no permission and opens nothing", async () => {
  assertSays(await run(`import * as rtcbot from "<mod>"; console.log(typeof rtcbot);`), "object");
  assertSays(
    await run(`import * as rtcbot from "<mod>"; ${MAKE_EVERYTHING} console.log("made");`),
    "made",
  );
});

Deno.test("importing mod.ts opens no file, socket or library", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const count = `
    const look = () => [
      [...Deno.readDirSync("/proc/self/fd")].length,
      Deno.readTextFileSync("/proc/self/maps").split("\\n").filter((line) =>
        /\\.so/.test(line)).map((line) => line.split(/ +/)[5]).filter((path, i, all) =>
          all.indexOf(path) === i).join(),
    ].join(" ");
    const before = look();
    const rtcbot = await import("<mod>");
    ${MAKE_EVERYTHING}
    console.log(look() === before ? "nothing was opened" : before + " -> " + look());
  `;
  assertSays(await run(count, "-A"), "nothing was opened");
});

const CONNECT = `
  import { RTCConnection } from "<mod>";
  const options = { rtcConfiguration: { iceServers: [] } };
  const [a, b] = [new RTCConnection(options), new RTCConnection(options)];
  await a.setRemoteDescription(await b.getLocalDescription(await a.getLocalDescription()));
  a.put_nowait({ hello: "there" });
  console.log(JSON.stringify(await b.get()));
  await Promise.all([a.close(), b.close()]);
`;

Deno.test("a connection works under exactly --allow-net --allow-ffi, and the script ends", async () => {
  assertSays(await run(CONNECT, "--allow-net", "--allow-ffi"), '{"hello":"there"}');
});

Deno.test("a connection that is refused its permissions says so, and the script ends", async () => {
  const { code, stdout, stderr } = await run(CONNECT);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /NotCapable: Requires (net|ffi) access[^]*--allow-(net|ffi)/);
});
