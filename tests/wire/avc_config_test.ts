import assert from "node:assert/strict";
import { RemoteProtocolError } from "../../lib/errors.ts";
import { isAvcConfig, readAvcConfig, splitLengthPrefixed } from "../../lib/wire/avc_config.ts";
import { beginnings, randomBytes } from "./feed.ts";

const RECORD = Uint8Array.of(1, 66, 0, 31, 0xff, 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 3);

Deno.test("readAvcConfig() gives the length's size and the parameter sets", () => {
  assert.ok(isAvcConfig(RECORD));
  assert.ok(!isAvcConfig(Uint8Array.of(0, 0, 0, 1, 0x67, 1, 2, 3)));
  const { lengthBytes, parameterSets } = readAvcConfig(RECORD);
  assert.equal(lengthBytes, 4);
  assert.deepEqual(parameterSets.map((set) => [...set]), [[0x67, 1, 2], [0x68, 3]]);
});

Deno.test("readAvcConfig() refuses records that end too early", () => {
  for (const bytes of beginnings(RECORD)) {
    assert.throws(() => readAvcConfig(bytes), RemoteProtocolError);
  }
});

Deno.test("splitLengthPrefixed() gives the units, and refuses lengths that point past the end", () => {
  const unit = Uint8Array.of(0, 0, 0, 2, 0x65, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0x41);
  assert.deepEqual(splitLengthPrefixed(unit, 4).map((nal) => [...nal]), [[0x65, 9], [0x41]]);
  assert.throws(
    () => splitLengthPrefixed(unit.subarray(0, 5), 4),
    /^RemoteProtocolError: Cannot read H.264: a length points past the end; the file or stream is damaged$/,
  );
  for (const bytes of randomBytes(2_000, 7)) {
    for (const size of [1, 2, 4]) {
      try {
        splitLengthPrefixed(bytes, size);
      } catch (error) {
        assert.ok(error instanceof RemoteProtocolError);
      }
    }
  }
});
