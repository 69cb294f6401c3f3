/// <reference lib="dom" />
/** The demo as a person uses it: started by its command, driven in Chromium. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { chromium } from "./harness.ts";

const browser = chromium();

/** What the page shows of itself for tests. */
interface RobotWindow {
  robot: {
    conn: { state: string; rttMs: number | null } | null;
    state: string;
    telemetry: { pose?: { x: number; y: number; headingDeg: number } };
    frames: number;
  };
}

/** Runs the demo on a free port, under the permissions of scripts/demo.sh and no others. */
async function withDemo(body: (demo: Demo) => Promise<void>): Promise<void> {
  const demo = await Demo.start();
  try {
    await body(demo);
  } finally {
    await demo.stop();
  }
}

class Demo {
  /** Everything that it printed. */
  output = "";
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();

  static async start(): Promise<Demo> {
    const demo = new Demo();
    await demo.says(/http:\/\/localhost:\d+/);
    return demo;
  }

  private constructor() {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-net",
        "--allow-ffi",
        "--allow-env=PORT,HOST",
        "scripts/demo.ts",
      ],
      env: { PORT: "0", NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      this.output += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  get url(): string {
    return this.output.match(/http:\/\/localhost:\d+/)![0];
  }

  /** Waits until the demo has printed something, after what it printed before `since`. */
  async says(wanted: RegExp, since = 0, deadlineMs = 20_000): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (!wanted.test(this.output.slice(since))) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`The demo did not say ${wanted}, but:\n${this.output}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((done) => timer = setTimeout(done, left));
      await Promise.race([this.#changed.promise, late]);
      clearTimeout(timer);
    }
  }

  /** CPU seconds that it has used so far (proc_pid_stat(5): utime and stime, in hundredths). */
  cpuSeconds(): number {
    const stat = Deno.readTextFileSync(`/proc/${this.#process.pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await this.#reading;
  }
}

function isOpen(page: Page): Promise<unknown> {
  return page.waitForFunction(() =>
    (globalThis as unknown as RobotWindow).robot?.conn?.state === "open"
  );
}

/** Waits for moving pictures: `count` more frames, of which two differ. */
async function seesFrames(page: Page, count: number): Promise<void> {
  await page.waitForFunction((count) => {
    const video = document.querySelector("video")!;
    return video.videoWidth === 640 && video.getVideoPlaybackQuality().totalVideoFrames > count;
  }, count);
}

/** The picture in 32x24 grey points. */
function picture(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 32;
    canvas.height = 24;
    const context = canvas.getContext("2d")!;
    context.drawImage(document.querySelector("video")!, 0, 0, 32, 24);
    const { data } = context.getImageData(0, 0, 32, 24);
    return Array.from({ length: 768 }, (_, i) => data[4 * i + 1]!);
  });
}

function pose(page: Page): Promise<{ x: number; y: number; headingDeg: number }> {
  return page.waitForFunction(() => (globalThis as unknown as RobotWindow).robot?.telemetry?.pose)
    .then((handle) => handle.jsonValue()) as Promise<{ x: number; y: number; headingDeg: number }>;
}

async function drivesForward(page: Page): Promise<void> {
  const [before, view] = [await pose(page), await picture(page)];
  await page.keyboard.down("w");
  await page.waitForFunction(({ x, y }) => {
    const pose = (globalThis as unknown as RobotWindow).robot.telemetry.pose!;
    return Math.hypot(pose.x - x, pose.y - y) > 0.3;
  }, before);
  await page.keyboard.up("w");
  const deadline = performance.now() + 10_000;
  for (let difference = 0; difference <= 768;) {
    assert.ok(performance.now() < deadline, `the picture hardly changed (${difference})`);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
    const now = await picture(page);
    difference = now.reduce((sum, value, i) => sum + Math.abs(value - view[i]!), 0);
  }
}

browser.test("the demo shows the robot's view and drives it, again after a reload", async (kit) => {
  await withDemo(async (demo) => {
    const page = await kit.open(demo.url);
    await isOpen(page);
    await seesFrames(page, 10);
    await drivesForward(page);
    const rtt = await page.evaluate(() => (globalThis as unknown as RobotWindow).robot.conn!.rttMs);
    assert.ok(rtt !== null && rtt > 0 && rtt < 500);

    const since = demo.output.length;
    await page.reload();
    await demo.says(/A viewer left/, since);
    await isOpen(page);
    await seesFrames(page, 5);
    await drivesForward(page);
  });
});

browser.test("the demo's robot stops when the key is let go and when the tab is closed", async (kit) => {
  await withDemo(async (demo) => {
    const page = await kit.open(demo.url);
    const watcher = await kit.open(demo.url);
    await Promise.all([isOpen(page), isOpen(watcher)]);
    await page.bringToFront();
    await page.keyboard.down("a"); // turns for ever, and cannot meet a wall
    await watcher.waitForFunction((start) => {
      const { headingDeg } = (globalThis as unknown as RobotWindow).robot.telemetry.pose!;
      return Math.abs(headingDeg - start) > 10;
    }, (await pose(watcher)).headingDeg);
    const since = demo.output.length;
    await page.close();
    await demo.says(/A viewer left, 1 here/, since, 1_000);
    await watcher.waitForFunction(
      () => {
        const seen = globalThis as unknown as RobotWindow & { headings?: number[] };
        const headings = seen.headings ??= [];
        headings.push(seen.robot.telemetry.pose!.headingDeg);
        return headings.length > 12 && headings.slice(-12).every((h) => h === headings.at(-1));
      },
      undefined,
      { polling: 100 },
    );
  });
});

browser.test("the demo encodes nothing when the last viewer has gone", async (kit) => {
  await withDemo(async (demo) => {
    const page = await kit.open(demo.url);
    await isOpen(page);
    await seesFrames(page, 30);
    const since = demo.output.length;
    await page.close();
    await demo.says(/A viewer left, 0 here/, since, 1_000);
    // What the robot itself costs is far below what encoding costs, so a few slices are enough.
    const slices: number[] = [];
    for (let i = 0; i < 3; i++) {
      const before = demo.cpuSeconds();
      await new Promise((done) => setTimeout(done, 400)); // measures, waits for nothing
      slices.push((demo.cpuSeconds() - before) / 0.4);
    }
    assert.ok(Math.min(...slices) < 0.08, `it still uses ${slices.map((s) => s.toFixed(2))} cores`);
  });
});

browser.test("ten viewers watch the demo at once, and each may drive", async (kit) => {
  await withDemo(async (demo) => {
    const pages: Page[] = [];
    for (let i = 0; i < 10; i++) pages.push(await kit.open(demo.url));
    await Promise.all(pages.map(isOpen));
    await demo.says(/10 here/);
    for (const page of pages) await seesFrames(page, 3);
    await pages[9]!.bringToFront();
    await drivesForward(pages[9]!);
  });
});
