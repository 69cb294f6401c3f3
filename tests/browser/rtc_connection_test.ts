/// <reference lib="dom" />
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { chromium } from "./harness.ts";
import { type LoopbackHelpers, loopbackRoutes } from "./loopback_page.ts";

declare const rtcbot: typeof import("../../lib/browser/index.ts");
declare const makeConnection: LoopbackHelpers["makeConnection"];
declare const join: LoopbackHelpers["join"];
declare const pair: LoopbackHelpers["pair"];
declare const collect: LoopbackHelpers["collect"];
declare const paintedStream: LoopbackHelpers["paintedStream"];

const browser = chromium();

browser.test("the page library gives the same names as a script and as a module", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const [classic, module] = await page.evaluate(async () => {
    const module = await import(String("/rtcbot.mjs")) as Record<string, unknown>;
    return [Object.keys(rtcbot).sort(), Object.keys(module).sort()];
  });
  assert.deepEqual(classic, module);
  for (
    const name of ["RTCConnection", "Keyboard", "Gamepad", "setGamepadRate", "Queue", "Websocket"]
  ) {
    assert.ok(classic.includes(name), name);
  }
});

browser.test("RTCConnection exchanges JSON and strings both ways, in order", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const [atB, atA] = await page.evaluate(async () => {
    const [a, b] = await pair();
    const gotB = collect(b);
    const gotA = collect(a);
    const values = [{ x: 1, y: [2, null] }, "text", "", 0, false, null, [], "{broken", "äöü€😀"];
    for (const value of values) a.put_nowait(value);
    b.send({ echo: true });
    return [await gotB.until(values.length), await gotA.until(1)];
  });
  assert.deepEqual(atB, [
    { x: 1, y: [2, null] },
    "text",
    "",
    0,
    false,
    null,
    [],
    "{broken",
    "äöü€😀",
  ]);
  assert.deepEqual(atA, [{ echo: true }]);
});

browser.test("RTCConnection.drained() ends with the connection, and leaves nothing behind", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const listeners = await page.evaluate(async () => {
    const [a] = await pair();
    const { AbortSignal: { prototype } } = globalThis;
    const { addEventListener, removeEventListener } = prototype;
    let listeners = 0, onClose = 0;
    prototype.addEventListener = function (...args: unknown[]) {
      listeners++;
      return Reflect.apply(addEventListener, this, args);
    };
    prototype.removeEventListener = function (...args: unknown[]) {
      listeners--;
      return Reflect.apply(removeEventListener, this, args);
    };
    const { onClose: told } = a;
    a.onClose = function (this: typeof a, ...args: unknown[]) {
      onClose++;
      return Reflect.apply(told, this, args) as never;
    };
    for (let i = 0; i < 5; i++) {
      a.put_nowait(new Uint8Array(200_000));
      a.put_nowait(new Uint8Array(200_000));
      await a.drained();
    }
    const left = [listeners, onClose];
    a.put_nowait(new Uint8Array(200_000));
    a.put_nowait(new Uint8Array(200_000));
    const last = a.drained();
    a.close();
    await last;
    return left;
  });
  assert.deepEqual(listeners, [0, 0]);
});

browser.test("RTCConnection.put_nowait() sends exactly the bytes of buffers and views", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const arrived = await page.evaluate(async () => {
    const [a, b] = await pair();
    const got = collect(b);
    const bytes = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);
    a.put_nowait(bytes.buffer);
    a.put_nowait(bytes.subarray(2, 4));
    a.put_nowait(new DataView(bytes.buffer, 5, 3));
    a.put_nowait(new Float32Array([1]));
    a.put_nowait(new Uint8Array());
    a.put_nowait("end");
    const values = await got.until(6);
    return values.map((v) => v instanceof ArrayBuffer ? [...new Uint8Array(v)] : v);
  });
  assert.deepEqual(arrived, [
    [0, 1, 2, 3, 4, 5, 6, 7],
    [2, 3],
    [5, 6, 7],
    [0, 0, 128, 63],
    [],
    "end",
  ]);
});

browser.test("RTCConnection delivers text that is not JSON as the text", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const arrived = await page.evaluate(async () => {
    const [a, b] = await pair();
    const got = collect(b);
    a._defaultChannel?.send("hello there");
    a._defaultChannel?.send('{"a":1}');
    return await got.until(2);
  });
  assert.deepEqual(arrived, ["hello there", { a: 1 }]);
});

browser.test("RTCConnection.put_nowait() before opening waits, keeps order and a snapshot", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const arrived = await page.evaluate(async () => {
    const a = makeConnection();
    const b = makeConnection();
    const got = collect(b);
    const { put_nowait } = a; // bound
    const value = { n: 1 };
    put_nowait(value);
    value.n = 99;
    put_nowait("second");
    b.put_nowait("the answering side may be early, too");
    const gotA = collect(a);
    await join(a, b);
    await a.onReady();
    put_nowait(3);
    return [await got.until(3), await gotA.until(1)];
  });
  assert.deepEqual(arrived, [
    [{ n: 1 }, "second", 3],
    ["the answering side may be early, too"],
  ]);
});

browser.test("RTCConnection.put_nowait() says why it cannot send", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const errors = await page.evaluate(async () => {
    const [a, b] = await pair();
    const attempt = (act: () => void) => {
      try {
        act();
        return "nothing was thrown";
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
    };
    const before = [
      attempt(() => a.put_nowait(undefined)),
      attempt(() => a.put_nowait("x".repeat(300_000))),
      attempt(() => a.put_nowait(new Uint8Array(262_145))),
    ];
    a.close();
    await b.onClose();
    return [...before, attempt(() => a.put_nowait(1)), attempt(() => b.put_nowait(1))];
  });
  const closed =
    "SubscriptionClosed: Cannot send: the RTCConnection is closed; make a new RTCConnection";
  assert.deepEqual(errors, [
    "TypeError: Cannot send a value of type undefined: it has no JSON form",
    "RangeError: Cannot send 300002 bytes: the other end takes 262144 in one message; send smaller pieces",
    "RangeError: Cannot send 262145 bytes: the other end takes 262144 in one message; send smaller pieces",
    closed,
    closed,
  ]);
});

browser.test("RTCConnection.subscribe() isolates a subscriber that throws", async (kit) => {
  kit.expectError(/this subscriber is broken/);
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const arrived = await page.evaluate(async () => {
    const [a, b] = await pair();
    b.subscribe(() => {
      throw new Error("this subscriber is broken");
    });
    const got = collect(b);
    a.put_nowait(1);
    a.put_nowait(2);
    return await got.until(2);
  });
  assert.deepEqual(arrived, [1, 2]);
});

browser.test("RTCConnection.get() gives the next message, and rejects when it closes", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const [a, b] = await pair();
    const next = b.get();
    a.put_nowait("hi");
    const first = await next;
    const pending = b.get().catch((error: Error) => error.name);
    a.close();
    return [first, await pending];
  });
  assert.deepEqual(result, ["hi", "SubscriptionClosed"]);
});

browser.test("RTCConnection tells its states, and the other end's close at once", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const a = makeConnection();
    const b = makeConnection();
    const states: string[] = [a.state];
    a.onState((state) => states.push(state));
    await join(a, b);
    await a.onReady();
    b.close();
    b.close();
    await a.onClose();
    return { states, closed: [a.closed, b.closed], error: await a.onError() };
  });
  assert.deepEqual(result, {
    states: ["connecting", "open", "closed"],
    closed: [true, true],
    error: null,
  });
});

browser.test("RTCConnection is lost when the other end falls silent", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const a = makeConnection();
    const other = new RTCPeerConnection();
    const channel = other.createDataChannel("rtcbot", {
      negotiated: true,
      id: 254,
      ordered: false,
      maxRetransmits: 0,
    });
    channel.onopen = () => channel.send('["ping",1]'); // and then never again
    await other.setRemoteDescription(await a.getLocalDescription());
    await other.setLocalDescription();
    while (other.iceGatheringState !== "complete") {
      await new Promise((resolve) => other.addEventListener("icegatheringstatechange", resolve));
    }
    await a.setRemoteDescription(other.localDescription as RTCSessionDescription);
    await a.onReady();
    const since = performance.now();
    const error = await a.onError();
    return {
      state: a.state,
      name: error?.name,
      text: error?.message,
      ms: performance.now() - since,
    };
  });
  assert.equal(result.state, "lost");
  assert.equal(result.name, "ConnectionLost");
  assert.equal(
    result.text,
    "Cannot stay connected: nothing was heard from the other end for 2.5 s; connect anew",
  );
  assert.ok(result.ms > 2000 && result.ms < 4500, `${result.ms} ms`);
});

browser.test("RTCConnection.rttMs is measured on the library's channel", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  await page.evaluate(async () => {
    const [a, b] = await pair();
    Object.assign(globalThis, { a, b });
  });
  const rtt = await page.waitForFunction(() => {
    const { a, b } = globalThis as unknown as Record<"a" | "b", { rttMs: number | null }>;
    return a.rttMs !== null && b.rttMs !== null && [a.rttMs, b.rttMs];
  });
  for (const ms of await rtt.jsonValue() as number[]) assert.ok(ms >= 0 && ms < 500, `${ms} ms`);
});

browser.test("RTCConnection.control delivers the newest and drops what is late", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const arrived = await page.evaluate(async () => {
    const a = makeConnection();
    const other = new RTCPeerConnection();
    const channel = other.createDataChannel("rtcbot", { negotiated: true, id: 254 });
    await other.setRemoteDescription(await a.getLocalDescription());
    await other.setLocalDescription();
    while (other.iceGatheringState !== "complete") {
      await new Promise((resolve) => other.addEventListener("icegatheringstatechange", resolve));
    }
    const got = collect(a.control);
    await a.setRemoteDescription(other.localDescription as RTCSessionDescription);
    await new Promise((resolve) => channel.onopen = resolve);
    const t = 1e6; // the other end's clock is its own affair
    for (
      const message of [
        ["control", 1, t, "first"],
        ["control", 3, t, "third"],
        ["control", 2, t, "second, too late"],
        ["control", 3, t, "third again"],
        ["control", 4, t - 600, "half a second old"],
        ["control", "5", t, "no number"],
        ["something", "new"],
        { not: "an array" },
        "null",
        ["control", 6, t, { forward: 1 }],
      ]
    ) channel.send(JSON.stringify(message));
    channel.send("not JSON");
    channel.send(new Uint8Array([1, 2, 3]));
    channel.send('["control",7,1000000,"end"]');
    return await got.until(4);
  });
  assert.deepEqual(arrived, ["first", "third", { forward: 1 }, "end"]);
});

browser.test("RTCConnection.control.put_nowait() keeps only the newest until it can send", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const arrived = await page.evaluate(async () => {
    const [a, b] = await pair();
    await Promise.all([a.control.onReady(), b.control.onReady()]);
    const got = collect(b.control);
    const { put_nowait } = a.control; // bound
    put_nowait({ forward: 1, leftright: 0 });
    await got.until(1);
    put_nowait({ forward: 0, leftright: 0 });
    const all = await got.until(2);
    a.close();
    put_nowait({ forward: 1 }); // dropped, not thrown: the robot has stopped by itself
    return all;
  });
  assert.deepEqual(arrived, [{ forward: 1, leftright: 0 }, { forward: 0, leftright: 0 }]);
});

browser.test("RTCConnection closes when the page is left, and the other end knows at once", async (kit) => {
  const site = kit.serve(loopbackRoutes());
  const [driving, robot] = [await kit.open(site.origin), await kit.open(site.origin)];
  const offer = await driving.evaluate(() => {
    const conn = makeConnection();
    Object.assign(globalThis, { conn });
    return conn.getLocalDescription();
  });
  const answer = await robot.evaluate((offer) => {
    const conn = makeConnection();
    Object.assign(globalThis, { conn });
    return conn.getLocalDescription(offer);
  }, offer);
  await driving.evaluate(async (answer) => {
    const { conn } = globalThis as unknown as { conn: ReturnType<typeof makeConnection> };
    await conn.setRemoteDescription(answer);
    await conn.onReady();
  }, answer);
  const left = Date.now();
  await driving.goto("about:blank");
  await robot.waitForFunction(() =>
    (globalThis as unknown as { conn: { closed: boolean } }).conn.closed
  );
  assert.ok(Date.now() - left < 2000, `${Date.now() - left} ms`);
});

browser.test("RTCConnection.getLocalDescription() does not wait for a STUN server that is silent", async (kit) => {
  const silent = dgram.createSocket("udp4");
  silent.bind(0);
  await once(silent, "listening");
  try {
    const page = await kit.open(kit.serve(loopbackRoutes()).origin);
    const result = await page.evaluate(async (port) => {
      const conn = new rtcbot.RTCConnection(true, {
        iceServers: [{ urls: `stun:127.0.0.1:${port}` }],
      });
      const since = performance.now();
      const { type, sdp, ...rest } = await conn.getLocalDescription();
      conn.close();
      return {
        type,
        rest,
        candidates: sdp.match(/a=candidate/g)?.length,
        ms: performance.now() - since,
      };
    }, silent.address().port);
    assert.equal(result.type, "offer");
    assert.deepEqual(result.rest, {});
    assert.ok((result.candidates ?? 0) >= 1);
    assert.ok(result.ms < 3000, `${result.ms} ms`);
  } finally {
    silent.close();
  }
});

browser.test("RTCConnection.getLocalDescription() rejects when the connection is closed meanwhile", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const names = await page.evaluate(async () => {
    const conn = makeConnection();
    const pending = conn.getLocalDescription().catch((error: Error) => error.name);
    conn.close();
    const after = conn.getLocalDescription().catch((error: Error) => error.message);
    const wrong = makeConnection().setRemoteDescription({ type: "answer" } as never)
      .catch((error: Error) => error.name);
    return [typeof await pending, await after, await wrong];
  });
  assert.deepEqual(names, [
    "string",
    "Cannot describe the connection: the RTCConnection is closed; make a new RTCConnection",
    "NegotiationError",
  ]);
});

browser.test("conn.video.subscribe() asks for video in the offer and plays what arrives", async (kit) => {
  const page = await kit.open(
    kit.serve(loopbackRoutes("<video muted autoplay playsinline>")).origin,
  );
  const result = await page.evaluate(async () => {
    const [a, b] = [makeConnection(), makeConnection()];
    const video = document.querySelector("video") as HTMLVideoElement;
    let calls = 0;
    a.video.subscribe((stream) => {
      calls++;
      video.srcObject = stream as MediaStream;
    });
    await b.video.putSubscription(paintedStream());
    await join(a, b);
    for (let frames = 0; frames < 5; frames++) {
      await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    }
    const receiver = a._rtc.getReceivers()[0] as RTCRtpReceiver & { jitterBufferTarget: number };
    // Whoever subscribes later gets the stream, too.
    const late = await new Promise<MediaStream>((resolve) => a.video.subscribe(resolve));
    return {
      calls,
      size: [video.videoWidth, video.videoHeight],
      kinds: late.getTracks().map((track) => track.kind),
      direction: /m=video[^]*?a=(recvonly|sendrecv)/.exec(a._rtc.localDescription?.sdp ?? "")?.[1],
      target: receiver.jitterBufferTarget,
    };
  });
  assert.deepEqual(result, {
    calls: 1,
    size: [320, 240],
    kinds: ["video"],
    direction: "recvonly",
    target: 0,
  });
});

browser.test("conn.video.putSubscription() sends from the offering side, and can be replaced", async (kit) => {
  const page = await kit.open(
    kit.serve(loopbackRoutes("<video muted autoplay playsinline>")).origin,
  );
  const result = await page.evaluate(async () => {
    const [a, b] = [makeConnection(), makeConnection()];
    const video = document.querySelector("video") as HTMLVideoElement;
    b.video.subscribe((stream) => video.srcObject = stream as MediaStream);
    await a.video.putSubscription(paintedStream().getVideoTracks()[0] as MediaStreamTrack);
    await join(a, b);
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const second = paintedStream();
    await a.video.putSubscription(second);
    const sent = a._rtc.getSenders()[0]?.track === second.getVideoTracks()[0];
    const sdp = a._rtc.localDescription?.sdp ?? "";
    const late = await makeConnectionLate(a);
    return { sent, direction: /m=video[^]*?a=(sendonly|sendrecv)/.exec(sdp)?.[1], late };

    async function makeConnectionLate(conn: typeof a): Promise<string> {
      try {
        await conn.audio.putSubscription(
          new AudioContext().createMediaStreamDestination().stream,
        );
        return "nothing was thrown";
      } catch (error) {
        return (error as Error).message;
      }
    }
  });
  assert.deepEqual(result, {
    sent: true,
    direction: "sendonly",
    late:
      "Cannot send audio: the connection was made without it; call putSubscription() before getLocalDescription()",
  });
});

browser.test("conn.video and conn.audio go both ways at once, several tracks each", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  const result = await page.evaluate(async () => {
    const [a, b] = [makeConnection(), makeConnection()];
    const audio = () => new AudioContext().createMediaStreamDestination().stream;
    const tracksA: string[] = [];
    const tracksB: string[] = [];
    a.video.offerToReceive(2);
    a.audio.subscribe(() => {});
    a.video.onTrack((track) => tracksA.push(track.kind));
    a.audio.onTrack((track) => tracksA.push(track.kind));
    b.video.onTrack((track) => tracksB.push(track.kind));
    await a.video.putSubscription(paintedStream());
    await b.audio.putSubscription(audio());
    await b.video.putSubscription(paintedStream());
    b.video.addTrack(paintedStream().getVideoTracks()[0] as MediaStreamTrack);
    await join(a, b);
    await a.onReady();
    return [tracksA.sort(), tracksB];
  });
  assert.deepEqual(result, [["audio", "video", "video"], ["video"]]);
});
