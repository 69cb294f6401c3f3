/** `scripts/signaling.ts` as a program, with the permissions that it names. */
import assert from "node:assert/strict";
import { SignalingClient } from "../../lib/signaling/signaling_client.ts";
import { ANSWER, OFFER, SECRET, until } from "./kit.ts";

const SCRIPT = new URL("../../scripts/signaling.ts", import.meta.url).pathname;

function start(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net", SCRIPT, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("scripts/signaling.ts brings a robot and a viewer together, logs no secret, and ends in order", async () => {
  const service = start("--port", "0", "--stun", "none");
  let said = "";
  const reading = (async () => {
    for await (const part of service.stdout.pipeThrough(new TextDecoderStream())) said += part;
  })();
  await until(() => said.includes("<id>"));
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? "";
  const states: string[] = [];
  const client = new SignalingClient(`${url}/myRobotOfTest`, {
    secret: SECRET,
    onOffer: () => JSON.parse(ANSWER),
  });
  client.onState((state) => void states.push(state));
  await client.onReady();
  assert.deepEqual(client.iceServers, []);
  const reply = await fetch(`${url}/myRobotOfTest`, { method: "POST", body: OFFER });
  assert.equal(await reply.text(), ANSWER);
  service.kill("SIGTERM");
  await until(() => states.includes("away"));
  await client.close();
  assert.equal((await service.status).code, 0);
  await reading;
  await service.stderr.cancel();
  assert.match(said, /"event":"offer","robot":"myR…","outcome":"answered"/);
  assert.doesNotMatch(said, /myRobotOfTest|secret of sixteen/);
});

Deno.test("scripts/signaling.ts says what is wrong with its arguments", async () => {
  const cases: [string[], RegExp][] = [
    [["--port", "x"], /^Cannot start: --port is "x"; give a number of at least 0\n$/],
    [["--surprise"], /^Cannot start: .*--surprise.*; --help tells what there is\n$/],
    [["--turn", "turn:a.example"], /^Cannot start: --turn needs the servers' secret/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stderr } = await start(...args).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), sentence);
  }
});
