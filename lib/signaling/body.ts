/** Reading what a stranger posts: no more than so many bytes, in no more than so much time. */
import { type Clock, once, systemClock } from "./clock.ts";

/** A body that is not taken; the status and the sentence are for its sender. */
export class BodyRefused extends Error {
  /** @param message one sentence */
  constructor(readonly status: 400 | 408 | 413, message: string) {
    super(message);
  }
}

/** How a body is read. */
export interface BodyBounds {
  /** All of it has so many bytes at the most. */
  readonly maxBytes: number;
  /** All of it must be here within this. @default {10_000} */
  readonly timeoutMs?: number;
  /** The time, for tests. @default the system's */
  readonly clock?: Clock;
}

/**
 * The body as text.
 * @throws {BodyRefused} when it is too long, too slow, or ends too early
 */
export async function readBody(
  request: Pick<Request, "headers" | "body">,
  { maxBytes, timeoutMs = 10_000, clock = systemClock }: BodyBounds,
): Promise<string> {
  const tooLong = () =>
    new BodyRefused(413, `Cannot read the offer: it is longer than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLong();
  if (!request.body) return "";
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let late = false;
  const stop = once(clock, timeoutMs, () => {
    late = true;
    reader.cancel().catch(() => {}); // the pending read() then says that it is done
  });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) {
        throw new BodyRefused(408, `Cannot read the offer: it took longer than ${timeoutMs} ms`);
      }
      if (done) break;
      if ((bytes += value.length) > maxBytes) throw tooLong();
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    if (error instanceof BodyRefused) throw error;
    throw new BodyRefused(400, "Cannot read the offer: its sender went away");
  } finally {
    stop();
  }
  return await new Blob(chunks as BlobPart[]).text();
}
