import assert from "node:assert/strict";
import { withoutData } from "../../lib/wire/media_sections.ts";

const lines = (...all: string[]) => all.map((line) => line + "\r\n").join("");

Deno.test("withoutData() takes out the sections of data channels, and nothing else", () => {
  const video = lines("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtpmap:96 VP8/90000");
  const data = lines("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1");
  const audio = lines("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:12");
  const session = (names: string) => lines("v=0", `a=group:BUNDLE ${names}`, "a=ice-lite");
  assert.equal(
    withoutData(session("0 1 12") + video + data + audio),
    session("0 12") + video + audio,
  );
  assert.equal(withoutData(session("0 12") + video + audio), session("0 12") + video + audio);
});
