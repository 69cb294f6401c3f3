import assert from "node:assert/strict";
import { type AudioFrame, Queue, RTCConnection, type VideoFrame } from "../../mod.ts";
import { LOCAL } from "./pair.ts";

Deno.test("MediaHandler.addTrack() refuses a track for which the description has no place", async () => {
  await using conn = new RTCConnection(LOCAL);
  const camera = new Queue<VideoFrame>();
  conn.video.addTrack(camera);
  await conn.getLocalDescription();
  assert.throws(() => conn.video.addTrack(camera), {
    name: "NegotiationError",
    message: "Cannot add a video track: the connection was described without it; " +
      "call addTrack() before getLocalDescription()",
  });
  assert.throws(() => conn.audio.addTrack(new Queue<AudioFrame>()), {
    message: /^Cannot add a sound track: /,
  });
});
