/** All that is looked at, in the order of the report. */
import { piCameras, webcams } from "./cameras.ts";
import { inputs, screen, serialPorts, sound } from "./devices.ts";
import type { Finding } from "./finding.ts";
import { libraries, networks } from "./libraries.ts";
import { programs, testPrograms } from "./programs.ts";

/** One part of what is looked at. */
export interface Probe {
  /** The head of its part of the report; several may share one. */
  readonly title: string;
  /** What it looks for. */
  readonly what: string;
  /** What it says when it found nothing. */
  readonly nothing?: string;
  /** Whether it looks by FFI. */
  readonly ffi: boolean;
  /** What it looks at is looked at so on Linux only; elsewhere this is said. */
  readonly elsewhere?: string;
  /** Looks. */
  look(): Finding[] | Promise<Finding[]>;
}

/** By name, so that another thread can be asked for one. */
export const PROBES = {
  webcams: {
    ...{ title: "Cameras", what: "webcams", ffi: true, nothing: "none found; plug one in" },
    elsewhere: "read by ffmpeg here: openCamera()",
    look: () => webcams(),
  },
  piCameras: { title: "Cameras", what: "Pi's camera", ffi: false, look: () => piCameras() },
  sound: { title: "Sound", what: "sound", ffi: true, look: () => sound() },
  inputs: {
    ...{ title: "Inputs", what: "inputs", ffi: true, nothing: "no gamepad, keyboard or mouse" },
    elsewhere: "read by npm:node-hid here",
    look: () => inputs(),
  },
  serialPorts: {
    ...{ title: "Serial ports", what: "ports", ffi: true, nothing: "none found; plug a board in" },
    elsewhere: "opened by npm:serialport here",
    look: () => serialPorts(),
  },
  screen: {
    ...{ title: "Screen", what: "windows", ffi: true },
    elsewhere: "not looked at here, where only a program's first thread may",
    look: () => screen(),
  },
  networks: {
    title: "Network",
    what: "addresses",
    ffi: true,
    nothing: "none",
    look: () => networks(),
  },
  libraries: { title: "Libraries", what: "libraries", ffi: true, look: libraries },
  programs: { title: "Programs", what: "programs", ffi: false, look: () => programs() },
  testPrograms: {
    title: "For the tests",
    what: "programs",
    ffi: false,
    look: () => testPrograms(),
  },
} as const satisfies Record<string, Probe>;

/** The name of a probe. */
export type ProbeName = keyof typeof PROBES;
