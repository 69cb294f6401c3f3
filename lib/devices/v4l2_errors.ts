/** What the world can do to a camera, in sentences. */
import { ERRNO, errnoName } from "../../ffi/errno.ts";
import { CAP } from "../../ffi/v4l2_layout.ts";
import { DeviceBusy, DeviceMissing, SystemCallError } from "../errors.ts";

const GONE: readonly number[] = [ERRNO.ENOENT, ERRNO.ENODEV, ERRNO.ENXIO, ERRNO.ENOTDIR];

/** Why a camera could not be opened, set or started. */
export function cannotOpen(path: string, errno: number): Error {
  const code = errnoName(errno);
  const because = (state: string, mend: string) =>
    `Cannot open camera "${path}": ${state} (${code}); ${mend}`;
  if (GONE.includes(errno)) {
    return new DeviceMissing(
      because("there is no such device", "plug it in, or choose another: Camera.list() names them"),
    );
  }
  switch (errno) {
    case ERRNO.EACCES:
    case ERRNO.EPERM:
      return new SystemCallError(
        because(
          "permission denied",
          'add yourself to the group "video" (sudo usermod -aG video $USER) and log in again',
        ),
        code,
      );
    case ERRNO.EBUSY:
      return new DeviceBusy(
        because("another program is using it", `close that one ("fuser -v ${path}" names it)`),
      );
    case ERRNO.ENOSPC:
      return new SystemCallError(
        because(
          "the USB bus has no room left for its pictures",
          'choose a smaller size or pixelFormat: "MJPEG", or plug it into another hub',
        ),
        code,
      );
  }
  return new SystemCallError(because("the driver refused", "unplug it and plug it in again"), code);
}

/** It could be opened, and is something else. */
export function notACamera(path: string, capabilities: number, result: number): Error {
  const state = result < 0
    ? `it is not a camera (${errnoName(-result)})`
    : capabilities & CAP.VIDEO_CAPTURE_MPLANE
    ? "it gives its planes in separate memories, which is not supported"
    : "it has no pictures to give (it is the camera's metadata, an output or a codec)";
  return new DeviceMissing(
    `Cannot open camera "${path}": ${state}; choose another: Camera.list() names them`,
  );
}

/** It was unplugged, or its driver gave up, while it was in use. */
export function cannotRead(path: string, name: string, errno: number): Error {
  const action = `Cannot read camera "${path}" (${name})`;
  if (GONE.includes(errno)) {
    return new DeviceMissing(
      `${action}: it was unplugged (${errnoName(errno)}); plug it in again, ` +
        "or make it with reconnect: true to have it opened when it is back",
    );
  }
  const code = errnoName(errno);
  return new SystemCallError(
    `${action}: the driver gave up (${code}); unplug it and plug it in again`,
    code,
  );
}

/** It is there and gives nothing. */
export function stalled(path: string, name: string, ms: number): Error {
  return new SystemCallError(
    `Cannot read camera "${path}" (${name}): no picture has come for ${ms} ms; ` +
      "check its cable and hub, or raise stallTimeoutMs for long exposures",
    "ETIMEDOUT",
  );
}

/** Pictures come, and none can be used. */
export function allBroken(path: string, name: string, ms: number): Error {
  return new SystemCallError(
    `Cannot read camera "${path}" (${name}): only broken pictures have come for ${ms} ms; ` +
      "check its cable and hub, or choose another size or pixelFormat",
    "EIO",
  );
}
