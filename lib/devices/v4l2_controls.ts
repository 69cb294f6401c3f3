/** A camera's controls: brightness, exposure, focus … as its driver has them. */
import { ERRNO, errnoName } from "../../ffi/errno.ts";
import {
  CID,
  CONTROL,
  CTRL_FLAG,
  CTRL_TYPE,
  QUERYCTRL,
  QUERYMENU,
  struct,
  textAt,
  VIDIOC,
} from "../../ffi/v4l2_layout.ts";
import { SystemCallError } from "../errors.ts";
import {
  type CameraControl,
  type CameraControlValue,
  controlName,
  controlNumber,
  controlValue,
} from "./camera_controls.ts";
import type { V4l2Device } from "./v4l2_device.ts";
import { cannotRead } from "./v4l2_errors.ts";

/** Short names for what drivers and kernels call differently. */
const SHORT: Readonly<Record<string, readonly number[]>> = {
  exposure: [CID.EXPOSURE_ABSOLUTE, CID.EXPOSURE],
  focus: [CID.FOCUS_ABSOLUTE],
  zoom: [CID.ZOOM_ABSOLUTE],
  white_balance: [CID.WHITE_BALANCE_TEMPERATURE],
};
const TYPES = new Map<number, CameraControl["type"]>([
  [CTRL_TYPE.integer, "integer"],
  [CTRL_TYPE.boolean, "boolean"],
  [CTRL_TYPE.menu, "menu"],
  [CTRL_TYPE.integerMenu, "menu"],
  [CTRL_TYPE.button, "button"],
]);

/** A control with what the driver needs to know. */
interface Known extends CameraControl {
  readonly id: number;
  readonly writeOnly: boolean;
}

/** The controls of one open camera, asked for once. */
export class V4l2Controls {
  readonly #device: V4l2Device;
  #known: Promise<readonly Known[]> | null = null;

  /** Asks nothing yet. */
  constructor(device: V4l2Device) {
    this.#device = device;
  }

  /** All of them. */
  async list(): Promise<readonly CameraControl[]> {
    const known = await (this.#known ??= this.#ask());
    return known.map(({ id: _, writeOnly: __, ...control }) => control);
  }

  /** Its value now. @throws {TypeError} when there is no such control */
  async get(name: string): Promise<CameraControlValue> {
    const control = await this.#find(name);
    if (control.type === "button" || control.writeOnly) {
      throw new TypeError(`Cannot get control "${control.name}": it can only be set`);
    }
    const argument = struct(CONTROL);
    argument.setUint32(CONTROL.id, control.id, true);
    const result = await this.#device.slowRequest(VIDIOC.G_CTRL, argument);
    if (result < 0) throw this.#refused("get", control, -result);
    return controlValue(control, argument.getInt32(CONTROL.value, true));
  }

  /** Sets it. @throws {TypeError | RangeError} when there is no such control, item or value */
  async set(name: string, value: CameraControlValue): Promise<void> {
    const control = await this.#find(name);
    const result = await this.setById(control.id, controlNumber(control, value));
    if (result < 0) throw this.#refused("set", control, -result);
  }

  /** Sets a control by its number, if the camera has it; below 0 is an error number. */
  setById(id: number, value: number): Promise<number> {
    const argument = struct(CONTROL);
    argument.setUint32(CONTROL.id, id, true);
    argument.setInt32(CONTROL.value, value, true);
    return this.#device.slowRequest(VIDIOC.S_CTRL, argument);
  }

  async #find(name: string): Promise<Known> {
    const known = await (this.#known ??= this.#ask());
    const slug = controlName(name);
    const exact = known.find((control) => control.name === slug);
    if (exact !== undefined) return exact;
    for (const id of SHORT[slug] ?? []) {
      const meant = known.find((control) => control.id === id);
      if (meant !== undefined) return meant;
    }
    throw new TypeError(
      `Cannot find control "${name}" of camera "${this.#device.path}": it has ${
        known.map((control) => control.name).join(", ") || "none"
      }`,
    );
  }

  async #ask(): Promise<readonly Known[]> {
    const found: Known[] = [];
    let id = 0;
    for (;;) {
      const query = struct(QUERYCTRL);
      query.setUint32(QUERYCTRL.id, (id | CTRL_FLAG.NEXT) >>> 0, true);
      if (await this.#device.slowRequest(VIDIOC.QUERYCTRL, query) < 0) return found;
      const next = query.getUint32(QUERYCTRL.id, true);
      if (next <= id) return found; // a driver that does not know NEXT
      id = next;
      const control = await this.#describe(query);
      if (control !== null) found.push(control);
    }
  }

  async #describe(query: DataView): Promise<Known | null> {
    const kind = query.getUint32(QUERYCTRL.type, true);
    const type = TYPES.get(kind);
    const flags = query.getUint32(QUERYCTRL.flags, true);
    if (type === undefined || flags & CTRL_FLAG.DISABLED) return null;
    const [min, max, step, preset] = [
      QUERYCTRL.min,
      QUERYCTRL.max,
      QUERYCTRL.step,
      QUERYCTRL.default,
    ].map((offset) => query.getInt32(offset, true)) as [number, number, number, number];
    const id = query.getUint32(QUERYCTRL.id, true);
    const label = textAt(query, QUERYCTRL.name, 32);
    const items = type === "menu" ? await this.#items(id, min, max, kind) : [];
    const control = { id, name: controlName(label), label, type, min, max, step, items };
    return {
      ...control,
      default: type === "button" ? null : controlValue(control, preset),
      readOnly: (flags & CTRL_FLAG.READ_ONLY) !== 0,
      inactive: (flags & CTRL_FLAG.INACTIVE) !== 0,
      writeOnly: (flags & CTRL_FLAG.WRITE_ONLY) !== 0,
    };
  }

  /** Menus may have holes. */
  async #items(
    id: number,
    min: number,
    max: number,
    kind: number,
  ): Promise<CameraControl["items"]> {
    const items: { value: number; name: string }[] = [];
    for (let index = Math.max(0, min); index <= Math.min(max, min + 255); index++) {
      const menu = struct(QUERYMENU);
      menu.setUint32(QUERYMENU.id, id, true);
      menu.setUint32(QUERYMENU.index, index, true);
      if (await this.#device.slowRequest(VIDIOC.QUERYMENU, menu) < 0) continue;
      const name = kind === CTRL_TYPE.integerMenu
        ? String(menu.getBigInt64(QUERYMENU.value, true))
        : textAt(menu, QUERYMENU.name, 32);
      items.push({ value: index, name });
    }
    return items;
  }

  #refused(verb: string, control: CameraControl, errno: number): Error {
    const { path, name } = this.#device;
    if (errno === ERRNO.ENODEV || errno === ERRNO.EBADF) {
      return cannotRead(path, name, ERRNO.ENODEV);
    }
    const why = errno === ERRNO.EBUSY
      ? "not while pictures are taken; give it in the option controls"
      : errno === ERRNO.EACCES || errno === ERRNO.EIO
      ? "perhaps an automatic setting has it: turn that off first"
      : "the driver does not take it";
    return new SystemCallError(
      `Cannot ${verb} control "${control.name}" of camera "${path}": ${why} (${
        errnoName(errno)
      }); ` +
        "see its range in controls()",
      errnoName(errno),
    );
  }
}
