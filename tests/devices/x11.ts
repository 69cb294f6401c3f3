/** An X server without a screen, and a user in front of it. */

import assert from "node:assert/strict";
import type { Color } from "../contract/display_contract.ts";

const PROGRAMS = ["Xvfb", "xdotool", "import"];
const SIZE = [800, 600] as const;

function found(program: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Which of the programs that are needed are not here. */
export const X11_LACKS: readonly string[] = Deno.build.os === "linux"
  ? PROGRAMS.filter((program) => !found(program))
  : PROGRAMS;

/** A running Xvfb, ended with the block. */
export async function startXvfb(): Promise<AsyncDisposable & { readonly display: string }> {
  const child = new Deno.Command("Xvfb", {
    // It picks a number that is free, and writes it once it is ready.
    args: ["-displayfd", "1", "-screen", "0", `${SIZE[0]}x${SIZE[1]}x24`, "-nolisten", "tcp"],
    ...{ stdin: "null", stdout: "piped", stderr: "null" },
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { value, done } = await reader.read();
    assert.ok(!done, "Xvfb ended before it was ready");
    said += value;
  }
  const ended = (async () => {
    while (!(await reader.read()).done);
  })();
  const dispose = async () => {
    try {
      child.kill();
    } catch {
      // it has ended by itself
    }
    await Promise.all([child.status, ended]);
  };
  return { display: `:${said.trim()}`, [Symbol.asyncDispose]: dispose };
}

async function run(program: string, args: string[], display: string): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    ...{ args, env: { DISPLAY: display }, stdin: "null", stdout: "piped", stderr: "piped" },
  }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** The user's hands and eyes at one screen. */
export class X11User {
  readonly #display: string;

  constructor(display: string) {
    this.#display = display;
  }

  /** The numbers of the windows with this title. */
  async windows(title: string): Promise<string[]> {
    const { stdout } = await new Deno.Command("xdotool", {
      args: ["search", "--onlyvisible", "--name", `^${title}$`],
      ...{ env: { DISPLAY: this.#display }, stdin: "null", stdout: "piped", stderr: "null" },
    }).output(); // it fails when there is none
    return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  }

  /** Runs xdotool. */
  async xdotool(...args: string[]): Promise<string> {
    return new TextDecoder().decode(await run("xdotool", args, this.#display));
  }

  /** What is on the screen where the window is: a function that gives a pixel's colour. */
  async see(window: string): Promise<(x: number, y: number) => Color> {
    const { left, top } = await this.#geometry(window);
    const ppm = await run("import", ["-window", "root", "-depth", "8", "ppm:-"], this.#display);
    const head = /^P6\s(\d+) (\d+)\s255\s/.exec(
      new TextDecoder("latin1").decode(ppm.subarray(0, 40)),
    );
    assert.ok(head, "no picture");
    const [width, height] = [Number(head[1]), Number(head[2])];
    return (x, y) => {
      const [column, row] = [Math.floor(left + x), Math.floor(top + y)];
      if (column < 0 || row < 0 || column >= width || row >= height) return [-1, -1, -1];
      const at = head[0].length + 3 * (row * width + column);
      return [ppm[at]!, ppm[at + 1]!, ppm[at + 2]!];
    };
  }

  /** The size of a window. */
  async size(window: string): Promise<readonly [width: number, height: number]> {
    const { width, height } = await this.#geometry(window);
    return [width, height];
  }

  async #geometry(window: string) {
    const text = await this.xdotool("getwindowgeometry", "--shell", window);
    const number = (name: string) => Number(new RegExp(`^${name}=(-?\\d+)$`, "m").exec(text)?.[1]);
    const [left, top, width, height] = ["X", "Y", "WIDTH", "HEIGHT"].map(number);
    return { left: left!, top: top!, width: width!, height: height! };
  }

  /** Asks a window to close, as the cross in its frame does. */
  close(window: string): void {
    closeWindow(this.#display, BigInt(window));
  }
}

/**
 * Sends WM_DELETE_WINDOW, which older xdotools cannot.
 *
 * ```c
 * typedef struct {                                   // XClientMessageEvent, <X11/Xlib.h>, 64-bit
 *   int type; unsigned long serial; Bool send_event; //  0,  8, 16
 *   Display *display; Window window;                 // 24, 32
 *   Atom message_type; int format; long data[5];     // 40, 48, 56
 * } XClientMessageEvent;                             // XEvent is padded to 192
 * ```
 */
function closeWindow(display: string, window: bigint): void {
  const c = (text: string) => new TextEncoder().encode(`${text}\0`);
  const x11 = Deno.dlopen("libX11.so.6", {
    XOpenDisplay: { parameters: ["buffer"], result: "pointer" },
    XInternAtom: { parameters: ["pointer", "buffer", "i32"], result: "u64" },
    XSendEvent: { parameters: ["pointer", "u64", "i32", "i64", "buffer"], result: "i32" },
    XCloseDisplay: { parameters: ["pointer"], result: "i32" },
  });
  try {
    const { symbols } = x11;
    const unsafeDisplay = symbols.XOpenDisplay(c(display));
    assert.notEqual(unsafeDisplay, null);
    const event = new DataView(new ArrayBuffer(192));
    event.setInt32(0, 33, true); // ClientMessage
    event.setBigUint64(32, window, true);
    event.setBigUint64(40, symbols.XInternAtom(unsafeDisplay, c("WM_PROTOCOLS"), 0), true);
    event.setInt32(48, 32, true);
    event.setBigUint64(56, symbols.XInternAtom(unsafeDisplay, c("WM_DELETE_WINDOW"), 0), true);
    symbols.XSendEvent(unsafeDisplay, window, 0, 0n, new Uint8Array(event.buffer));
    symbols.XCloseDisplay(unsafeDisplay); // sends what waits
  } finally {
    x11.close();
  }
}
