/// <reference lib="dom" />
/** Tutorial 5's robot, reached over a relay alone. */
import { chromium } from "../browser/harness.ts";
import { NO_COTURN, startCoturn } from "../connection/coturn.ts";
import { start } from "./harness.ts";

const browser = chromium();

if (NO_COTURN) {
  Deno.test({ name: `05_turn.ts is driven over a relay${NO_COTURN}`, ignore: true, fn: () => {} });
} else {
  browser.test("05_turn.ts is driven over a relay, and both ends tell", async ({ open }) => {
    await using coturn = await startCoturn("--use-auth-secret", "--static-auth-secret=north");
    const turn = `turn:127.0.0.1:${coturn.port}`;
    await using running = await start("05_turn.ts", [
      ...["--turn", turn, "--turn", `${turn}?transport=tcp`, "--secret", "north", "--relay"],
    ]);
    const page = await open(running.address);
    await page.waitForFunction(() => document.querySelector("#route")?.textContent === "relay");
    await page.waitForFunction(() =>
      document.querySelector("video")!.getVideoPlaybackQuality().totalVideoFrames > 15
    );
    await running.printed(/Connected through our relay at turn:127\.0\.0\.1:\d+: /);
    await running.printed(/\?transport=tcp gave the relay 127\.0\.0\.1:\d+\./);
  });
}
