import assert from "node:assert/strict";
import { NegotiationError } from "../../lib/errors.ts";
import { MAX_USED_CANDIDATES } from "../../lib/wire/candidates.ts";
import {
  type Description,
  MAX_SDP_LENGTH,
  parseDescription,
  wants,
} from "../../lib/wire/description.ts";
import { mutate, seeded } from "./feed.ts";

const SESSION = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"];
const DATA = [
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:Q7LK",
  "a=ice-pwd:7yLDJie/vCK53qaq2JbO6ZRe",
  "a=fingerprint:sha-256 8E:28:BB",
  "a=setup:actpass",
  "a=mid:0",
  "a=sctp-port:5000",
];
const offer = (...more: string[]): Description => ({ type: "offer", sdp: text(...more) });
const text = (...more: string[]) => [...SESSION, ...DATA, ...more].join("\r\n") + "\r\n";

function refusal(value: unknown, type: Description["type"] = "offer"): string {
  try {
    parseDescription(value, type);
  } catch (error) {
    assert.ok(error instanceof NegotiationError, String(error));
    return error.message;
  }
  throw new Error("it was accepted");
}

Deno.test("parseDescription() gives a good description back", () => {
  assert.deepEqual(parseDescription({ ...offer(), more: 1 }, "offer"), offer());
  const answer = { type: "answer", sdp: text() };
  assert.deepEqual(parseDescription(answer, "answer"), answer);
});

Deno.test("parseDescription() reads both line ends, and writes CRLF", () => {
  const { sdp } = offer();
  for (const other of [sdp.replaceAll("\r\n", "\n"), sdp.trimEnd(), `${sdp}\r\n\n`]) {
    assert.equal(parseDescription({ type: "offer", sdp: other }, "offer").sdp, sdp);
  }
});

Deno.test("parseDescription() says what is wrong in one sentence", () => {
  const sdp = text();
  const refused: [unknown, string][] = [
    [undefined, `it is not an object with "type" and "sdp"`],
    [null, `it is not an object with "type" and "sdp"`],
    ["offer", `it is not an object with "type" and "sdp"`],
    [[], `its "type" is not "offer"`],
    [{ type: "answer", sdp }, `its "type" is not "offer"`],
    [{ type: ["offer"], sdp }, `its "type" is not "offer"`],
    [{ type: "offer", sdp: 1 }, `its "sdp" is not a string`],
    [{ type: "offer", sdp: [sdp] }, `its "sdp" is not a string`],
    [{ type: "offer", sdp: "" }, `its SDP does not begin with "v=0"`],
    [{ type: "offer", sdp: ` ${sdp}` }, `its SDP does not begin with "v=0"`],
    [
      { type: "offer", sdp: sdp + "x".repeat(70_000) },
      `its SDP has ${sdp.length + 70_000} characters; at most 65536 are read`,
    ],
    [offer("no line"), "its SDP has a line that is none"],
    [offer("a=x\0"), "its SDP has a line that is none"],
    [offer("a=\ra=b"), "its SDP has a line that is none"],
    [offer(`a=${"x".repeat(5_000)}`), "its SDP has a line that is none"],
    [
      offer(...Array(32).fill("m=audio 9 UDP/TLS/RTP/SAVPF 0")),
      "its SDP has more than 32 media sections",
    ],
    [offer(...Array(257).fill("a=candidate:")), "its SDP has more than 256 candidates"],
    [{ type: "offer", sdp: SESSION.join("\n") }, "its SDP has no media section"],
  ];
  for (const name of ["ice-ufrag", "ice-pwd", "fingerprint"]) {
    const without = sdp.split("\r\n").filter((line) => !line.startsWith(`a=${name}`)).join("\r\n");
    refused.push([{ type: "offer", sdp: without }, `its SDP has no "${name}"`]);
  }
  for (const [value, why] of refused) {
    assert.equal(refusal(value), `Cannot read the offer: ${why}`);
  }
  assert.equal(refusal(offer(), "answer"), `Cannot read the answer: its "type" is not "answer"`);
});

Deno.test("parseDescription() takes what just fits", () => {
  const sections = Array<string>(31).fill("m=audio 9 UDP/TLS/RTP/SAVPF 0");
  parseDescription(offer(...sections), "offer");
  const padding = MAX_SDP_LENGTH - text().length;
  const long = `a=${"x".repeat(2_000)}`;
  const lines = Array<string>(Math.floor(padding / (long.length + 2))).fill(long);
  const rest = padding - lines.length * (long.length + 2) - 2;
  const largest = offer(...lines, `a=${"x".repeat(rest - 2)}`);
  assert.equal(largest.sdp.length, MAX_SDP_LENGTH);
  assert.deepEqual(parseDescription(largest, "offer"), largest);
});

Deno.test("parseDescription() gives a description or a NegotiationError for whatever comes", () => {
  const whole = text(
    "a=candidate:1 1 udp 2113937151 192.0.2.2 41756 typ host",
    "a=end-of-candidates",
  );
  for (let end = 0; end <= whole.length; end++) tryBoth(whole.slice(0, end));
  const next = seeded(6);
  for (let i = 0; i < 5_000; i++) tryBoth(mutate(whole, next, 1 + next() % 20));
  for (let i = 0; i < 2_000; i++) {
    tryBoth(String.fromCharCode(...Array.from({ length: next() % 200 }, () => next() & 0xffff)));
    tryBoth(
      `v=0\n${
        Array.from({ length: 20 }, () => String.fromCharCode(97 + next() % 26) + "=").join("\n")
      }`,
    );
  }
});

function tryBoth(sdp: string): void {
  for (const type of ["offer", "answer"] as const) {
    try {
      const description = parseDescription({ type, sdp }, type);
      assert.equal(typeof wants(description, "video"), "boolean");
      parseDescription(description, type); // what passed once passes again
    } catch (error) {
      assert.ok(error instanceof NegotiationError, String(error));
      assert.match(error.message, /^Cannot read the (offer|answer): [^\n]+$/);
    }
  }
}

/** What is left of these lines behind the data section. */
function left(...lines: string[]): string[] {
  return parseDescription(offer(...lines), "offer").sdp.trimEnd().split("\r\n").slice(13);
}

Deno.test("parseDescription() keeps the candidates that can be used, in one spelling", () => {
  const kept: [string, string][] = [
    ["1 1 udp 1 192.0.2.1 1 typ host", "1 1 udp 1 192.0.2.1 1 typ host"],
    [
      "a+/9 1 UDP 2147483647 10.0.0.1 65535 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag x network-cost 999",
      "a+/9 1 udp 2147483647 10.0.0.1 65535 typ srflx",
    ],
    ["1 1 udp 0042 127.0.0.1 080 typ relay raddr", "1 1 udp 42 127.0.0.1 80 typ relay"],
    ["1 1 udp 5 2001:db8::2 9 typ host", "1 1 udp 5 2001:db8::2 9 typ host"],
    ["1 1 udp 5 ::1 9 typ host", "1 1 udp 5 ::1 9 typ host"],
    ["1 1 udp 5 ::ffff:192.0.2.1 9 typ host", "1 1 udp 5 ::ffff:192.0.2.1 9 typ host"],
  ];
  for (const [said, wanted] of kept) {
    assert.deepEqual(left(`a=candidate:${said}`), [`a=candidate:${wanted}`]);
  }
});

Deno.test("parseDescription() drops the candidates that cannot be used", () => {
  const dropped = [
    "",
    "1",
    "1 1 udp 1 192.0.2.1 1 typ",
    "1 1 udp 1 192.0.2.1 1 typ prflx",
    "1 1 udp 1 192.0.2.1 1 typ toString",
    "1 1 udp 1 192.0.2.1 1 type host",
    "1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
    "1 1 ssltcp 1 192.0.2.1 9 typ host",
    "1 2 udp 1 192.0.2.1 9 typ host",
    "1 0 udp 1 192.0.2.1 9 typ host",
    "1 1 udp 1 192.0.2.1 0 typ host",
    "1 1 udp 1 192.0.2.1 65536 typ host",
    "1 1 udp 1 192.0.2.1 -1 typ host",
    "1 1 udp 1 192.0.2.1 1e3 typ host",
    "1 1 udp 0 192.0.2.1 9 typ host",
    "1 1 udp 2147483648 192.0.2.1 9 typ host",
    "1 1 udp NaN 192.0.2.1 9 typ host",
    " 1 udp 1 192.0.2.1 9 typ host",
    "ü 1 udp 1 192.0.2.1 9 typ host",
    `${"x".repeat(33)} 1 udp 1 192.0.2.1 9 typ host`,
    "1  1 udp 1 192.0.2.1 9 typ host",
    "1 1 udp 1 5b6d1c2e-8d1a-4a5c-9a67-2f6f6b1d3c55.local 9 typ host",
    "1 1 udp 1 robot.example 9 typ host",
    "1 1 udp 1 0.0.0.0 9 typ host",
    "1 1 udp 1 224.0.0.251 9 typ host",
    "1 1 udp 1 255.255.255.255 9 typ host",
    "1 1 udp 1 192.0.2.256 9 typ host",
    "1 1 udp 1 192.0.2 9 typ host",
    "1 1 udp 1 3221225985 9 typ host",
    "1 1 udp 1 :: 9 typ host",
    "1 1 udp 1 0:0:0:0:0:0:0:0 9 typ host",
    "1 1 udp 1 ff02::fb 9 typ host",
    "1 1 udp 1 fe80::1%eth0 9 typ host",
    "1 1 udp 1 1::2::3 9 typ host",
    "1 1 udp 1 : 9 typ host",
    "1 1 udp 1 ::1]/[::1 9 typ host",
  ];
  for (const said of dropped) assert.deepEqual(left(`a=candidate:${said}`), [], said);
  assert.deepEqual(left("a=candidate", "a=candidates:1"), ["a=candidate", "a=candidates:1"]);
});

Deno.test("parseDescription() keeps the end of a list only where something is left of the list", () => {
  const good = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host";
  const bad = "a=candidate:1 1 udp 1 name.local 9 typ host";
  const end = "a=end-of-candidates";
  const video = "m=video 9 UDP/TLS/RTP/SAVPF 96";
  assert.deepEqual(left(good, end), [good, end]);
  assert.deepEqual(left(end, good, bad), [good, end]);
  assert.deepEqual(left(bad, end), []);
  assert.deepEqual(left(end), []);
  assert.deepEqual(left(bad, end, video, good, end), [video, good, end]);
  assert.deepEqual(left(good, end, end, video, bad, end), [good, end, video]);
});

Deno.test("parseDescription() uses no more than MAX_USED_CANDIDATES", () => {
  const lines = Array.from(
    { length: 200 },
    (_, i) => `a=candidate:1 1 udp 1 192.0.2.${i} 9 typ host`,
  );
  assert.deepEqual(left(...lines), lines.slice(0, MAX_USED_CANDIDATES));
});

Deno.test("wants() is true where somebody would receive video", () => {
  const video = (direction: string) =>
    wants(offer("m=video 9 UDP/TLS/RTP/SAVPF 96", direction), "video");
  assert.equal(wants(offer(), "video"), false);
  assert.equal(wants(offer("a=m=video 9", "a=x\u2028m=video 9"), "video"), false);
  assert.equal(video("a=recvonly"), true);
  assert.equal(video("a=sendrecv"), true);
  assert.equal(video("a=mid:1"), true); // sendrecv is the default (RFC 8866, section 6.7)
  assert.equal(video("a=sendonly"), false);
  assert.equal(video("a=inactive"), false);
  assert.equal(wants(offer("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=recvonly"), "video"), false);
});
