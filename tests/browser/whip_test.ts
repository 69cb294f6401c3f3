/// <reference lib="dom" />
/**
 * WHIP and WHEP with clients that others wrote (`whip-whep`, `@eyevinn/whip-web-client`), in Chromium: what
 * they see and send is looked at, and the session ends as they ask.
 */
import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import type { Page } from "playwright-core";
import { RTCConnection, type VideoFrame, whepRoute, whipRoute } from "../../mod.ts";
import { FakeCamera } from "../../lib/testing.ts";
import { LOCAL, within } from "../connection/pair.ts";
import { chromium, type Kit, script } from "./harness.ts";

const browser = chromium({
  args: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

/** What the clients' packages are in the page. */
interface Clients {
  WHEPClient: new () => {
    view(pc: RTCPeerConnection, url: string, token?: string): Promise<void>;
    stop(): Promise<void>;
  };
  WHIPClient: new () => {
    publish(pc: RTCPeerConnection, url: string, token?: string): Promise<void>;
    stop(): Promise<void>;
  };
  EyevinnClient: new (options: { endpoint: string; opts: { authkey?: string } }) => {
    ingest(stream: MediaStream): Promise<void>;
    destroy(): Promise<void>;
  };
}

let bundled: Promise<string> | null = null;

/** The clients as one module for a page. */
function clients(): Promise<string> {
  return bundled ??= (async () => {
    const entry = new URL("./fixtures/whip_clients.ts", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--platform=browser", entry],
      cwd: new URL("../../", import.meta.url),
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  })();
}

/** Opens a page with the clients, and serves the robot's route elsewhere, as a media server would be. */
async function openWith({ serve, open }: Kit, route: Hono): Promise<{ page: Page; url: string }> {
  const text = await clients();
  const app = new Hono().route("/live", route);
  const media = serve({ "*": (request) => app.fetch(request) });
  const site = serve({
    "/": `<!doctype html><link rel="icon" href="data:,"><video autoplay muted></video>
      <script type="importmap">{ "imports": { "node:events": "/events.js" } }</script>
      <script type="module">
        import * as clients from "/clients.js";
        globalThis.clients = clients;
      </script>`,
    "/clients.js": () => script(text),
    // What bundlers put in for pages; nobody listens here.
    "/events.js": () =>
      script("export function EventEmitter() {}; EventEmitter.prototype.emit = () => {};"),
  });
  const page = await open(site.origin);
  await page.waitForFunction(() => "clients" in globalThis);
  return { page, url: `${media.origin}/live` };
}

browser.test("a WHEP client that others wrote sees the robot, and leaves", async (kit) => {
  await using camera = new FakeCamera({ width: 320, height: 240 });
  const left = Promise.withResolvers<void>();
  const route = whepRoute(() => {
    const conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    conn.onClose(() => left.resolve());
    return conn;
  }, { origins: "*", token: "geheim" });
  kit.expectError(/405/); // candidates that we need not be told
  const { page, url } = await openWith(kit, route);
  await page.evaluate(async (url) => {
    const { WHEPClient } = (globalThis as unknown as { clients: Clients }).clients;
    const pc = new RTCPeerConnection();
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.ontrack = ({ streams }) => document.querySelector("video")!.srcObject ??= streams[0]!;
    const client = new WHEPClient();
    await client.view(pc, url, "geheim");
    Object.assign(globalThis, { client });
  }, url);
  await page.waitForFunction(() => {
    const video = document.querySelector("video")!;
    return video.videoWidth === 320 && video.getVideoPlaybackQuality().totalVideoFrames > 15;
  });
  await page.evaluate(() => (globalThis as unknown as { client: { stop(): void } }).client.stop());
  await within(5_000, left.promise, "the end of the session");
});

for (const name of ["WHIPClient", "EyevinnClient"] as const) {
  browser.test(`the robot sees and hears a WHIP client that others wrote: ${name}`, async (kit) => {
    const left = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<VideoFrame>();
    const heard = Promise.withResolvers<void>();
    const route = whipRoute(() => {
      const conn = new RTCConnection(LOCAL);
      conn.video.subscribe((frame) => {
        if (isChromiumsFakeCamera(frame)) seen.resolve(frame);
      });
      conn.audio.subscribe(({ data }) => {
        if (data.some((sample) => Math.abs(sample) > 0.05)) heard.resolve(); // it beeps once a second
      });
      conn.onClose(() => left.resolve());
      return conn;
    }, { origins: "*" });
    kit.expectError(/405/);
    const { page, url } = await openWith(kit, route);
    await page.evaluate(async ([name, url]) => {
      const { clients } = globalThis as unknown as { clients: Clients };
      const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
      if (name === "WHIPClient") {
        const pc = new RTCPeerConnection();
        for (const track of stream.getTracks()) {
          pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
        }
        const client = new clients.WHIPClient();
        await client.publish(pc, url);
        Object.assign(globalThis, { leave: () => client.stop() });
      } else {
        const client = new clients.EyevinnClient({ endpoint: url, opts: {} });
        await client.ingest(stream);
        Object.assign(globalThis, { leave: () => client.destroy() });
      }
    }, [name, url] as const);
    await within(10_000, seen.promise, "a picture");
    await within(10_000, heard.promise, "a beep");
    await page.evaluate(() => (globalThis as unknown as { leave(): Promise<void> }).leave());
    await within(5_000, left.promise, "the end of the session");
  });
}

/** It paints on green. */
function isChromiumsFakeCamera(frame: VideoFrame): boolean {
  const { data, shape: [height, width] } = frame.toRGB();
  const at = (x: number, y: number) => data.subarray(3 * (y * width + x)).subarray(0, 3);
  const [red = 0, green = 0, blue = 0] = at(12, height >> 2);
  return green > red + 40 && green > blue + 40;
}
