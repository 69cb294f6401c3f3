import assert from "node:assert/strict";
import {
  describeFindings,
  NOTHING_FOUND,
  type RouteEnd,
  routeInShort,
  type RoutePath,
  serverProblems,
} from "../../lib/wire/route.ts";

const host: RouteEnd = {
  type: "host",
  address: "192.0.2.7",
  port: 5000,
  server: null,
  relayProtocol: null,
};
const outside: RouteEnd = { ...host, type: "srflx", address: "2001:db8::1" };
const relay: RouteEnd = {
  ...host,
  type: "relay",
  address: "198.51.100.1",
  server: "turns:turn.example.org",
  relayProtocol: "tls",
};
const path = (local: RouteEnd, remote: RouteEnd, more: Partial<RoutePath> = {}): RoutePath => ({
  ...{ local, remote, state: "failed", selected: false, rttMs: null, problem: null },
  ...more,
});
const inUse = { state: "works", selected: true } as const;

Deno.test("describeFindings() tells the path in use and its time", () => {
  const used = path(host, outside, { ...inUse, rttMs: 3.21 });
  const route = describeFindings({ ...NOTHING_FOUND, paths: [path(host, host), used] });
  assert.equal(route.kind, "direct");
  assert.equal(route.path, used);
  assert.equal(routeInShort(route), "direct");
  assert.deepEqual(route.sentences, [
    "Connected directly: from 192.0.2.7:5000 to [2001:db8::1]:5000 (outside of a NAT), 3.2 ms.",
    "The path from 192.0.2.7:5000 to 192.0.2.7:5000 did not open: no answer came.",
  ]);
});

Deno.test("describeFindings() tells whose relay is in use", () => {
  const ours = describeFindings({ ...NOTHING_FOUND, paths: [path(relay, host, inUse)] });
  assert.equal(ours.kind, "relayed");
  assert.equal(routeInShort(ours), "relay over tls");
  assert.deepEqual(ours.sentences, [
    "Connected through our relay at turns:turn.example.org: " +
    "from 198.51.100.1:5000 (relay) to 192.0.2.7:5000.",
  ]);
  const theirs = describeFindings({
    ...NOTHING_FOUND,
    paths: [path(host, { ...relay, server: null, relayProtocol: null }, inUse)],
  });
  assert.equal(routeInShort(theirs), "relay");
  assert.match(theirs.sentences[0]!, /^Connected through the other end's relay: /);
});

Deno.test("describeFindings() tells why there is no path", () => {
  const nothing = describeFindings(NOTHING_FOUND);
  assert.equal(nothing.kind, "none");
  assert.equal(routeInShort(nothing), "no path");
  assert.deepEqual(nothing.sentences, ["Not connected: no path to the other end is known."]);

  const hidden = { ...host, address: null };
  const { sentences } = describeFindings({
    paths: [path(host, hidden), path(relay, host, { problem: "the relay is gone" })],
    servers: [
      { url: "stun:a", outcome: "answered", address: "203.0.113.5:9", problem: null },
      { url: "stun:b", outcome: "answered", address: null, problem: null },
      { url: "turn:c", outcome: "asked", address: null, problem: null },
      { url: "turn:d", outcome: "failed", address: null, problem: "it did not answer" },
    ],
    names: [{ name: "x.local", addresses: [] }, { name: "y.local", addresses: ["192.0.2.8"] }],
  });
  assert.deepEqual(sentences, [
    "Not connected: none of 2 paths opened.",
    "stun:a sees this end as 203.0.113.5:9.",
    "stun:b has answered.",
    "turn:c has not answered yet.",
    "turn:d is of no use: it did not answer.",
    "The other end hides an address behind names that nobody in this network resolves.",
    "The path from 192.0.2.7:5000 to a hidden address did not open: no answer came.",
    "The path from 198.51.100.1:5000 (relay) to 192.0.2.7:5000 did not open: the relay is gone.",
  ]);
});

Deno.test("describeFindings() tells five failures and counts the rest", () => {
  const { sentences } = describeFindings({
    ...NOTHING_FOUND,
    paths: [path(host, host, { state: "trying" }), ...new Array(7).fill(path(host, host))],
  });
  assert.equal(sentences[0], "Not connected yet: 1 of 8 paths are still to be tried.");
  assert.equal(sentences.length, 7);
  assert.equal(sentences.at(-1), "2 more paths did not open either.");
});

Deno.test("serverProblems() go behind another sentence", () => {
  const servers = [
    { url: "turn:d", outcome: "failed", address: null, problem: "it did not answer" },
    { url: "turn:e", outcome: "asked", address: null, problem: null },
  ] as const;
  assert.equal(serverProblems({ servers }), "; turn:d is of no use: it did not answer");
  assert.equal(serverProblems(NOTHING_FOUND), "");
});
