/// <reference lib="dom" />
/** Sound between the robot and real Chromium, both ways: what is heard is told by its pitch. */
import assert from "node:assert/strict";
import { type AudioFrame, type Description, Queue, RTCConnection } from "../../mod.ts";
import { FakeCamera, FakeMicrophone } from "../../lib/testing.ts";
import type { RTCConnection as PageConnection } from "../../lib/browser/index.ts";
import { isOpusHere } from "../codecs/opus_library.ts";
import { within } from "../connection/pair.ts";
import { amplitudeAt, channel, concat } from "../media/sounds.ts";
import { chromium, type Kit } from "./harness.ts";
import { type LoopbackHelpers, loopbackRoutes } from "./loopback_page.ts";

declare const makeConnection: LoopbackHelpers["makeConnection"];
/** A tone on each channel. */
declare const tones: (leftHz: number, rightHz: number) => MediaStream;
/** What is heard, once it is loud enough. */
declare const listen: (stream: MediaStream) => Promise<Heard>;
/** Posts the offer of a connection to the robot. */
declare const connect: (conn: PageConnection) => Promise<void>;

/**
 * The strongest pitch of each channel, and how much of the other channel's is in it, in dB, in the best of
 * a second's spectra: channels that are mixed are so in all of them, and what is late, which is made up and
 * smears each spectrum that it is in, is in some.
 */
interface Heard {
  readonly left: number;
  readonly right: number;
  readonly leftInRight: number;
  readonly rightInLeft: number;
}

const LOCAL = { rtcConfiguration: { iceServers: [] } };
const RUNS = Number(Deno.env.get("RTCBOT_RUNS") ?? 1);
const VERBOSE = Deno.env.has("RTCBOT_VERBOSE");

const browser = chromium({
  args: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

/** Registers a test that is ignored, with the reason in its title, where libopus is missing. */
function test(name: string, run: (kit: Kit) => Promise<void>): void {
  if (isOpusHere) return browser.test(name, run);
  Deno.test.ignore(`${name} (install libopus: apt libopus0, brew opus)`, () => {});
}

const HELPERS = `<script>
const context = new AudioContext({ sampleRate: 48000 });
function tones(leftHz, rightHz) {
  const both = context.createChannelMerger(2);
  [leftHz, rightHz].forEach((hz, channel) => {
    const oscillator = context.createOscillator();
    const quieter = context.createGain();
    oscillator.frequency.value = hz;
    quieter.gain.value = 0.3;
    oscillator.connect(quieter).connect(both, 0, channel);
    oscillator.start();
  });
  const out = context.createMediaStreamDestination();
  both.connect(out);
  return out.stream;
}
async function listen(stream) {
  const element = new Audio(); // Chromium decodes for an element only
  element.muted = true;
  element.srcObject = stream;
  element.play();
  const splitter = context.createChannelSplitter(2);
  const source = context.createMediaStreamSource(stream);
  source.connect(splitter);
  const analysers = [0, 1].map((channel) => {
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    splitter.connect(analyser, channel);
    return analyser;
  });
  const bins = new Float32Array(4096);
  const binHz = context.sampleRate / 8192;
  const near = (spectrum, bin) => Math.max(...spectrum.slice(bin - 2, bin + 3));
  for (let good = 0, best = null;;) {
    const [left, right] = analysers.map((analyser) => {
      analyser.getFloatFrequencyData(bins);
      const peak = bins.indexOf(Math.max(...bins));
      return { peak, hz: peak * binHz, spectrum: bins.slice() };
    });
    const loud = left.spectrum[left.peak] > -30 && right.spectrum[right.peak] > -30;
    good = loud ? good + 1 : 0;
    // Half a second first, so that nothing of the beginning is in it.
    if (good > 10) {
      const heard = {
        left: left.hz,
        right: right.hz,
        leftInRight: near(right.spectrum, left.peak) - left.spectrum[left.peak],
        rightInLeft: near(left.spectrum, right.peak) - right.spectrum[right.peak],
      };
      const leak = (each) => Math.max(each.leftInRight, each.rightInLeft);
      if (best === null || leak(heard) < leak(best)) best = heard;
      if (good > 30) return best;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
async function connect(conn) {
  Object.assign(globalThis, { conn });
  const offer = await conn.getLocalDescription();
  const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
  await conn.setRemoteDescription(await reply.json());
}
</script>`;

async function pageFor(kit: Kit, conn: RTCConnection) {
  const site = kit.serve({
    ...loopbackRoutes(HELPERS),
    "/connect": async (request: Request) =>
      Response.json(await conn.getLocalDescription(await request.json())),
  });
  return await kit.open(site.origin);
}

/** The next second that comes, after half a one, by channel. */
async function hear(conn: RTCConnection): Promise<[Float32Array, Float32Array]> {
  const queue = conn.audio.subscribe(new Queue<AudioFrame>());
  const frames: AudioFrame[] = [];
  while (frames.length < 75) {
    frames.push(await within(15_000, queue.get(), `frame ${frames.length} of sound`));
  }
  conn.audio.unsubscribe(queue);
  assert.ok(frames.every(({ shape: [samples, channels] }) => samples === 960 && channels === 2));
  const all = concat(frames.slice(25).map(({ data }) => data));
  return [channel(all, 0, 2), channel(all, 1, 2)];
}

/** It is this pitch much more than the other. */
function assertPitch(hz: number, data: Float32Array, other: number): void {
  const [wanted, unwanted] = [hz, other].map((pitch) => {
    let sum = 0;
    for (let at = 0; at + 1920 <= data.length; at += 1920) {
      sum += amplitudeAt(pitch, data.subarray(at, at + 1920));
    }
    return sum / Math.floor(data.length / 1920);
  }) as [number, number];
  if (VERBOSE) console.log(`${hz} Hz: ${wanted}, ${other} Hz: ${unwanted}`);
  assert.ok(wanted > 0.1 && unwanted < wanted / 5, `${hz}: ${wanted}, ${other}: ${unwanted}`);
}

function assertHeard(heard: Heard, left: number, right: number): void {
  if (VERBOSE) console.log(heard);
  assert.ok(Math.abs(heard.left - left) < 15, `left is ${heard.left} Hz`);
  assert.ok(Math.abs(heard.right - right) < 15, `right is ${heard.right} Hz`);
}

for (let run = 1; run <= RUNS; run++) {
  test(`AudioHandler.putSubscription() is heard in a page, in stereo (run ${run})`, async (kit) => {
    await using conn = new RTCConnection(LOCAL);
    await using microphone = new FakeMicrophone({ frequencyHz: [440, 1000] });
    // At its usual 64 kbit/s the encoder lets tones leak into each other's channel: by itself it keeps them
    // 21 dB apart, and with this 50.
    conn.audio.addTrack(microphone, { bitrate: 128_000 });
    const page = await pageFor(kit, conn);
    const heard = await page.evaluate(async () => {
      const conn = makeConnection();
      const heard = new Promise<Heard>((resolve) =>
        conn.audio.subscribe((stream) => resolve(listen(stream)))
      );
      await connect(conn);
      return await heard;
    });
    assertHeard(heard, 440, 1000);
    const { leftInRight, rightInLeft } = heard;
    // Mono would be 0.
    assert.ok(leftInRight < -15 && rightInLeft < -15, `${leftInRight} and ${rightInLeft} dB`);
  });

  test(`AudioHandler.subscribe() gives what a page says, in stereo (run ${run})`, async (kit) => {
    await using conn = new RTCConnection(LOCAL);
    const page = await pageFor(kit, conn);
    const heard = hear(conn);
    await page.evaluate(async () => {
      const conn = makeConnection();
      await conn.audio.putSubscription(tones(440, 880));
      await connect(conn);
    });
    const [left, right] = await heard;
    assertPitch(440, left, 880);
    assertPitch(880, right, 440);
  });

  test(`AudioHandler says and hears at once, in one section (run ${run})`, async (kit) => {
    await using conn = new RTCConnection(LOCAL);
    await using microphone = new FakeMicrophone({ frequencyHz: 1000 });
    conn.audio.putSubscription(microphone);
    const page = await pageFor(kit, conn);
    const atRobot = hear(conn);
    const { heard, offer, answer } = await page.evaluate(async () => {
      const conn = makeConnection();
      await conn.audio.putSubscription(tones(440, 440));
      const heard = new Promise<Heard>((resolve) =>
        conn.audio.subscribe((stream) => resolve(listen(stream)))
      );
      await connect(conn);
      return {
        heard: await heard,
        offer: conn._rtc.localDescription!.sdp,
        answer: conn._rtc.remoteDescription!.sdp,
      };
    });
    assertHeard(heard, 1000, 1000);
    assertPitch(440, (await atRobot)[0], 1000);
    assert.equal(offer.match(/^m=audio/mg)?.length, 1);
    assert.match(answer, /m=audio[^]*a=sendrecv/);
    // What both agree on, by the answer: Opus, with copies against loss, in stereo.
    const [, type] = /^a=rtpmap:(\d+) opus\/48000\/2/im.exec(answer)!;
    const [, parameters] = new RegExp(`^a=fmtp:${type} (.*)$`, "m").exec(answer)!;
    assert.match(parameters!, /useinbandfec=1/);
    assert.match(parameters!, /(^|;)stereo=1/);
  });
}

test("AudioHandler makes an offer that a page answers with its sound, and hears the robot's", async (kit) => {
  await using conn = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: [1000, 600] });
  conn.audio.putSubscription(microphone);
  const page = await pageFor(kit, conn);
  const atRobot = hear(conn);
  const answer = await page.evaluate(async (offer: Description) => {
    const conn = makeConnection();
    await conn.audio.putSubscription(tones(440, 880));
    const heard = new Promise<Heard>((resolve) =>
      conn.audio.subscribe((stream) => resolve(listen(stream)))
    );
    Object.assign(globalThis, { conn, heard });
    return await conn.getLocalDescription(offer) as Description;
  }, await conn.getLocalDescription());
  await conn.setRemoteDescription(answer);
  assert.match(answer.sdp, /useinbandfec=1/);
  const [left, right] = await atRobot;
  assertPitch(440, left, 880);
  assertPitch(880, right, 440);
  const heard = await page.evaluate(() => (globalThis as unknown as { heard: Heard }).heard);
  assertHeard(heard, 1000, 600);
});

test("AudioHandler gives the beep of Chromium's microphone", async (kit) => {
  await using conn = new RTCConnection(LOCAL);
  const page = await pageFor(kit, conn);
  const queue = conn.audio.subscribe(new Queue<AudioFrame>());
  await page.evaluate(async () => {
    const conn = makeConnection();
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    await conn.audio.putSubscription(await navigator.mediaDevices.getUserMedia({ audio }));
    await connect(conn);
  });
  // Once a second it beeps, and is silent otherwise.
  let [loud, quiet] = [0, 0];
  while (loud < 3 || quiet < 20) {
    const { data } = await within(15_000, queue.get(), "the beep");
    const peak = data.reduce((most, level) => Math.max(most, Math.abs(level)), 0);
    if (peak > 0.05) loud++;
    else quiet++;
  }
});

test("RTCConnection keeps sound and picture in step in a page", async (kit) => {
  await using conn = new RTCConnection(LOCAL);
  await using camera = new FakeCamera({ width: 320, height: 240 });
  await using microphone = new FakeMicrophone();
  conn.video.putSubscription(camera);
  conn.audio.putSubscription(microphone);
  const page = await pageFor(kit, conn);
  const apart = await page.evaluate(async () => {
    const conn = makeConnection();
    conn.video.subscribe((stream) => {
      const video = document.createElement("video");
      document.body.append(video);
      video.muted = true;
      video.srcObject = stream;
      video.play();
    });
    conn.audio.subscribe((stream) => void listen(stream));
    await connect(conn);
    const apart: number[] = [];
    // Chromium takes some eight seconds to bring them together, step by step.
    const together = () => apart.length > 12 && apart.slice(-6).every((ms) => Math.abs(ms) <= 45);
    for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
      if (together()) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
      const when: Record<string, number> = {};
      for (const report of (await conn._rtc.getStats()).values()) {
        if (report.type === "inbound-rtp") when[report.kind] = report.estimatedPlayoutTimestamp;
      }
      // When what is heard and what is seen now was captured.
      if (when.audio && when.video) apart.push(when.audio - when.video);
    }
    return apart;
  });
  if (VERBOSE) console.log(apart.map(Math.round).join(" "));
  const last = apart.slice(-6);
  assert.ok(
    last.length === 6 && last.every((ms) => Math.abs(ms) <= 45),
    `sound and picture are ${apart} ms apart`,
  );
});
