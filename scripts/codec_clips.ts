/** Moving pictures to measure encoders with. */

import { testCard } from "../lib/media/test_card.ts";
import { VideoFrame } from "../lib/media/video_frame.ts";
import { Renderer } from "../lib/testing/renderer.ts";
import { World } from "../lib/testing/world.ts";

/** Frames of one size and rate, `I420`. */
export interface Clip {
  readonly name: string;
  readonly frames: readonly VideoFrame[];
}

const FPS = 30;

/** The test card with sensor noise, which keeps an encoder at its rate. */
export function grainy(n: number, width: number, height: number): VideoFrame {
  const card = testCard(n, { width, height });
  const luma = card.planes[0]!.data;
  let state = n + 1;
  for (let i = 0; i < luma.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    luma[i] = Math.min(255, luma[i]! + ((state >>> 16) & 7));
  }
  return card;
}

/** What the simulated robot sees while it drives ahead and turns by turns. */
function robot(count: number, width: number, height: number): VideoFrame[] {
  const world = new World(1);
  const renderer = new Renderer(world, width, height);
  let { x, y, heading } = world.start;
  return Array.from({ length: count }, (_, n) => {
    x += 0.02 * Math.cos(heading);
    y += 0.02 * Math.sin(heading);
    if (n % 90 >= 45) heading += 0.035;
    const data = renderer.render({ x, y, heading });
    return VideoFrame.fromI420({ data, width, height }, n * 1e6 / FPS);
  });
}

/** One of ffmpeg's synthetic sources; null if ffmpeg is not here or may not be run. */
async function fromFfmpeg(
  source: string,
  count: number,
  width: number,
  height: number,
): Promise<VideoFrame[] | null> {
  if (Deno.permissions.querySync({ name: "run", command: "ffmpeg" }).state !== "granted") {
    return null;
  }
  const input = `${source}=size=${width}x${height}:rate=${FPS}`;
  const args = ["-v", "error", "-f", "lavfi", "-i", input, "-frames:v", String(count)];
  const command = new Deno.Command("ffmpeg", {
    args: [...args, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"],
    stdin: "null",
  });
  try {
    const { stdout } = await command.output();
    const size = width * height * 3 / 2;
    return Array.from({ length: Math.floor(stdout.length / size) }, (_, n) => {
      const data = stdout.subarray(n * size, (n + 1) * size);
      return VideoFrame.fromI420({ data, width, height }, n * 1e6 / FPS);
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** All clips that can be had here. */
export async function clips(count: number, width: number, height: number): Promise<Clip[]> {
  const frames = (draw: (n: number) => VideoFrame) =>
    Array.from({ length: count }, (_, n) => draw(n));
  const found: { name: string; frames: VideoFrame[] | null }[] = [
    { name: "robot", frames: robot(count, width, height) },
    { name: "test card", frames: frames((n) => testCard(n, { width, height })) },
    { name: "grainy card", frames: frames((n) => grainy(n, width, height)) },
    { name: "testsrc2", frames: await fromFfmpeg("testsrc2", count, width, height) },
    { name: "mandelbrot", frames: await fromFfmpeg("mandelbrot", count, width, height) },
  ];
  return found.flatMap(({ name, frames }) => frames ? [{ name, frames }] : []);
}
