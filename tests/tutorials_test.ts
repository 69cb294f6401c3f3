/// <reference lib="dom" />
/**
 * The tutorials keep their word: what the prose quotes stands in the scripts, its links lead somewhere,
 * and each script runs under exactly the permissions that its own head names.
 *
 * A quotation is a fenced block whose first line names the script: ```` ```ts 02_basic.ts ````.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { chromium } from "./browser/harness.ts";
import {
  command,
  headOf,
  permissions,
  read,
  servesPage,
  start,
  WITHOUT_SOUND,
} from "./tutorials/harness.ts";

const ROOT = new URL("../", import.meta.url);
const FOLDER = new URL("tutorials/", ROOT);

const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
const scripts = names.filter((name) => name.endsWith(".ts"));
const texts = names.filter((name) => name.endsWith(".md"));

for (const text of texts) {
  Deno.test(`tutorials/${text} quotes only what stands in the scripts`, () => {
    for (const { line, language, script, code } of fencedBlocks(read(text))) {
      if (script === "") continue;
      assert.ok(scripts.includes(script), `${text}:${line} quotes "${script}", which is not there`);
      assert.ok(code.trim() !== "", `${text}:${line} quotes nothing`);
      assert.ok(
        withoutIndent(read(script)).includes(withoutIndent(code)),
        `${text}:${line}: this ${language} is not in ${script}:\n${code}`,
      );
    }
  });

  Deno.test(`tutorials/${text} starts scripts as their heads say`, () => {
    for (const { line, code } of fencedBlocks(read(text))) {
      for (const command of code.split("\n").filter((each) => each.startsWith("deno run "))) {
        const script = /tutorials\/(\S+\.ts)/.exec(command)?.[1] ?? "";
        assert.ok(scripts.includes(script), `${text}:${line} runs no script of ours: ${command}`);
        assert.equal(permissions(command), permissions(headOf(script)), `${text}:${line}`);
      }
    }
  });

  Deno.test(`tutorials/${text} links to what is there`, () => {
    for (const [, target] of read(text).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(exists(new URL(target!, FOLDER)), `${text} links to ${target}, which is not there`);
    }
  });
}

for (const script of scripts) {
  if (!servesPage(script)) {
    Deno.test(`tutorials/${script} is run by a test in tests/tutorials/`, () => {
      const folder = new URL("tests/tutorials/", ROOT);
      const tests = [...Deno.readDirSync(folder)].map(({ name }) => new URL(name, folder));
      assert.ok(tests.some((test) => Deno.readTextFileSync(test).includes(`"${script}"`)));
      headOf(script);
    });
    continue;
  }
  Deno.test(`tutorials/${script} serves its page with the permissions in its head`, async () => {
    await using running = await start(script);
    const response = await fetch(running.address);
    assert.equal(response.status, 200, running.output());
    assert.match(await response.text(), /<script src="\/rtcbot\.js">/);
  });

  if (!headOf(script).includes("--fake")) continue;
  const hasCamera = exists(new URL("file:///dev/video0"));
  const title = `tutorials/${script} says what to do when it has no device`;
  Deno.test(hasCamera ? `${title} (unplug the camera)` : title, { ignore: hasCamera }, async () => {
    const { code, stderr } = await command(script, ["--port", "0"], WITHOUT_SOUND).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /^Cannot open a (camera|microphone): .+; add --fake to /m,
    );
  });
}

// As an ordinary visitor's, this browser hides the machine's addresses behind names ending in ".local".
const browser = chromium({
  mdns: true,
  args: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

browser.test("02_basic.ts answers a ping, and again after a reload", async ({ open, expectError }) => {
  expectError(/404/); // the page has no icon
  await using running = await start("02_basic.ts");
  const page = await open(running.address);
  for (const visit of ["first", "second"]) {
    if (visit === "second") await page.reload();
    await page.getByText("Ready").waitFor();
    await page.click("#ping");
    await page.getByText("The robot says pong").waitFor();
  }
  await running.printed(/ping[^]*ping/);
});

browser.test("04_keyboard.ts prints the keys of the page", async ({ open, expectError }) => {
  expectError(/404/);
  await using running = await start("04_keyboard.ts");
  const page = await open(running.address);
  await page.getByText("The robot prints them").waitFor();
  await page.keyboard.press("h");
  await running.printed(/key press [^]*"keydown"[^]*keyCode: 72[^]*key press [^]*"keyup"/);
});

browser.test("03_video.ts shows moving pictures", async ({ open, expectError }) => {
  expectError(/404/);
  await using running = await start("03_video.ts");
  await seesVideo(await open(running.address));
});

browser.test("03_audio.ts is heard", async ({ open }) => {
  await using running = await start("03_audio.ts");
  const page = await open(running.address);
  await page.click("button");
  await page.waitForFunction(() => document.querySelector("audio")!.currentTime > 1);
  const peakHz = await page.evaluate(async () => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    const { srcObject } = document.querySelector("audio")!;
    context.createMediaStreamSource(srcObject as MediaStream).connect(analyser);
    const levels = new Float32Array(analyser.frequencyBinCount);
    do {
      await new Promise((resolve) => setTimeout(resolve, 50));
      analyser.getFloatFrequencyData(levels);
    } while (Math.max(...levels) < -40);
    return levels.indexOf(Math.max(...levels)) * context.sampleRate / analyser.fftSize;
  });
  assert.ok(peakHz > 400 && peakHz < 700, `${peakHz} Hz`);
});

browser.test("03_browser_to_robot.ts says what the page shows and how loud it is", async ({ open }) => {
  await using running = await start("03_browser_to_robot.ts");
  await open(running.address);
  await running.printed(/\n640x480, [1-9]\d* frames a second, loudness -\d+ dB/);
});

browser.test("04_remote.ts streams, prints the controls and the stop", async ({ open, expectError }) => {
  expectError(/404/);
  await using running = await start("04_remote.ts");
  const page = await open(running.address);
  await seesVideo(page);
  await page.keyboard.down("w");
  await running.printed(/{ forward: 1, leftright: 0 }/);
  await page.keyboard.down("d");
  await running.printed(/{ forward: 1, leftright: 1 }/);
  await page.keyboard.up("w");
  await page.keyboard.up("d");
  await running.printed(/{ forward: 0, leftright: 0 }/);
});

browser.test("07_many.ts counts who comes, leaves and comes back", async ({ open }) => {
  await using running = await start("07_many.ts");
  const first = await open(running.address);
  await running.printed(/one came, 1 here/);
  const second = await open(running.address);
  await running.printed(/one came, 2 here/);
  await seesVideo(first);
  await seesVideo(second);
  await first.close();
  await running.printed(/one left, 1 here/);
  await second.reload();
  await running.printed(/one left, 0 here[^]*one came, 1 here/);
  await seesVideo(second);
});

async function seesVideo(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    document.querySelector("video")!.getVideoPlaybackQuality().totalVideoFrames > 15
  );
}

interface Block {
  /** The line in the text, from 1. */
  readonly line: number;
  readonly language: string;
  /** The script that it quotes, or "". */
  readonly script: string;
  readonly code: string;
}

function fencedBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const fence = /^\s*```(\S*) ?(.*)$/.exec(lines[i]!);
    if (!fence) continue;
    const begin = i + 1;
    do i++; while (i < lines.length && lines[i]!.trim() !== "```");
    const [, language = "", script = ""] = fence;
    blocks.push({ line: begin, language, script, code: lines.slice(begin, i).join("\n") });
  }
  return blocks;
}

/** Whole lines: a piece of one is not found. */
function withoutIndent(code: string): string {
  return `\n${code.trim()}\n`.split("\n").map((line) => line.trim()).join("\n");
}

function exists(url: URL): boolean {
  try {
    Deno.statSync(url);
    return true;
  } catch {
    return false;
  }
}
