/** From what is put into a `Recorder` to the bytes that ffmpeg is given. */

import type { AudioFrame } from "../media/audio_frame.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { Resampler } from "../media/resample.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { isEncodedVideo, type VideoLike } from "../media/video_like.ts";
import { joinNalUnits, NAL, nalType, splitNalUnits } from "../wire/h264_bitstream.ts";
import type { NutStream } from "../wire/nut.ts";

/** Rate and channels of sound. */
export interface SoundShape {
  /** Samples of each channel in a second. */
  readonly sampleRateHz: number;
  /** 1 for mono, 2 for stereo. */
  readonly channels: number;
}

/** Brings sound of any shape into that of the file. */
export class SoundFitter {
  #resampler: { readonly from: SoundShape; readonly it: Resampler } | null = null;

  /**
   * The frame's samples in the shape `to`, which is the same in each call, and by how many µs the first
   * of them is earlier than the frame: some were held back from the one before.
   */
  fit(
    { data, sampleRateHz, channels }: AudioFrame,
    to: SoundShape,
  ): { readonly samples: Float32Array; readonly earlierUs: number } {
    if (sampleRateHz === to.sampleRateHz && channels === to.channels) {
      return { samples: data, earlierUs: 0 };
    }
    const from = this.#resampler?.from;
    if (from?.sampleRateHz !== sampleRateHz || from.channels !== channels) {
      const it = new Resampler({
        ...{ fromRateHz: sampleRateHz, toRateHz: to.sampleRateHz },
        ...{ fromChannels: channels, toChannels: to.channels },
      });
      this.#resampler = { from: { sampleRateHz, channels }, it };
    }
    const { it } = this.#resampler!;
    const earlierUs = Math.max(0, it.held) * 1e6 / sampleRateHz;
    return { samples: it.process(data), earlierUs };
  }
}

/** The file's streams, pictures first. @param first the first picture */
export function streamsOf(
  first: VideoLike | undefined,
  video: { readonly width: number; readonly height: number } | null,
  audio: SoundShape | null,
  fps: number,
): NutStream[] {
  const streams: NutStream[] = [];
  const none = { width: 0, height: 0, sampleRateHz: 0, channels: 0 };
  if (first !== undefined && video !== null) {
    const { width, height } = video;
    const fourcc = isEncodedVideo(first) ? FOURCC[first.codec] : "I420";
    const extradata = isEncodedVideo(first) ? parameterSets(first) : new Uint8Array(0);
    streams.push({ ...none, kind: "video", width, height, fps, fourcc, extradata });
  }
  if (audio !== null) {
    const extradata = new Uint8Array(0);
    streams.push({ ...none, ...audio, kind: "audio", fourcc: "PFD ", extradata }); // 32-bit floats
  }
  return streams;
}

/** What NUT calls the codecs. */
const FOURCC = { H264: "H264", VP8: "VP80", VP9: "VP90" } as const;

/** SPS and PPS, which the head of a file needs. */
function parameterSets({ codec, data }: EncodedVideo): Uint8Array {
  if (codec !== "H264") return new Uint8Array(0);
  return joinNalUnits(
    splitNalUnits(data).filter((nal) => nalType(nal) === NAL.sps || nalType(nal) === NAL.pps),
  );
}

/** The planes of an `I420` frame without padding, as views where there is none. */
export function rows(frame: VideoFrame): Uint8Array[] {
  const { width, height, planes } = frame.toI420();
  return planes.flatMap(({ data, stride }, index) => {
    const [across, down] = index === 0 ? [width, height] : [(width + 1) >> 1, (height + 1) >> 1];
    if (stride === across) return data.subarray(0, across * down);
    const packed = new Uint8Array(across * down);
    for (let y = 0; y < down; y++) {
      packed.set(data.subarray(y * stride, y * stride + across), y * across);
    }
    return packed;
  });
}
