/** Which payload format belongs to which codec. */

import { RemoteProtocolError } from "../errors.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import { NAL, nalType } from "./h264_bitstream.ts";
import { H264Depacketizer } from "./h264_rtp.ts";
import type { Depacketizer } from "./rtp_payload.ts";
import { Vp8Depacketizer } from "./vp8_rtp.ts";
import { Vp9Depacketizer } from "./vp9_rtp.ts";

const vp8 = new Vp8Depacketizer();
const vp9 = new Vp9Depacketizer();
const STAP_A = 24; // RFC 6184 table 1

/** A new reader of a stream's payloads. */
export function depacketizerOf(codec: VideoCodecName): Depacketizer {
  if (codec === "VP8") return new Vp8Depacketizer();
  return codec === "VP9" ? new Vp9Depacketizer() : new H264Depacketizer();
}

/** Whether a key frame begins with this payload, as far as the payload alone can say; never throws. */
export function beginsKeyFrame(codec: VideoCodecName, payload: Uint8Array): boolean {
  if (codec === "H264") {
    // Encoders put parameter sets before key frames, alone or together with other units.
    const type = nalType(payload);
    return type === NAL.sps || type === STAP_A && nalType(payload.subarray(3)) === NAL.sps;
  }
  try {
    return (codec === "VP8" ? vp8 : vp9).read(payload).keyFrame;
  } catch (error) {
    if (error instanceof RemoteProtocolError) return false;
    throw error;
  }
}
