/** What a Gamepad, a Keyboard and a Mouse have in common. */

import { DeviceMissing, SystemCallError } from "../errors.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Queue } from "../subscriptions/queue.ts";
import type { InputRecord } from "../wire/evdev.ts";
import type { InputKind } from "../wire/evdev_kinds.ts";
import { InputTracker } from "../wire/evdev_tracker.ts";
import { JOIN_INPUT } from "../../ffi/evdev_library.ts";
import { evdevBackend } from "./input_evdev.ts";
import { hidBackend, noInputs } from "./input_hid.ts";
import type { InputBackend, InputInfo, InputPort } from "./input_port.ts";

/** Options of {@linkcode Gamepad}, {@linkcode Keyboard} and {@linkcode Mouse}. */
export interface InputOptions<E> {
  /**
   * Which one, where there are several: its place in `list()`, a part of its name (in any case), or
   * its path, such as `"/dev/input/event3"`. A path is taken as it is, whatever kind of device it is.
   * @default {0}
   */
  device?: number | string;
  /**
   * Whether to pass an event on.
   * @default drops `SYN_REPORT`, as RTCBot does
   */
  eventFilter?: (event: E) => boolean;
  /**
   * Whether to wait for the device when it is not there, now or later. Otherwise its absence is an error.
   * @default {false}
   */
  reconnect?: boolean;
  /**
   * Whether to keep what it says from all other programs: keys for the robot then type nothing
   * into the terminal.
   * @default {false}
   */
  grab?: boolean;
}

/** The system's input devices: the kernel's on Linux, elsewhere gamepads alone, by HID. */
export function systemInputs(kind: InputKind, os: string = Deno.build.os): InputBackend {
  if (os !== "darwin" && os !== "windows") return evdevBackend;
  return kind === "gamepad" ? hidBackend() : noInputs;
}

/**
 * Reads one input device.
 *
 * When it is unplugged, what was held goes up and what was tilted comes back to rest before anything
 * else: a robot must not drive on because its driver's cable was pulled. When the program was too
 * slow and the kernel had to drop events, `SYN_DROPPED` is told, and then what has changed meanwhile.
 *
 * RTCBot: `InputDevice`.
 */
export abstract class InputDevice<E> extends SubscriptionProducer<E> {
  readonly #kind: InputKind;
  readonly #options: InputOptions<E>;
  readonly #backend: InputBackend;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #port: InputPort | null = null;
  #tracker: InputTracker | null = null;

  /** For the classes below; devices are opened in the background. */
  constructor(kind: InputKind, options: InputOptions<E>, backend: InputBackend) {
    super({ ready: false, defaultSubscription: () => new Queue<E>() });
    const { device = 0 } = options;
    if (typeof device === "number" ? !(Number.isInteger(device) && device >= 0) : device === "") {
      throw new RangeError(
        `Cannot open ${kind} ${JSON.stringify(device)}: there can be none; ` +
          "give its number from 0, a part of its name, or its path",
      );
    }
    this.#kind = kind;
    this.#options = options;
    this.#backend = backend;
    this.#running = this.#run();
  }

  /** Which device it reads; `null` while there is none. */
  get device(): InputInfo | null {
    return this.#port?.info ?? null;
  }

  /** For subclasses: how a record is told, in any number of events. */
  protected abstract _translate(record: InputRecord): E[];

  /** For subclasses: what the open device has and is like; `null` while there is none. */
  protected get _open(): { port: InputPort; tracker: InputTracker } | null {
    return this.#port && this.#tracker ? { port: this.#port, tracker: this.#tracker } : null;
  }

  /** For subclasses: a device was opened; the first call of all that are about it. */
  protected _opened(_port: InputPort): void {}

  /** For subclasses: where the axes are when nobody touches it. */
  protected _rest(_port: InputPort): ReadonlyMap<number, number> {
    return new Map();
  }

  /** Frees the device. */
  protected override async _close(): Promise<void> {
    this.#closing.abort();
    await this.#port?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await null; // the constructors of the classes below come first
      for (let first = true; !this.closed; first = false) {
        const port = await this.#find(first);
        if (port === null) continue;
        try {
          await this.#follow(port);
        } catch (error) {
          this.#release(port);
          if (!(this.#options.reconnect && error instanceof DeviceMissing)) throw error;
        } finally {
          this.#port = null;
          await port.close();
        }
      }
    } catch (error) {
      this._setError(error);
    }
  }

  /** Opens the device; `null` when it is worth trying again. */
  async #find(first: boolean): Promise<InputPort | null> {
    try {
      const path = await this.#path();
      const port = await this.#backend.open(path, this.#options.grab ?? false);
      if (!this.closed) return port;
      await port.close();
    } catch (error) {
      if (!this.#options.reconnect || !this.#mayPass(error, first)) throw error;
      await this.#backend.changed(this.#closing.signal);
    }
    return null;
  }

  /** Whether waiting may mend it. */
  #mayPass(error: unknown, first: boolean): boolean {
    if (error instanceof DeviceMissing) return true;
    if (!(error instanceof SystemCallError)) return false;
    // A device that has just come may not be read until udev has given it to its group.
    if (!first) return true;
    // A desktop gives its user every gamepad that comes, but no keyboard or mouse, here or later.
    if (this.#kind !== "gamepad") return false;
    console.warn(`${error.message}. Waiting for one that may be read.`);
    return true;
  }

  async #path(): Promise<string> {
    const { device = 0 } = this.#options;
    if (typeof device === "string" && device.startsWith("/")) return device;
    const { found, denied } = await this.#backend.scan();
    const candidates = found.filter(({ kinds }) => kinds.includes(this.#kind));
    const chosen = typeof device === "number"
      ? candidates[device]
      : candidates.find(({ name }) => name.toLowerCase().includes(device.toLowerCase()));
    if (chosen) return chosen.path;
    const wanted = device === 0 ? this.#kind : `${this.#kind} ${JSON.stringify(device)}`;
    if (denied.length > 0) throw deniedError(wanted, denied);
    const there = candidates.map(({ name }) => JSON.stringify(name)).join(", ");
    throw new DeviceMissing(
      `Cannot open ${wanted}: ${there ? `there is only ${there}` : "none is connected"}; ` +
        "plug it in, or give reconnect: true to wait for it",
    );
  }

  async #follow(port: InputPort): Promise<void> {
    this._opened(port);
    const now = port.snapshot();
    // Before a device's first report the kernel has 0 for every axis, which for most sticks is a
    // corner: a robot would drive off as soon as a gamepad was opened.
    const silent = [...now.axes.values()].every((value) => value === 0);
    const tracker = new InputTracker(silent ? { ...now, axes: this._rest(port) } : now);
    this.#port = port;
    this.#tracker = tracker;
    this._setReady();
    for (;;) {
      const records = await port.read();
      if (records.length === 0) return;
      for (const record of records) {
        const news = tracker.push(record);
        if (news === "news") this.#tell(record);
        if (news !== "resync") continue;
        tracker.resync(port.snapshot(), record.timestamp).forEach((change) => this.#tell(change));
        break; // what is left was said before the snapshot
      }
    }
  }

  /** Lets go of everything. */
  #release(port: InputPort): void {
    const rest = { keys: new Uint8Array(0), axes: this._rest(port) };
    const changes = this.#tracker?.resync(rest, Date.now() / 1000) ?? [];
    if (changes.length > 1) changes.forEach((change) => this.#tell(change));
  }

  #tell(record: InputRecord): void {
    for (const event of this._translate(record)) {
      const { eventFilter } = this.#options;
      if (eventFilter ? eventFilter(event) : !isReport(event)) this._put_nowait(event);
    }
  }
}

/** The devices of one kind. */
export async function listInputs(kind: InputKind, backend: InputBackend): Promise<InputInfo[]> {
  const { found, denied } = await backend.scan();
  if (found.length === 0 && denied.length > 0) throw deniedError(kind, denied);
  return found.filter(({ kinds }) => kinds.includes(kind));
}

function deniedError(wanted: string, denied: readonly string[]): SystemCallError {
  const [first, ...others] = denied;
  const which = others.length === 0 ? first : `${first} and ${others.length} more`;
  return new SystemCallError(
    `Cannot open ${wanted}: permission denied for ${which} (EACCES); ${JOIN_INPUT}`,
    "EACCES",
  );
}

function isReport(event: unknown): boolean {
  return (event as { code?: unknown }).code === "SYN_REPORT";
}
