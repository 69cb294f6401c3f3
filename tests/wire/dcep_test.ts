import assert from "node:assert/strict";
import { RemoteProtocolError } from "../../lib/errors.ts";
import {
  type ChannelParameters,
  DCEP_ACK,
  encodeDcepOpen,
  isDcepAck,
  isDcepOpen,
  parseDcepOpen,
} from "../../lib/wire/dcep.ts";
import { beginnings, randomBytes } from "./feed.ts";

const plain: ChannelParameters = {
  label: "default",
  protocol: "",
  ordered: true,
  maxRetransmits: null,
};

function refusal(data: Uint8Array): string {
  try {
    parseDcepOpen(data);
  } catch (error) {
    assert.ok(error instanceof RemoteProtocolError, String(error));
    return error.message;
  }
  throw new Error(`${data.length} bytes were accepted`);
}

Deno.test("encodeDcepOpen() writes the bytes of RFC 8832, section 5.1", () => {
  const channel = { label: "ab", protocol: "c", ordered: false, maxRetransmits: 3 };
  assert.deepEqual(
    [...encodeDcepOpen(channel)],
    [0x03, 0x81, 0, 0, 0, 0, 0, 3, 0, 2, 0, 1, 0x61, 0x62, 0x63],
  );
  assert.deepEqual([...encodeDcepOpen({ ...plain, label: "" })], [3, ...Array(11).fill(0)]);
});

Deno.test("parseDcepOpen() gives back what encodeDcepOpen() wrote; lengths count bytes", () => {
  for (
    const label of ["", "default", "früh – 早い 🤖", "\u0000", "\ufeffmarked", "x".repeat(65_535)]
  ) {
    for (const ordered of [true, false]) {
      for (const maxRetransmits of [null, 0, 7, 0xffff_ffff]) {
        const channel = { label, protocol: "ü", ordered, maxRetransmits };
        assert.deepEqual(parseDcepOpen(encodeDcepOpen(channel)), channel);
      }
    }
  }
  assert.equal(new DataView(encodeDcepOpen({ ...plain, label: "早い" }).buffer).getUint16(8), 6);
});

Deno.test("encodeDcepOpen() refuses names that do not fit", () => {
  assert.throws(
    () => encodeDcepOpen({ ...plain, label: "ü".repeat(32_768) }),
    /^RangeError: Cannot open the data channel: its name has 65536 bytes; at most 65535 fit$/,
  );
  assert.throws(
    () => encodeDcepOpen({ ...plain, protocol: "x".repeat(65_536) }),
    /^RangeError: Cannot open the data channel: its protocol has 65536 bytes; at most 65535 fit$/,
  );
});

Deno.test("parseDcepOpen() refuses a message cut short anywhere", () => {
  const whole = encodeDcepOpen({ ...plain, label: "früh", protocol: "p" });
  for (const cut of beginnings(whole)) {
    const wanted = cut.length < 12
      ? `Cannot open the remote data channel: ${cut.length} bytes are no DATA_CHANNEL_OPEN`
      : `Cannot open the remote data channel: the message ends after ${cut.length} of 18 bytes`;
    assert.equal(refusal(cut), wanted);
  }
});

Deno.test("parseDcepOpen() does not look at what follows, nor at what lies around a view", () => {
  const whole = encodeDcepOpen(plain);
  assert.deepEqual(parseDcepOpen(Uint8Array.of(...whole, 1, 2, 3)), plain);
  const around = Uint8Array.of(9, 9, 9, ...whole, 9, 9);
  assert.deepEqual(parseDcepOpen(around.subarray(3, 3 + whole.length)), plain);
});

Deno.test("parseDcepOpen() knows the channel types of RFC 8832, section 8.2.2, and no others", () => {
  for (let type = 0; type < 256; type++) {
    const data = Uint8Array.of(3, type, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0);
    if ((type & 0x7f) > 2) {
      assert.equal(
        refusal(data),
        `Cannot open the remote data channel: its type ${type} is none of RFC 8832`,
      );
    } else {
      const { ordered, maxRetransmits } = parseDcepOpen(data);
      assert.equal(ordered, type < 0x80);
      assert.equal(maxRetransmits, (type & 0x7f) === 1 ? 5 : null);
    }
  }
});

Deno.test("parseDcepOpen() gives a value or a RemoteProtocolError for whatever comes", () => {
  let opened = 0;
  for (const bytes of randomBytes(10_000, 2, Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1))) {
    try {
      assert.equal(typeof parseDcepOpen(bytes).label, "string");
      opened++;
    } catch (error) {
      assert.ok(error instanceof RemoteProtocolError, String(error));
    }
  }
  assert.ok(opened > 1_000, `${opened} were opened`);
});

Deno.test("isDcepOpen() and isDcepAck() look at the first byte", () => {
  assert.ok(isDcepAck(DCEP_ACK) && !isDcepOpen(DCEP_ACK));
  const open = encodeDcepOpen(plain);
  assert.ok(isDcepOpen(open) && !isDcepAck(open));
  const empty = new Uint8Array(0);
  assert.ok(!isDcepOpen(empty) && !isDcepAck(empty));
});
