/** From the packets of a NUT stream to frames and chunks. */

import { RtcbotError } from "../errors.ts";
import { AudioFrame } from "../media/audio_frame.ts";
import type { EncodedVideo, VideoCodecName } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { isAvcConfig, readAvcConfig, splitLengthPrefixed } from "../wire/avc_config.ts";
import {
  isIdrFrame,
  joinNalUnits,
  NAL,
  nalType,
  readSps,
  splitNalUnits,
} from "../wire/h264_bitstream.ts";
import type { NutPacket, NutStream } from "../wire/nut.ts";
import type { EncodedAudio } from "./ffmpeg_track.ts";

/** Makes the value of a packet, whose time is given on the source's own clock. */
export type Maker<T> = (packet: NutPacket, timestampUs: number) => T;

/** Raw `I420` pictures; the packet's memory becomes the frame's. */
export function videoFrames({ width, height }: NutStream): Maker<VideoFrame> {
  return ({ data }, timestampUs) => VideoFrame.fromI420({ data, width, height }, timestampUs);
}

/** 32-bit floats; the packet's memory becomes the frame's. */
export function audioFrames({ channels, sampleRateHz }: NutStream): Maker<AudioFrame> {
  return ({ data }, timestampUs) => {
    const samples = new Float32Array(data.buffer, 0, data.length >> 2);
    return new AudioFrame({ data: samples, channels, sampleRateHz, timestampUs });
  };
}

/** NUT's own names, in capitals, and those that files have and ffmpeg leaves as they are. */
const CODECS: Readonly<Record<string, VideoCodecName>> = {
  ...{ H264: "H264", AVC1: "H264", AVC3: "H264", X264: "H264" },
  ...{ VP80: "VP8", VP08: "VP8", VP90: "VP9", VP09: "VP9" },
};

/**
 * Compressed pictures as they came. H.264 becomes Annex B with the parameter sets before each key frame.
 * @throws {RtcbotError} when it is another codec
 */
export function encodedVideo(stream: NutStream, action: string): Maker<EncodedVideo> {
  const codec = CODECS[stream.fourcc.toUpperCase()];
  if (codec === undefined) {
    throw new RtcbotError(
      `${action}: its video is "${stream.fourcc.trim()}", not H.264, VP8 or VP9; read .video, ` +
        'or have it encoded with encode: ["-c:v", "libx264"]',
    );
  }
  if (codec === "H264") return accessUnits(stream);
  const { width, height } = stream;
  return ({ data, keyFrame }, timestampUs) => (
    { codec, data, keyFrame, timestampUs, width, height }
  );
}

function accessUnits(stream: NutStream): Maker<EncodedVideo> {
  const { extradata } = stream;
  let { width, height } = stream;
  const config = isAvcConfig(extradata) ? readAvcConfig(extradata) : null;
  const sets = new Map<number, Uint8Array>();
  const remember = (nal: Uint8Array) => {
    const type = nalType(nal);
    if (type !== NAL.sps && type !== NAL.pps) return;
    sets.set(type, nal);
    if (type === NAL.sps) ({ width, height } = readSps(nal));
  };
  (config?.parameterSets ?? splitNalUnits(extradata)).forEach(remember);
  return (packet, timestampUs) => {
    const units =
      (config === null
        ? splitNalUnits(packet.data)
        : splitLengthPrefixed(packet.data, config.lengthBytes))
        .filter((nal) => nalType(nal) !== NAL.aud);
    units.forEach(remember);
    const keyFrame = packet.keyFrame || isIdrFrame(units);
    const missing = keyFrame
      ? [NAL.sps, NAL.pps].filter((type) => !units.some((nal) => nalType(nal) === type))
      : [];
    const before = missing.flatMap((type) => sets.get(type) ?? []);
    const data = joinNalUnits([...before, ...units]);
    return { codec: "H264", data, keyFrame, timestampUs, width, height };
  };
}

/**
 * Opus packets as they came.
 * @throws {RtcbotError} when it is another codec
 */
export function encodedAudio(stream: NutStream, action: string): Maker<EncodedAudio> {
  if (stream.fourcc !== "Opus") {
    throw new RtcbotError(
      `${action}: its sound is "${stream.fourcc.trim()}", not Opus; read .audio instead`,
    );
  }
  const { channels } = stream;
  return ({ data }, timestampUs) => ({ codec: "Opus", data, timestampUs, channels });
}
