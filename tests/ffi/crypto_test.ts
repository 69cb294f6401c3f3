import assert from "node:assert/strict";
import { createCipheriv, createHmac } from "node:crypto";
import { GCM_TAG_BYTES, PacketCrypto } from "../../ffi/crypto.ts";

const probe = PacketCrypto.open();
const ignore = probe === null;
probe?.close();
const hint = ignore ? " (needs libcrypto: sudo apt install libssl3)" : "";

const bytes = (length: number, first = 0): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => first + i * 7 & 255);

Deno.test({
  name: `PacketCrypto.gcmSealer() agrees with node:crypto${hint}`,
  ignore,
  fn() {
    using crypto = PacketCrypto.open()!;
    const key = bytes(16), nonce = bytes(12, 3), additional = bytes(13, 9), data = bytes(1201, 1);
    const seal = crypto.gcmSealer(key);
    for (const size of [0, 1, 16, 1201]) {
      const node = createCipheriv("aes-128-gcm", key, nonce).setAAD(additional);
      const expected = [
        ...node.update(data.subarray(0, size)),
        ...node.final(),
        ...node.getAuthTag(),
      ];
      const buffer = new Uint8Array(5 + size + GCM_TAG_BYTES);
      buffer.set(data.subarray(0, size), 5);
      assert.equal(seal(nonce, additional, buffer, 5, 5 + size), true);
      assert.deepEqual([...buffer.subarray(5)], expected);
    }
  },
});

Deno.test({
  name: `PacketCrypto.gcmOpener() opens what was sealed and nothing else${hint}`,
  ignore,
  fn() {
    using crypto = PacketCrypto.open()!;
    const key = bytes(16), nonce = bytes(12, 3), additional = bytes(13, 9), data = bytes(100, 1);
    const seal = crypto.gcmSealer(key), open = crypto.gcmOpener(key);
    const sealed = new Uint8Array(100 + GCM_TAG_BYTES);
    sealed.set(data);
    seal(nonce, additional, sealed, 0, 100);
    const whole = sealed.slice();
    assert.equal(open(nonce, additional, whole, 0, whole.length), true);
    assert.deepEqual(whole.subarray(0, 100), data);
    for (const at of [0, 99, 100, 115]) {
      const broken = sealed.slice();
      broken[at] = (broken[at] ?? 0) ^ 1;
      assert.equal(open(nonce, additional, broken, 0, broken.length), false);
    }
    assert.equal(open(nonce, bytes(13, 8), sealed.slice(), 0, sealed.length), false);
    assert.equal(open(nonce, additional, sealed, 0, 15), false);
  },
});

Deno.test({
  name: `PacketCrypto.ctr() and hmacSha1() agree with node:crypto${hint}`,
  ignore,
  fn() {
    using crypto = PacketCrypto.open()!;
    const key = bytes(16), counter = bytes(16, 5), data = bytes(1000, 2);
    const buffer = data.slice();
    const ctr = crypto.ctr(key), hmac = crypto.hmacSha1(bytes(20));
    for (let round = 0; round < 2; round++) {
      buffer.set(data);
      assert.equal(ctr(counter, buffer, 0, buffer.length), true);
      assert.deepEqual([...buffer], [...createCipheriv("aes-128-ctr", key, counter).update(data)]);
      const expected = createHmac("sha1", bytes(20)).update(data).update(key).digest();
      assert.deepEqual([...hmac(data, key)!], [...expected]);
    }
  },
});

Deno.test({
  name: `PacketCrypto.close() makes every cipher refuse${hint}`,
  ignore,
  fn() {
    const crypto = PacketCrypto.open()!;
    const seal = crypto.gcmSealer(bytes(16)), hmac = crypto.hmacSha1(bytes(20));
    crypto.close();
    crypto.close();
    assert.equal(seal(bytes(12), bytes(13), bytes(64), 0, 40), false);
    assert.equal(hmac(bytes(4)), null);
    assert.throws(() => crypto.ctr(bytes(16)), /PacketCrypto is closed; open another/);
  },
});
