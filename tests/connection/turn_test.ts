/** Ends that have only a relay between them, and what is told about servers that are of no use. */
import assert from "node:assert/strict";
import { RTCConnection, type RTCConnectionOptions } from "../../mod.ts";
import { hostAddresses } from "../../lib/connection/werift_addresses.ts";
import { type Coturn, NO_COTURN, startCoturn, WHO } from "./coturn.ts";
import { join, within, withPair } from "./pair.ts";

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: name + NO_COTURN, ignore: NO_COTURN !== "", fn: run });
}

function over(
  { port }: Coturn,
  transport = "udp",
  iceTransportPolicy: "all" | "relay" = "relay",
): RTCConnectionOptions {
  const urls = `turn:127.0.0.1:${port}?transport=${transport}`;
  return { rtcConfiguration: { iceServers: [{ urls, ...WHO }], iceTransportPolicy } };
}

async function hears(from: RTCConnection, to: RTCConnection, message: unknown): Promise<void> {
  const heard = new Promise((done) => {
    const callback = (value: unknown) => {
      to.unsubscribe(callback);
      done(value);
    };
    to.subscribe(callback);
  });
  from.put_nowait(message);
  assert.deepEqual(await within(10_000, heard, "the message"), message);
}

for (const transport of ["udp", "tcp"] as const) {
  test(`RTCConnection speaks through a relay alone, reached over ${transport}`, async () => {
    await using coturn = await startCoturn();
    await withPair(async (a, b) => {
      await hears(a, b, "there");
      await hears(b, a, { and: "back".repeat(20_000) });
      const { kind, path, servers, sentences } = await a.describeRoute();
      assert.equal(kind, "relayed");
      assert.equal(path?.local.type, "relay");
      assert.equal(path?.remote.type, "relay");
      assert.equal(path?.local.relayProtocol, transport);
      assert.ok(path.selected && path.state === "works" && path.rttMs !== null);
      const url = `turn:127.0.0.1:${coturn.port}?transport=${transport}`;
      const relay = `${path.local.address}:${path.local.port}`;
      assert.deepEqual(servers, [{ url, outcome: "answered", address: relay, problem: null }]);
      assert.ok(sentences[0]!.startsWith(`Connected through our relay at ${url}: from ${relay} `));
    }, over(coturn, transport));
    // Each relay is given back.
    await coturn.said(/(refreshed, realm=<test>, username=<robot>, lifetime=0[^]*){2}/);
  });
}

test("RTCConnection meets an end that is not behind a relay", async () => {
  // From there, where the other end is, its packets can be sent.
  const outside = hostAddresses().find((address) => address.includes("."))!;
  await using coturn = await startCoturn(`--relay-ip=${outside}`);
  await using a = new RTCConnection(over(coturn));
  await using b = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
  await join(a, b);
  await hears(b, a, "over the relay");
  const routes = [await a.describeRoute(), await b.describeRoute()];
  assert.deepEqual(routes.map(({ kind }) => kind), ["relayed", "relayed"]);
  assert.deepEqual(routes.map(({ path }) => path?.local.type), ["relay", "host"]);
  assert.match(routes[1]!.sentences[0]!, /^Connected through the other end's relay: /);
});

test("RTCConnection keeps a relay although its time is over and the server wants another nonce", async () => {
  await using coturn = await startCoturn("--max-allocate-lifetime=6", "--stale-nonce=1");
  await withPair(async (a, b) => {
    await coturn.said(/Stale nonce/i);
    await coturn.said(/(refreshed, realm=<test>, username=<robot>, lifetime=6[^]*){6}/);
    await hears(a, b, "still there");
    await hears(b, a, "so am I");
    assert.equal((await a.describeRoute()).servers[0]!.problem, null);
  }, over(coturn));
});

test("RTCConnection takes the direct path although there is a relay, and gives the relay back", async () => {
  await using coturn = await startCoturn();
  await withPair(async (a) => {
    const { kind, servers } = await a.describeRoute();
    assert.equal(kind, "direct");
    assert.equal(servers[0]!.outcome, "answered");
  }, over(coturn, "udp", "all"));
  await coturn.said(/(username=<robot>, lifetime=0[^]*){2}/);
});

test("describeRoute() says of each server why it is of no use, and the others are used", async () => {
  await using coturn = await startCoturn();
  const turn = `turn:127.0.0.1:${coturn.port}`;
  const closed = await freePort();
  const options: RTCConnectionOptions = {
    rtcConfiguration: {
      iceServers: [
        { urls: `${turn}?transport=tcp`, username: "robot", credential: "wrong" },
        { urls: ["turn:no-such-name.invalid", `turn:127.0.0.1:${closed}?transport=tcp`], ...WHO },
        { urls: [`stun:127.0.0.1:${coturn.port}`, turn], ...WHO },
      ],
      iceTransportPolicy: "all",
    },
  };
  await using conn = new RTCConnection(options);
  const { sdp } = await conn.getLocalDescription();
  const { servers, sentences } = await conn.describeRoute();
  assert.deepEqual(servers.map(({ outcome }) => outcome), [
    ...["failed", "failed", "failed", "answered", "answered"],
  ]);
  assert.equal(
    servers[0]!.problem,
    "it does not accept the user name and credential (401 Unauthorized)",
  );
  assert.match(servers[1]!.problem!, /^its name (is not known|could not be looked up) \(E/);
  assert.equal(servers[2]!.problem, "nothing listens at its port (ECONNREFUSED)");
  assert.match(sdp, / typ relay /);
  assert.equal(sentences[0], "Not connected: no path to the other end is known.");
  assert.ok(sentences.includes(`${servers[0]!.url} is of no use: ${servers[0]!.problem}.`));
  assert.ok(sentences.includes(`${turn} gave the relay ${servers[4]!.address}.`));
  assert.doesNotMatch(JSON.stringify(servers), /wrong|secret/);
});

test("describeRoute() tells that a user has as many relays as are allowed", async () => {
  await using coturn = await startCoturn("--user-quota=1");
  await using first = new RTCConnection(over(coturn));
  await first.getLocalDescription();
  await using second = new RTCConnection(over(coturn));
  await assert.rejects(
    second.getLocalDescription(),
    /^ConnectionLost: Cannot connect over relays /,
  );
  const [server] = (await second.describeRoute()).servers;
  assert.match(server!.problem!, /^this user has as many relays as are allowed \(486 /);
});

test("describeRoute() tells that the server of the relay is gone", async () => {
  await using coturn = await startCoturn();
  await using a = new RTCConnection(over(coturn, "tcp"));
  await using b = new RTCConnection(over(coturn, "tcp"));
  await join(a, b);
  const ended = new Promise<unknown>((done) => a.onError((error) => done(error)));
  await coturn.stop();
  assert.match(String(await within(15_000, ended, "the end")), /Cannot reach the other end/);
  const { servers, sentences } = await a.describeRoute();
  assert.equal(servers[0]!.problem, "it closed the connection");
  assert.ok(sentences[1]!.endsWith(", but it closed the connection."), sentences[1]);
});

Deno.test("RTCConnection does not wait for long for a TURN server that says nothing", async () => {
  const silent = Deno.listenDatagram
    ? Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 })
    : null;
  const port = (silent?.addr as Deno.NetAddr | undefined)?.port ?? 9;
  try {
    const iceServers = [{ urls: `turn:127.0.0.1:${port}`, ...WHO }];
    const tookMs: number[] = [];
    for (let i = 0; i < 2; i++) {
      const beganMs = performance.now();
      await withPair(async (a) => {
        tookMs.push(performance.now() - beganMs);
        const { kind, sentences } = await a.describeRoute();
        assert.equal(kind, "direct");
        assert.match(sentences.join("\n"), /(has not answered yet|it did not answer)\./);
      }, { rtcConfiguration: { iceServers } });
    }
    // werift would wait 6 s for each end; known to be silent, the server is not waited for again.
    assert.ok(tookMs[0]! < 10_000, `${tookMs} ms`);
    assert.ok(tookMs[1]! < 5_000, `${tookMs} ms`);
  } finally {
    silent?.close();
  }
});

test("RTCConnection trusts a TURN server over TLS as Deno trusts anybody, and never otherwise", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await certify(folder);
    await using coturn = await startCoturn(`--cert=${folder}/s.pem`, `--pkey=${folder}/s.key`);
    const url = `turns:localhost:${coturn.tlsPort}?transport=tcp`;
    const run = async (environment: Record<string, string>) => {
      const script = new URL("./turn_over_tls.ts", import.meta.url).pathname;
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-prompt", "--allow-net", "--allow-ffi", script],
          ...[url, WHO.username, WHO.credential],
        ],
        env: environment,
        stdout: "piped",
        stderr: "inherit",
      }).output();
      return new TextDecoder().decode(stdout);
    };
    const [trusted, stranger] = await Promise.all([
      run({ DENO_CERT: `${folder}/ca.pem` }),
      run({}),
    ]);
    assert.ok(trusted.startsWith(`Connected through our relay at ${url}: `), trusted);
    assert.match(
      stranger,
      /^Cannot connect over relays alone: no TURN server gives one; turns:\S+ is of no use: its certificate is not trusted \(.*DENO_CERT/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** An authority, and a certificate for "localhost" by it. */
async function certify(folder: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await Deno.writeTextFile(`${folder}/names`, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  for (
    const args of [
      ["req", "-x509", ...key, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"],
      ["req", ...key, "-subj", "/CN=localhost", "-keyout", "s.key", "-out", "s.csr"],
      [
        ...["x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
        ...["-extfile", "names", "-out", "s.pem"],
      ],
    ]
  ) {
    const { success } = await new Deno.Command("openssl", {
      args,
      cwd: folder,
      stderr: "null",
    }).output();
    assert.ok(success, `openssl ${args[0]}`);
  }
}

/** Where nothing listens. */
async function freePort(): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return await Promise.resolve(port);
}
