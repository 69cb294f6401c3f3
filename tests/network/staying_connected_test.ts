/// <reference lib="dom" />
/** Robot, page and service on three hosts with NAT between them, and what may happen on the way. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { RTCConnection } from "../../lib/browser/index.ts";
import { isRedisHere } from "../signaling/redis_server.ts";
import { MISSING, type Program, World, type WorldOptions } from "./world.ts";

declare const robot: {
  readonly conn: RTCConnection;
  readonly state: string;
  readonly frames: number;
};

/** What is aimed at is 5 s; a busy machine is given its time. */
const LIMIT_MS = 45_000;

function testWorld(
  name: string,
  options: WorldOptions,
  body: (world: World) => Promise<void>,
  missing = MISSING,
): void {
  Deno.test({
    name: `${name}${missing}`,
    ignore: missing !== "",
    // The browser's pipes live longer than a test.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using world = await World.make(options);
      await body(world);
    },
  });
}

async function startRobot(world: World): Promise<Program> {
  const made = world.startScript("robot", "tests/network/robot.ts", [
    "http://203.0.113.10:8080/rover",
  ]);
  await made.said(/"ready"/);
  return made;
}

/** Opens the robot's page; resolves when it moves, with how long that took. */
async function openPage(world: World): Promise<{ page: Page; ms: number; kind: string }> {
  await world.open("/healthz").then((page) => page.close()); // the browser itself is no part of it
  const since = Date.now();
  const page = await world.open("/rover");
  await page.waitForFunction(() => robot.state === "open" && robot.frames > 0).catch(
    async (error) => {
      const shown = await page.evaluate(() => document.querySelector(".card")?.textContent);
      throw new Error(`${error.message}; the page says: ${shown}`);
    },
  );
  const ms = Date.now() - since;
  const kind = await page.evaluate(async () => (await robot.conn.describeRoute()).kind);
  return { page, ms, kind };
}

/** The next command that the robot gets over the `which`th connection or a later one. */
async function drives(
  program: Program,
  which: number,
  from = program.output().length,
): Promise<number> {
  const later = Array.from({ length: 9 }, (_, i) => which + i).join("|");
  const line = new RegExp(`"drive","at":(\\d+),"which":(?:${later}),"command":{"forward":1`);
  return Number((await program.said(line, from))[1]);
}

async function moves(page: Page): Promise<void> {
  const frames = await page.evaluate(() => robot.frames);
  await page.waitForFunction((frames) => robot.frames > frames + 5, frames);
}

function figure(what: string, ms: number): void {
  console.log(`${what}: ${(ms / 1000).toFixed(2)} s`);
  assert.ok(ms < LIMIT_MS, what);
}

testWorld(
  "a robot and a page behind NATs find each other by STUN, and it is driven",
  {},
  async (world) => {
    await world.startCoturn();
    await world.startSignaling({ turn: false });
    const program = await startRobot(world);
    const { page, ms, kind } = await openPage(world);
    figure("page opened to picture, by STUN", ms);
    assert.equal(kind, "direct");
    const { kind: seen, sentences } = JSON.parse(
      (await program.said(/^{"what":"connected".*$/m))[0],
    );
    assert.equal(seen, "direct");
    assert.match(sentences[0], / to 203\.0\.113\.2:\d+/);
    await page.keyboard.down("w");
    await drives(program, 1);
  },
);

for (const options of [{ blocked: true }, { symmetric: true }]) {
  const why = options.blocked ? "no UDP passes between them" : "their NATs are symmetric";
  testWorld(`a robot and a page drive over the relay when ${why}`, options, async (world) => {
    await world.startCoturn();
    await world.startSignaling();
    const program = await startRobot(world);
    const { page, ms, kind } = await openPage(world);
    figure(`page opened to picture, ${why}`, ms);
    assert.equal(kind, "relayed");
    const { kind: seen, sentences } = JSON.parse(
      (await program.said(/^{"what":"connected".*$/m))[0],
    );
    assert.equal(seen, "relayed", sentences.join("\n"));
    await page.keyboard.down("w");
    await drives(program, 1);
  });
}

testWorld(
  "whoever has another address in mid-drive, robot or viewer, drives on soon",
  {},
  async (world) => {
    await world.startCoturn();
    await world.startSignaling();
    const program = await startRobot(world);
    const { page } = await openPage(world);
    await page.keyboard.down("w");
    await drives(program, 1);
    const from = program.output().length;
    const since = Date.now();
    await world.ip(
      "robot",
      "address del 192.168.1.2/24 dev eth0",
      "address add 192.168.1.77/24 dev eth0",
      "route add default via 192.168.1.1",
    );
    const lost = JSON.parse((await program.said(/^{"what":"lost".*$/m, from))[0]);
    assert.match(lost.why, /this machine's address 192\.168\.1\.2 is gone; connect again/);
    figure("robot's address changed to noticed by the robot", lost.at - since);
    const again = JSON.parse((await program.said(/^{"what":"open".*$/m, from))[0]);
    figure("robot's address changed to back at the service", again.at - since);
    figure("robot's address changed to driven again", await drives(program, 2, from) - since);
    await moves(page);
    figure("robot's address changed to picture again", Date.now() - since);
    assert.match(program.output(), /"closed","at":\d+,"which":1,"left":0/);

    const [middle, meanwhile] = [program.output().length, Date.now()];
    await world.ip(
      "viewer",
      "address del 192.168.2.2/24 dev eth0",
      "address add 192.168.2.77/24 dev eth0",
      "route add default via 192.168.2.1",
    );
    figure(
      "viewer's address changed to driving again",
      await drives(program, 3, middle) - meanwhile,
    );
  },
);

testWorld(
  "a service that is killed loses no viewer, and lets new ones in soon after its restart",
  {},
  async (world) => {
    await world.startCoturn();
    const service = await world.startSignaling();
    const program = await startRobot(world);
    const { page } = await openPage(world);
    await page.keyboard.down("w");
    let from = program.output().length;
    await service.kill();
    await program.said(/"away"/, from);
    // Down for as long as it takes to start: some seconds.
    from = program.output().length;
    await world.startSignaling();
    const since = Date.now();
    const { page: other } = await openPage(world);
    figure("service restarted to another viewer's picture", Date.now() - since);
    await drives(program, 1);
    await moves(page);
    await moves(other);
    assert.doesNotMatch(program.output(), /"closed"/);
  },
);

testWorld(
  "an instance of the service that is killed loses its robots for a moment only",
  {},
  async (world) => {
    await world.startCoturn();
    const redis = world.start("server", "redis-server", ["--save", "", "--bind", "127.0.0.1"]);
    await redis.said(/Ready to accept connections/);
    const joined = ["--redis", "redis://127.0.0.1:6379"];
    const [first] = await Promise.all([
      world.startSignaling({ port: 8081, joined }),
      world.startSignaling({ port: 8082, joined }),
    ]);
    await world.startScript("server", "tests/network/balancer.ts", ["8081", "8082"]).said(
      /balancing/,
    );
    const program = await startRobot(world); // the first connection, and so at the first instance
    const { page } = await openPage(world);
    const from = program.output().length;
    const since = Date.now();
    await first!.kill();
    const { at } = JSON.parse((await program.said(/^{"what":"open".*$/m, from))[0]);
    figure("instance killed to robot at the other one", at - since);
    const { page: other } = await openPage(world);
    figure("instance killed to another viewer's picture", Date.now() - since);
    await moves(page);
    await moves(other);
    assert.doesNotMatch(program.output(), /"closed"/);
  },
  MISSING || (isRedisHere ? "" : " (install redis-server)"),
);
