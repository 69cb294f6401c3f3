/** When a camera's own compression is passed on instead of frames that are encoded here. */
import type { CompressingSource } from "../media/encoded.ts";
import { producerOf } from "../subscriptions/origin.ts";
import type { EncodingOptions } from "./encoding_run.ts";

/** A producer that may compress by itself. */
export type CompressingProducer = CompressingSource & {
  readonly ready: boolean;
  readonly closed: boolean;
  onReady(): Promise<void>;
};

/**
 * The source, if its device may compress by itself; `null` of all others. Of a subscription too, which has
 * frames made in any case, and where the options ask for what only an encoder of ours can do.
 */
export function compressing(
  source: object | null,
  { codec = "H264", fps, bitrate, minBitrate, maxBitrate }: EncodingOptions,
): CompressingProducer | null {
  if (source === null || producerOf(source) !== source || !("passThrough" in source)) return null;
  const asIs = [fps, bitrate, minBitrate, maxBitrate].every((option) => option === undefined);
  return asIs && codec === "H264" ? source as CompressingProducer : null;
}
