import assert from "node:assert/strict";
import { openLibrary } from "../../ffi/loader.ts";
import { LIBOPUS, OpusDecoderContext, OpusEncoderContext, opusVersion } from "../../ffi/opus.ts";
import { LibraryMissing, SystemCallError } from "../../lib/errors.ts";
import { testOpus } from "../codecs/opus_library.ts";

Deno.test("LIBOPUS says how libopus is got where it is missing", () => {
  const nowhere = { linux: ["libnone.so"], darwin: ["libnone.dylib"], windows: ["none.dll"] };
  const spec = { ...LIBOPUS, candidates: nowhere };
  assert.throws(
    () => openLibrary(spec, {}, { host: "linux" }),
    (error) =>
      error instanceof LibraryMissing &&
      error.message === "Cannot load libopus: not found on this machine; " +
          'install it with "sudo apt install libopus0"',
  );
});

testOpus("opusVersion() names the library", () => {
  assert.match(opusVersion(), /^libopus \d/);
});

testOpus("OpusEncoderContext.set() reaches the variadic function", () => {
  const encoder = new OpusEncoderContext(1, "voip");
  for (const [request, value] of [["complexity", 3], ["dtx", 1], ["signal", -1000]] as const) {
    encoder.set(request, value);
  }
  // A value that arrived wrong would be taken, so one that has to be refused is tried as well.
  assert.throws(
    () => encoder.set("complexity", 11),
    (error) =>
      error instanceof SystemCallError && error.code === "OPUS_BAD_ARG" &&
      error.message ===
        "Cannot set the Opus encoder's complexity to 11: libopus says OPUS_BAD_ARG " +
          "(invalid argument); see that memory and settings are sensible",
  );
  encoder.free();
});

testOpus("OpusEncoderContext.encode() refuses a length that Opus has not", () => {
  const encoder = new OpusEncoderContext(2, "audio");
  assert.throws(() => encoder.encode(new Float32Array(2 * 100)), {
    name: "SystemCallError",
    code: "OPUS_BAD_ARG",
  });
  assert(encoder.encode(new Float32Array(2 * 120)).length > 0);
  encoder.free();
});

testOpus("OpusDecoderContext decodes as long a packet as there may be", () => {
  const decoder = new OpusDecoderContext(2);
  // CELT, 20 ms, code 3 with six frames without bytes (RFC 6716, section 3.2.5).
  assert.equal(decoder.decode(Uint8Array.of(31 << 3 | 3, 6)).length, 2 * 5760);
  decoder.free();
});

testOpus("Opus contexts can be freed again", () => {
  const [encoder, decoder] = [new OpusEncoderContext(1, "lowdelay"), new OpusDecoderContext(1)];
  for (const context of [encoder, decoder, encoder, decoder]) context.free();
});
