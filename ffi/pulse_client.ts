/** A connection to PulseAudio or PipeWire, and what devices it has. Nothing here waits. */

import { cString, openPulse, type Pulse, pulseError, text } from "./pulse.ts";

/** A source (which can be recorded) or a sink (which can be played to). */
export interface PulseDevice {
  /** The server's name for it, such as `alsa_input.usb-0d8c_USB_Sound_Device-00.mono-fallback`. */
  readonly name: string;
  /** What people call it. */
  readonly description: string;
  /** Channels that it has. */
  readonly channels: number;
  /** The rate that it runs at. */
  readonly sampleRateHz: number;
  /** A source that hears what is played to a sink. */
  readonly monitor: boolean;
  /** Whether it is what is used when no name is given. */
  readonly default: boolean;
}

/** Record or play. */
export type PulseDirection = "record" | "playback";

const CONTEXT_NOAUTOSPAWN = 1; // <pulse/def.h> pa_context_flags_t
const CONTEXT = { READY: 4, FAILED: 5, TERMINATED: 6 } as const; // pa_context_state_t
const INVALID_INDEX = 0xffffffff; // PA_INVALID_INDEX

const SERVER_CALLBACK = {
  // void (*pa_server_info_cb_t)(pa_context *c, const pa_server_info *i, void *userdata);
  parameters: ["pointer", "pointer", "pointer"],
  result: "void",
} as const;
const DEVICE_CALLBACK = {
  // void (*pa_source_info_cb_t)(pa_context *c, const pa_source_info *i, int eol, void *userdata);
  parameters: ["pointer", "pointer", "i32", "pointer"],
  result: "void",
} as const;

/** One connection with a main loop of its own. Call {@linkcode iterate} every few milliseconds. */
export class PulseClient {
  /** The library. */
  readonly pulse: Pulse;
  readonly #action: string;
  #unsafeLoop: Deno.PointerValue;
  #unsafeContext: Deno.PointerValue;
  /** Called from within `iterate` only, and freed after it. */
  readonly #callbacks: { close(): void }[] = [];

  /**
   * Begins to connect.
   *
   * @param server where it listens, such as `unix:/run/user/1000/pulse/native`; `null` for the usual one
   * @param action how errors go on after "Cannot", such as `open a microphone`
   * @throws {LibraryMissing | SystemCallError} when there is no libpulse, or nobody listens there
   */
  constructor(server: string | null, action: string) {
    const pulse = this.pulse = openPulse();
    this.#action = action;
    this.#unsafeLoop = pulse.pa_mainloop_new();
    const unsafeApi = pulse.pa_mainloop_get_api(this.#unsafeLoop);
    this.#unsafeContext = pulse.pa_context_new(unsafeApi, cString("rtcbot"));
    const result = pulse.pa_context_connect(
      this.#unsafeContext,
      cString(server),
      CONTEXT_NOAUTOSPAWN,
      null,
    );
    if (result < 0) {
      const error = this.lastError();
      this.free();
      throw error;
    }
  }

  /** For streams on it. */
  get unsafeContext(): Deno.PointerValue {
    return this.#unsafeContext;
  }

  /**
   * Does what there is to do, without waiting.
   *
   * @returns whether the connection stands
   * @throws {SystemCallError} when it could not be made or was lost
   */
  iterate(): boolean {
    const { pulse } = this;
    while (pulse.pa_mainloop_iterate(this.#unsafeLoop, 0, null) > 0);
    const state = pulse.pa_context_get_state(this.#unsafeContext);
    if (state === CONTEXT.FAILED || state === CONTEXT.TERMINATED) throw this.lastError();
    return state === CONTEXT.READY;
  }

  /** What the last call failed with. */
  lastError(): Error {
    return pulseError(this.#action, this.pulse.pa_context_errno(this.#unsafeContext));
  }

  /** Asks for the devices; `done` is called with them from within a later `iterate`. */
  requestDevices(direction: PulseDirection, done: (devices: PulseDevice[]) => void): void {
    const { pulse } = this;
    const found: Omit<PulseDevice, "default">[] = [];
    let usual = "";
    // Answers come in the order of the questions, so the server's comes before the end of the list.
    const ofServer = new Deno.UnsafeCallback(SERVER_CALLBACK, (_context, unsafeInfo) => {
      if (unsafeInfo === null) return;
      const info = new Deno.UnsafePointerView(unsafeInfo);
      usual = text(info.getPointer(direction === "record" ? 56 : 48));
    });
    const ofDevices = new Deno.UnsafeCallback(DEVICE_CALLBACK, (_context, unsafeInfo, end) => {
      if (end === 0 && unsafeInfo !== null) found.push(readDevice(unsafeInfo, direction));
      else done(found.map((device) => ({ ...device, default: device.name === usual })));
    });
    this.#callbacks.push(ofServer, ofDevices);
    const ask = direction === "record"
      ? pulse.pa_context_get_source_info_list
      : pulse.pa_context_get_sink_info_list;
    for (
      const unsafeOperation of [
        pulse.pa_context_get_server_info(this.#unsafeContext, ofServer.pointer, null),
        ask(this.#unsafeContext, ofDevices.pointer, null),
      ]
    ) {
      if (unsafeOperation === null) throw this.lastError();
      pulse.pa_operation_unref(unsafeOperation);
    }
  }

  /** Disconnects at once and frees everything; may be called twice, but not from within `iterate`. */
  free(): void {
    if (this.#unsafeLoop === null) return;
    const { pulse } = this;
    if (this.#unsafeContext !== null) {
      pulse.pa_context_disconnect(this.#unsafeContext);
      pulse.pa_context_unref(this.#unsafeContext);
    }
    pulse.pa_mainloop_free(this.#unsafeLoop);
    this.#unsafeContext = this.#unsafeLoop = null;
    for (const callback of this.#callbacks.splice(0)) callback.close();
  }
}

/** The part of the struct at the head of pulse.ts that we want. */
function readDevice(
  unsafeInfo: Deno.PointerObject,
  direction: PulseDirection,
): Omit<PulseDevice, "default"> {
  const info = new Deno.UnsafePointerView(unsafeInfo);
  return {
    name: text(info.getPointer(0)),
    description: text(info.getPointer(16)),
    sampleRateHz: info.getUint32(28),
    channels: info.getUint8(32),
    monitor: direction === "record" && info.getUint32(308) !== INVALID_INDEX,
  };
}
