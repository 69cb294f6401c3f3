// The computer that thinks for the robot: it sees the robot's picture, and drives to where it is bright.
//
//     deno run --allow-net --allow-ffi tutorials/06_desktop.ts [--fake] [--robot http://localhost:8080/connect]
//
// --allow-net   sends the offer to the robot and carries the connection
// --allow-ffi   the video decoder (libvpx), the window (SDL 2) and this machine's network addresses
import { parseArgs } from "node:util";
import { Display, RTCConnection, type VideoFrame } from "rtcbot";
import { FakeDisplay } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    fake: { type: "boolean" },
    robot: { type: "string", default: "http://localhost:8080/connect" },
  },
});
const display = flags.fake ? new FakeDisplay() : new Display({ name: "What the robot sees" });
display.onError((error) => console.error(`${error.message}; add --fake to do without a window`));
display.onClose(() => Deno.exit());

/** Half speed, and the more to the right the brighter it is there. */
function think(frame: VideoFrame) {
  const { data, shape: [height, width] } = frame.resize(80, 60).toGray();
  let left = 0, right = 0;
  for (let i = 0; i < width * height; i++) {
    if (i % width < width / 2) left += data[i]!;
    else right += data[i]!;
  }
  return { forward: 0.5, leftright: (right - left) / (right + left + 1) };
}

async function connect(conn: RTCConnection): Promise<void> {
  const body = JSON.stringify(await conn.getLocalDescription());
  const response = await fetch(flags.robot, { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
  await conn.setRemoteDescription(await response.json());
}

for (;;) { // a connection is used once: when it ends, there is another one
  const conn = new RTCConnection();
  let frames = 0;
  conn.video.subscribe((frame) => {
    display.put_nowait(frame);
    const command = think(frame);
    conn.control.put_nowait(command);
    if (frames++ % 30 === 0) console.log(`frame ${frames}:`, command);
  });
  conn.onError((error) => console.error(error.message));
  await connect(conn).catch((error) => {
    console.error(`Cannot reach ${flags.robot}: ${error.message}`);
    conn.close();
  });
  await conn; // until it ends
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
