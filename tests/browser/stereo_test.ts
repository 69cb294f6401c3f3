import assert from "node:assert/strict";
import { withStereo } from "../../lib/browser/stereo.ts";

const SDP = [
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:63 red/48000/2",
  "a=fmtp:63 111/111",
  "m=video 9 UDP/TLS/RTP/SAVPF 97",
  "a=fmtp:97 apt=96",
  "",
].join("\r\n");

Deno.test("withStereo() asks for both channels of Opus, and touches nothing else", () => {
  assert.equal(withStereo(SDP), SDP.replace("useinbandfec=1", "useinbandfec=1;stereo=1"));
});

Deno.test("withStereo() leaves alone what says by itself", () => {
  for (const own of ["stereo=0", "maxplaybackrate=48000;stereo=1;useinbandfec=1"]) {
    const sdp = SDP.replace("minptime=10;useinbandfec=1", own);
    assert.equal(withStereo(sdp), sdp);
  }
});
