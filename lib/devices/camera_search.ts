/** Which of the cameras is meant. */
import type { VideoKernel } from "../../ffi/v4l2.ts";
import { DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import type { CameraInfo } from "./camera_format.ts";
import { V4l2Device } from "./v4l2_device.ts";

/** `/dev/video0` to `/dev/video63`, <drivers/media/v4l2-core/v4l2-dev.c> has 256; nobody has so many. */
const NODES = 64;

/** Where a camera was, to find it again. */
export interface CameraIdentity {
  /** Its file then. */
  readonly path: string;
  /** What it calls itself. */
  readonly name: string;
  /** Where it was plugged in. */
  readonly bus: string;
}

/** Whether it would be the file of a camera, by the form of it. */
export function pathOf(camera: number | string): string | null {
  if (typeof camera === "number") {
    if (Number.isInteger(camera) && camera >= 0) return `/dev/video${camera}`;
    throw new RangeError(`Cannot open camera ${camera}: give a whole number of at least 0`);
  }
  if (camera === "") throw new TypeError('Cannot open camera "": give a number, path or name');
  return camera.startsWith("/") ? camera : null;
}

/** All that are there and may be opened. */
export async function listCameras(kernel: VideoKernel): Promise<CameraInfo[]> {
  const cameras: CameraInfo[] = [];
  await visit(kernel, (device) => void cameras.push(device.info));
  return cameras;
}

/** Opens a camera by its number, its path, or a part of its name or of where it is plugged in. */
export async function openCameraDevice(
  kernel: VideoKernel,
  camera: number | string,
): Promise<V4l2Device> {
  const path = pathOf(camera);
  if (path === null) return await openByName(kernel, camera as string);
  try {
    return await V4l2Device.open(kernel, path);
  } catch (error) {
    if (!(error instanceof DeviceMissing)) throw error;
    const there = (await listCameras(kernel)).map(({ path, name }) => `${path} "${name}"`);
    const cameras = there.length > 0 ? `here are ${there.join(", ")}` : "no camera is here";
    throw new DeviceMissing(`${error.message} (${cameras})`, { cause: error });
  }
}

async function openByName(kernel: VideoKernel, camera: string): Promise<V4l2Device> {
  const wanted = camera.toLowerCase();
  const names: string[] = [];
  let refused: unknown = null;
  const matches = await visit(kernel, ({ name, path, bus }) => {
    names.push(`${path} "${name}"`);
    return `${name}\n${bus}`.toLowerCase().includes(wanted);
  }, (error) => refused ??= error);
  if (matches !== null) return matches;
  if (names.length === 0 && refused instanceof SystemCallError) throw refused;
  throw new DeviceMissing(
    `Cannot open camera "${camera}": no camera has a name like it; ` +
      (names.length > 0 ? `here are ${names.join(", ")}` : "no camera is here, plug one in"),
  );
}

/**
 * Finds a camera again after it was unplugged: the one of the same name at the same place, or else of the
 * same name where it now is, whatever its number became.
 */
export async function findAgain(kernel: VideoKernel, was: CameraIdentity): Promise<V4l2Device> {
  const same = ({ name, bus }: V4l2Device) => name === was.name && bus === was.bus;
  const found = await visit(kernel, same) ??
    await visit(kernel, ({ name }) => name === was.name);
  if (found !== null) return found;
  throw new DeviceMissing(
    `Cannot open camera "${was.path}" again: "${was.name}" is not back; plug it in`,
  );
}

/** Opens one after the other until one is wanted; that one is left open. */
async function visit(
  kernel: VideoKernel,
  wanted: (device: V4l2Device) => boolean | void,
  refused: (error: unknown) => void = () => {},
): Promise<V4l2Device | null> {
  for (let node = 0; node < NODES; node++) {
    let device: V4l2Device;
    try {
      device = await V4l2Device.open(kernel, `/dev/video${node}`);
    } catch (error) {
      if (error instanceof LibraryMissing) throw error;
      if (!(error instanceof DeviceMissing)) refused(error);
      continue;
    }
    if (wanted(device) === true) return device;
    await device.close();
  }
  return null;
}
