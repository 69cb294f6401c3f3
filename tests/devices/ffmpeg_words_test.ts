import assert from "node:assert/strict";
import { hintFor, lastWords, masker } from "../../lib/devices/ffmpeg_words.ts";

Deno.test("masker() hides user and password wherever they appear", () => {
  const mask = masker(["rtsp://bob:s3cr3t@host/x"]);
  assert.equal(mask("rtsp://bob:s3cr3t@host/x"), "rtsp://***@host/x");
  assert.equal(mask("could not log in with s3cr3t at all"), "could not log in with *** at all");
  assert.equal(mask("http://else:where@host2/"), "http://***@host2/");
});

Deno.test("masker() hides passwords that contain @, : or escapes", () => {
  const mask = masker(["rtsp://u:p@ss:w%2Ford@10.0.0.1:554/a?x=1"]);
  assert.equal(mask("rtsp://u:p@ss:w%2Ford@10.0.0.1:554/a?x=1"), "rtsp://***@10.0.0.1:554/a?x=1");
  assert.equal(mask("said p@ss:w/ord"), "said ***");
});

Deno.test("masker() hides tokens in addresses, and nothing else of them", () => {
  const mask = masker([]);
  assert.equal(
    mask("http://h/v?id=3&access_token=abc&user=bob: refused"),
    "http://h/v?id=3&access_token=***&user=***: refused",
  );
  assert.equal(mask("testsrc=size=64x48:rate=30"), "testsrc=size=64x48:rate=30");
});

Deno.test("lastWords() gives what tells most, without addresses in memory", () => {
  assert.equal(
    lastWords(["[tcp @ 0x55d0] Connection failed: refused", "x: refused", "Conversion failed!"]),
    "Connection failed: refused / x: refused",
  );
  assert.equal(lastWords(["Conversion failed!"]), "Conversion failed!");
  assert.equal(lastWords([]), "");
});

Deno.test("hintFor() says how to mend it", () => {
  assert.equal(hintFor("x: Connection refused"), "check the address");
  assert.equal(hintFor("never heard of"), "try the same with the ffmpeg command");
});
