import assert from "node:assert/strict";
import { mdnsQuestions, readMdnsAddresses } from "../../lib/wire/mdns.ts";
import { mdnsAnswer } from "../connection/mdns_responder.ts";

Deno.test("mdnsQuestions() asks for both kinds of address, a packet each", () => {
  const head = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 5, 108, 111, 99, 97, 108, 0];
  assert.deepEqual(mdnsQuestions("a.local").map((packet) => [...packet]), [
    [...head, 0, 1, 0, 1],
    [...head, 0, 28, 0, 1],
  ]);
  for (const none of ["", "a..local", `${"x".repeat(64)}.local`, "x.".repeat(130) + "local"]) {
    assert.throws(() => mdnsQuestions(none), { name: "RangeError" }, none);
  }
});

Deno.test("readMdnsAddresses() reads addresses of both kinds, with names written out or pointed to", () => {
  for (const pointed of [false, true]) {
    assert.deepEqual(readMdnsAddresses(mdnsAnswer("Robot.local", "192.0.2.7", pointed)), [
      { name: "robot.local", address: "192.0.2.7" },
    ]);
    assert.deepEqual(readMdnsAddresses(mdnsAnswer("a.local", "fd00:0:0:0:0:0:0:1", pointed)), [
      { name: "a.local", address: "fd00::1" },
    ]);
  }
});

Deno.test("readMdnsAddresses() reads nothing of questions", () => {
  assert.deepEqual(mdnsQuestions("a.local").flatMap(readMdnsAddresses), []);
});

Deno.test("readMdnsAddresses() ends with packets that are cut, changed or circular", () => {
  const whole = mdnsAnswer("robot.local", "192.0.2.7", true);
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual(readMdnsAddresses(whole.subarray(0, length)), [], `${length} bytes`);
  }
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 1, 0x3f, 0x40, 0xc0, 0xff]) {
      const changed = whole.slice();
      changed[at] = value;
      readMdnsAddresses(changed);
    }
  }
  // A name that points to itself, and one that points forward.
  for (const target of [12, 14]) {
    const circular = [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xc0, target, 0xc0, 12, 0, 1, 0, 1];
    assert.deepEqual(
      readMdnsAddresses(Uint8Array.from([...circular, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4])),
      [],
    );
  }
  // More records than anybody reads.
  const many = whole.slice();
  many[6] = 0xff;
  assert.deepEqual(readMdnsAddresses(many), []);
});
