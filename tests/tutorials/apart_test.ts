/// <reference lib="dom" />
/** Tutorial 5's robot, server and page, and tutorial 6's robot and desktop: three programs and a browser. */
import assert from "node:assert/strict";
import { chromium } from "../browser/harness.ts";
import { command, start } from "./harness.ts";

const browser = chromium();

browser.test("05_robot.ts is seen through 05_server.ts", async ({ open, expectError }) => {
  expectError(/404/); // no robot yet
  await using server = await start("05_server.ts");
  const page = await open(server.address);
  await page.getByText("No robot here yet").waitFor();
  await using robot = await start("05_robot.ts", ["--service", `${server.address}rover`]);
  await robot.printed(/signaling service: open\nConnected directly: from /);
  await page.waitForFunction(() =>
    document.querySelector("video")!.getVideoPlaybackQuality().totalVideoFrames > 15
  );
  await server.printed(/robot came[^]*answered/);
});

Deno.test(
  "05_robot.ts says what to do when it has no camera",
  { ignore: hasCamera() },
  async () => {
    const { code, stderr } = await command("05_robot.ts", []).output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stderr), /^Cannot open a camera: .+; add --fake to /m);
  },
);

Deno.test("06_desktop.ts sees what 06_robot.ts sees, and drives it", async () => {
  await using robot = await start("06_robot.ts", ["--listen", "0"]);
  const [, port] = await robot.printed(/Listening on http:\/\/\S+:(\d+)\//);
  const address = ["--robot", `http://localhost:${port}/connect`];
  for (let visit = 0; visit < 2; visit++) { // its second connection takes the place of a dead one
    await using desktop = await start("06_desktop.ts", address);
    await desktop.printed(/frame 31: { forward: 0.5, leftright: -?[\d.e-]+ }/);
    await robot.printed(/{ forward: 0.5,/);
  }
});

Deno.test("06_desktop.ts says so while there is no robot, and comes when there is one", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await using desktop = await start("06_desktop.ts", [
    "--robot",
    `http://127.0.0.1:${port}/connect`,
  ]);
  await desktop.printed(/Cannot reach http:\/\/127\.0\.0\.1:\d+\/connect: /);
  await using _robot = await start("06_robot.ts", ["--listen", String(port)]);
  await desktop.printed(/frame 1: /);
});

function hasCamera(): boolean {
  try {
    Deno.statSync("/dev/video0");
    return true;
  } catch {
    return false;
  }
}
