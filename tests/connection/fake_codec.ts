/** An encoder that needs no library, in the place of VP8 or H.264: it counts, and is as slow as the test says. */
import {
  type createVideoEncoder,
  registerVideoCodec,
  type VideoCodecFactory,
  videoCodecs,
} from "../../lib/codecs/choose.ts";
import type { VideoEncoder, VideoEncoderOptions } from "../../lib/codecs/codec.ts";
import { H264Decoder } from "../../lib/codecs/h264_decoder.ts";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { Vp8Decoder } from "../../lib/codecs/vp8_decoder.ts";
import { Vp8Encoder } from "../../lib/codecs/vp8_encoder.ts";
import type { EncodedVideo, VideoCodecName } from "../../lib/media/encoded.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { joinNalUnits } from "../../lib/wire/h264_bitstream.ts";

export class FakeEncoder implements VideoEncoder {
  readonly codec: VideoCodecName;
  readonly bitrate = 1;
  /** What was encoded; the first byte of each frame's first plane tells it apart. */
  readonly encoded: { id: number; keyFrame: boolean; timestampUs: number }[] = [];
  closed = false;
  /** While set, encoding waits for it. */
  hold: Promise<void> | null = null;
  /** What happens to the next frame: it is dropped, or fails. */
  next: "drop" | Error | null = null;

  constructor(readonly options: VideoEncoderOptions) {
    this.codec = options.codec ?? "VP8";
  }

  async encode(
    frame: VideoFrame,
    { keyFrame = false }: { keyFrame?: boolean } = {},
  ): Promise<EncodedVideo | null> {
    const { width, height, timestampUs } = frame;
    const id = frame.planes[0]!.data[0]!;
    await this.hold;
    const fate = this.next;
    this.next = null;
    if (fate instanceof Error) throw fate;
    if (fate === "drop") return null;
    keyFrame ||= this.encoded.length === 0;
    this.encoded.push({ id, keyFrame, timestampUs });
    const data = this.codec === "H264" ? nals(id, keyFrame) : new Uint8Array(3_000).fill(id);
    return { codec: this.codec, data, keyFrame, timestampUs, width, height };
  }
  setBitrate(): void {}
  close(): void {
    this.closed = true;
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A picture of H.264 in Annex B, as far as packets are concerned; its second byte is its number. */
export function nals(id: number, keyFrame: boolean, parameterSets = keyFrame): Uint8Array {
  const picture = new Uint8Array(3_000).fill(id);
  picture[0] = keyFrame ? 0x65 : 0x41; // IDR, or a slice that others refer to
  picture[1] = id | 0x80; // begins a picture
  const sets = [Uint8Array.of(0x67, 0x42, 0xe0, 0x1f, 0xa0), Uint8Array.of(0x68, 0xce, 0x3c)];
  return joinNalUnits([...(parameterSets ? sets : []), picture]);
}

/** Runs the body with fake encoders of VP8 and H.264. */
export async function withFakeCodecs(body: (made: FakeEncoder[]) => Promise<void>): Promise<void> {
  await withFakeEncoders(async (made) => {
    registerVideoCodec("H264", {
      ...H264,
      works: () => true,
      encoder: (options) => {
        const encoder = new FakeEncoder(options);
        made.push(encoder);
        return encoder;
      },
    });
    try {
      await body(made);
    } finally {
      registerVideoCodec("H264", H264);
    }
  });
}

/** Runs the body with fake encoders; `made` are those that were made. */
export async function withFakeEncoders(
  body: (made: FakeEncoder[]) => Promise<void>,
): Promise<void> {
  const made: FakeEncoder[] = [];
  await withEncoders((options) => {
    const encoder = new FakeEncoder(options);
    made.push(encoder);
    return encoder;
  }, () => body(made));
}

/** Runs the body with the real encoders, counted. */
export async function withCountedEncoders(body: (count: () => number) => Promise<void>) {
  let count = 0;
  await withEncoders((options) => {
    count++;
    return new Vp8Encoder(options);
  }, () => body(() => count));
}

async function withEncoders(
  encoder: typeof createVideoEncoder,
  body: () => Promise<void>,
): Promise<void> {
  const decoder = () => new Vp8Decoder();
  registerVideoCodec("VP8", { encoder, decoder });
  try {
    await body();
  } finally {
    registerVideoCodec("VP8", { encoder: (options) => new Vp8Encoder(options), decoder });
  }
}

/** Runs the body as on a machine that can decode a codec, but not encode it. */
export async function withoutEncoder(name: "H264", body: () => Promise<void>): Promise<void> {
  const { works: _works, ...real } = H264;
  registerVideoCodec(name, { ...real, works: (use) => use === "decode" });
  try {
    await body();
  } finally {
    registerVideoCodec(name, H264);
  }
}

/** How often each codec's encoders and decoders were made while the body ran; all are the real ones. */
export async function withCountedCodecs(
  body: (made: { encoders: string[]; decoders: string[] }) => Promise<void>,
): Promise<void> {
  const made = { encoders: [] as string[], decoders: [] as string[] };
  const real: Record<"VP8" | "H264", VideoCodecFactory> = { VP8, H264 };
  const count = (name: "VP8" | "H264"): VideoCodecFactory => ({
    works: () => true,
    encoder: (options) => {
      made.encoders.push(name);
      return real[name].encoder(options);
    },
    decoder: (options) => {
      made.decoders.push(name);
      return real[name].decoder(options);
    },
  });
  for (const name of ["VP8", "H264"] as const) registerVideoCodec(name, count(name));
  try {
    await body(made);
  } finally {
    for (const name of ["VP8", "H264"] as const) registerVideoCodec(name, real[name]);
  }
}

const VP8: VideoCodecFactory = {
  encoder: (options) => new Vp8Encoder(options),
  decoder: (options) => new Vp8Decoder(options),
};
/** Without a look at what is installed: tests that need it say so themselves. */
const H264: VideoCodecFactory = {
  encoder: (options) => new H264Encoder(options),
  decoder: (options) => new H264Decoder(options),
  works: (use) => canH264[use],
};
const canH264 = {
  encode: videoCodecs("encode").includes("H264"),
  decode: videoCodecs("decode").includes("H264"),
};

/** A small grey frame whose first byte is its number. */
export function numbered(id: number, timestampUs = id * 33_333): VideoFrame {
  const data = new Uint8Array(16 * 16).fill(id);
  return new VideoFrame({
    width: 16,
    height: 16,
    format: "GRAY",
    planes: [{ data, stride: 16 }],
    timestampUs,
  });
}
