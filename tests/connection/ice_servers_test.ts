import assert from "node:assert/strict";
import { readIceServers } from "../../lib/connection/ice_servers.ts";
import { type IceServer, RTCConnection } from "../../mod.ts";

function make(server: unknown): RTCConnection {
  return new RTCConnection({ rtcConfiguration: { iceServers: [server as IceServer] } });
}
const who = { username: "robot", credential: "secret" };

Deno.test("RTCConnection takes STUN and TURN servers as browsers do", async () => {
  for (
    const server of [
      { urls: "stun:stun.l.google.com:19302" },
      { urls: ["stun:192.0.2.1", "stuns:stun.example.org", "STUN:[2001:db8::1]:3478"] },
      { urls: "turn:turn.example.org:3478?transport=udp", ...who },
      { urls: ["turn:turn.example.org?transport=tcp", "turns:turn.example.org:5349"], ...who },
      { urls: "turns:turn.example.org:443?transport=tcp", ...who },
      { urls: [] },
    ]
  ) await make(server).close();
});

Deno.test("RTCConnection refuses servers that would never be asked, and does not tell secrets", () => {
  for (
    const urls of [
      "",
      "stun:",
      "turn:",
      "bogus",
      "stun.l.google.com:19302",
      "https://turn.example.org",
      "stun://stun.example.org",
      "turn:robot:secret@turn.example.org",
      "turn:turn.example.org?transport=quic",
      "turns:turn.example.org?transport=udp",
      "stun:stun.example.org?transport=udp",
      ["stun:stun.example.org", "turn:a b"],
      [undefined],
      undefined,
      7,
    ]
  ) {
    assert.throws(() => make({ urls, ...who }), (error: Error) => {
      assert.equal(error.name, "SyntaxError", String(urls));
      assert.match(error.message, /^Cannot use ICE server 1: its URL is not of the form /);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

Deno.test("RTCConnection refuses a TURN server without user name and credential", () => {
  for (
    const  of of[{}, { username: "robot" }, { credential: "secret" }, { ...who, username: "" }]
  ) {
    assert.throws(() => make({ urls: "turn:turn.example.org", ...of }), {
      name: "TypeError",
      message: "Cannot use ICE server 1: a TURN server wants to know who asks; " +
        "give username and credential",
    });
  }
});

Deno.test("RTCConnection refuses to connect over relays alone when there is none", async () => {
  const iceTransportPolicy = "relay";
  for (const iceServers of [undefined, [], [{ urls: "stun:stun.example.org" }]]) {
    const rtcConfiguration = { iceTransportPolicy, ...(iceServers && { iceServers }) } as const;
    assert.throws(() => new RTCConnection({ rtcConfiguration }), {
      name: "TypeError",
      message: "Cannot connect over relays alone: no TURN server is named; " +
        'add one to "iceServers"',
    });
  }
  await make({ urls: "turn:turn.example.org", ...who }).close();
});

Deno.test("readIceServers() knows the ports and transports that a URL leaves out", () => {
  const read = (urls: string) => {
    const [{ host, port, transport } = { host: "", port: 0, transport: "" }] = readIceServers([
      { urls, ...who },
    ]);
    return `${host} ${port} ${transport}`;
  };
  assert.equal(read("stun:a"), "a 3478 udp");
  assert.equal(read("stuns:a"), "a 5349 udp");
  assert.equal(read("turn:a"), "a 3478 udp");
  assert.equal(read("TURN:a:9?transport=TCP"), "a 9 tcp");
  assert.equal(read("turns:a"), "a 5349 tls");
  assert.equal(read("turns:[2001:db8::1]:443?transport=tcp"), "2001:db8::1 443 tls");
});
