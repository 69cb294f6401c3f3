/** JPEG pictures of test cards, made by ffmpeg. */
import { openYuvJpeg } from "../../ffi/jpeg.ts";
import { testCard, type TestCardOptions } from "../../lib/media/test_card.ts";
import { HAS_FFMPEG } from "../devices/ffmpeg_tools.ts";

function canDecode(): boolean {
  try {
    openYuvJpeg();
    return true;
  } catch {
    return false;
  }
}

const here = HAS_FFMPEG && canDecode();

/** A test that needs JPEG pictures and something to decode them. */
export function jpegTest(name: string, fn: () => Promise<void>): void {
  const title = here ? name : `${name} (install ffmpeg and libyuv: apt ffmpeg libyuv0)`;
  Deno.test({ name: title, ignore: !here, fn });
}

/** Test cards 0 to `count - 1`. */
export async function jpegCards(
  count: number,
  { width = 640, height = 480 }: TestCardOptions = {},
  pixelFormat = "yuvj420p",
): Promise<Uint8Array<ArrayBuffer>[]> {
  const ffmpeg = new Deno.Command("ffmpeg", {
    args: [
      ...["-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"],
      ...["-s", `${width}x${height}`, "-i", "pipe:0", "-c:v", "mjpeg", "-q:v", "2"],
      ...["-huffman", "default", "-pix_fmt", pixelFormat, "-f", "mjpeg", "pipe:1"],
    ],
    ...{ stdin: "piped", stdout: "piped", stderr: "inherit" },
  }).spawn();
  const feed = async () => {
    const writer = ffmpeg.stdin.getWriter();
    for (let n = 0; n < count; n++) {
      for (const { data } of testCard(n, { width, height }).planes) await writer.write(data);
    }
    await writer.close();
  };
  const [{ stdout }] = await Promise.all([ffmpeg.output(), feed()]);
  return split(stdout);
}

/** At each start-of-image marker, which cannot appear within a picture (ITU-T T.81, B.1.1.5). */
function split(stream: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const starts: number[] = [];
  for (let i = 0; i + 2 < stream.length; i++) {
    if (stream[i] === 0xff && stream[i + 1] === 0xd8 && stream[i + 2] === 0xff) starts.push(i);
  }
  return starts.map((start, index) => stream.slice(start, starts[index + 1] ?? stream.length));
}

/** Without its Huffman tables, as many webcams send it: the usual ones are meant. */
export function withoutTables(jpeg: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at + 1] !== 0xda) { // start of scan: what follows is no segment
    const end = at + 2 + (jpeg[at + 2]! << 8 | jpeg[at + 3]!);
    if (jpeg[at + 1] !== 0xc4) parts.push(jpeg.subarray(at, end));
    at = end;
  }
  parts.push(jpeg.subarray(at));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
