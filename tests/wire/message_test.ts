import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../lib/wire/message.ts";
import { beginnings, randomBytes } from "./feed.ts";

const text = (bytes: Uint8Array<ArrayBuffer>) => decodeMessage({ bytes, text: true });
const utf8 = (value: string) => new TextEncoder().encode(value);

Deno.test("encodeMessage() and decodeMessage() give JSON back as it was", () => {
  const values = [null, true, 0, -1.5, "", "hi", "\u0000\ufeff", "🤖", "\ud800", [], {}, [[{}]]];
  for (const value of [...values, { data: values }]) {
    const message = encodeMessage(value);
    assert.equal(message.text, true);
    assert.deepEqual(decodeMessage(message), value);
  }
});

Deno.test("encodeMessage() copies exactly the bytes of views and buffers", () => {
  const all = Uint8Array.from({ length: 32 }, (_, i) => i);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  const views = [
    all,
    all.subarray(3, 5),
    new DataView(all.buffer, 4, 7),
    new Float64Array(all.buffer, 8, 2),
    new BigUint64Array(all.buffer),
    new Uint8Array(0),
    shared,
  ];
  for (const view of views) {
    const wanted = [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];
    const message = encodeMessage(view);
    assert.equal(message.text, false);
    assert.deepEqual([...decodeMessage(message) as Uint8Array], wanted);
  }
  const whole = encodeMessage(all.buffer);
  const part = encodeMessage(all);
  all.fill(255);
  assert.equal(whole.bytes[31], 31);
  assert.equal(part.bytes[31], 31);
});

Deno.test("encodeMessage() says why a value cannot be sent", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const refused: [unknown, RegExp][] = [
    [
      undefined,
      /^Cannot send the message: JSON has no undefined; send null, or bytes in a Uint8Array$/,
    ],
    [() => {}, /^Cannot send the message: JSON has no function; /],
    [Symbol("x"), /^Cannot send the message: JSON has no symbol; /],
    [1n, /^Cannot send the message: it is not JSON \(.*BigInt.*\)$/],
    [circular, /^Cannot send the message: it is not JSON \([^]*circular[^]*\)$/],
  ];
  for (const [value, sentence] of refused) {
    assert.throws(() => encodeMessage(value), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, sentence);
      return true;
    });
  }
});

Deno.test("decodeMessage() gives text that is not JSON as the text", () => {
  assert.equal(text(utf8("hello")), "hello");
  assert.equal(text(utf8("{broken")), "{broken");
  assert.equal(text(new Uint8Array(0)), "");
  assert.equal(text(utf8('{"a":1} and more')), '{"a":1} and more');
  assert.equal(text(Uint8Array.of(0xff)), "\ufffd");
});

Deno.test("decodeMessage() reads whatever comes, cut anywhere, without throwing", () => {
  const whole = utf8('{"a":[1,"ü",null,true],"b":{"c":-1.5e3}}');
  for (const cut of beginnings(whole)) assert.equal(typeof text(new Uint8Array(cut)), "string");
  for (const bytes of randomBytes(5_000, 1, utf8('{"'))) {
    text(bytes);
    assert.equal(decodeMessage({ bytes, text: false }), bytes);
  }
  assert.equal(typeof text(utf8("[".repeat(200_000))), "string"); // nested deeper than any stack
});

Deno.test("decodeMessage() cannot be made to touch prototypes", () => {
  const value = text(utf8('{"__proto__":{"polluted":1}}')) as Record<string, unknown>;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});
