/** Which cameras there are, and what they can give. */
import { type VideoKernel, videoKernel } from "../../ffi/v4l2.ts";
import { DeviceMissing, SystemCallError } from "../../lib/errors.ts";
import type { CameraCapability } from "../../lib/devices/camera_format.ts";
import { V4l2Device } from "../../lib/devices/v4l2_device.ts";
import { type Finding, unknown } from "./finding.ts";
import { type Run, runProgram } from "./programs.ts";

/** `/dev/video0` to `/dev/video63`, as `Camera` looks for them. */
const NODES = 64;

/** Webcams, each with its formats and largest pictures. */
export async function webcams(kernel: VideoKernel = videoKernel()): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let node = 0; node < NODES; node++) {
    const path = `/dev/video${node}`;
    try {
      const device = await V4l2Device.open(kernel, path);
      const { name, formats } = device.info;
      await device.close();
      findings.push({ name: path, state: "here", detail: `${name}: ${capabilities(formats)}` });
    } catch (error) {
      if (error instanceof DeviceMissing) continue; // not there, or something else than a camera
      findings.push(refused(path, error));
    }
  }
  return findings;
}

/** `YUYV, NV12 to 1280x720 10 fps, MJPEG to 1920x1080 30 fps`. */
function capabilities(formats: readonly CameraCapability[]): string {
  return [...Map.groupBy(formats, largest)]
    .map(([size, same]) => same.map(({ pixelFormat }) => pixelFormat).join(", ") + size)
    .join(", ");
}

/** The largest size, and its speed. */
function largest({ sizes, range }: CameraCapability): string {
  if (range !== null) return ` to ${range.maxWidth}x${range.maxHeight}`;
  const size = sizes.toSorted((a, b) => b.width * b.height - a.width * a.height)[0];
  if (size === undefined) return "";
  const { width, height, fps: [fps] } = size;
  return ` to ${width}x${height}${fps === undefined ? "" : ` ${Math.round(fps)} fps`}`;
}

function refused(path: string, error: unknown): Finding {
  if (error instanceof SystemCallError && /^(EACCES|EPERM)$/.test(error.code)) {
    return {
      ...{ name: path, state: "denied", detail: "permission denied" },
      mend: { group: "video" },
    };
  }
  return unknown(path, error);
}

/** The newer first; `raspivid` cannot tell. */
const PI_COMMANDS = ["rpicam-vid", "libcamera-vid"];

/** The cameras at a Raspberry Pi's own connectors, as its command lists them. */
export async function piCameras(run: Run = runProgram): Promise<Finding[]> {
  const name = "Pi's camera";
  for (const command of PI_COMMANDS) {
    const said = await run(command, ["--list-cameras"]);
    if (said.state === "refused") {
      return [unknown(name, `not looked: needs --allow-run=${command}`)];
    }
    if (said.state === "absent") continue;
    // 0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
    const found = [...said.text.matchAll(/^(\d+) : (\S+) \[(\d+x\d+)/gm)];
    if (found.length === 0) return [{ name, state: "none", detail: `${command} sees none` }];
    return found.map(([, index, sensor, size]) => ({
      ...{ name: `${name} ${index}`, state: "here" },
      detail: `${sensor}: H264 or pictures, sensor ${size}`,
    }));
  }
  return [{ name, state: "none", detail: "no rpicam-vid here" }];
}
