import {
  type InputBackend,
  type InputInfo,
  type InputPort,
  type InputScan,
  RecordMailbox,
} from "../devices/input_port.ts";
import { DeviceMissing, SystemCallError } from "../errors.ts";
import {
  codeOf,
  EV_ABS,
  EV_KEY,
  EV_SYN,
  type InputRecord,
  SYN_DROPPED,
  SYN_REPORT,
} from "../wire/evdev.ts";
import type { AxisRange } from "../wire/evdev_pad.ts";
import type { InputSnapshot } from "../wire/evdev_tracker.ts";

/** What a fake device is. */
export interface FakeInputDescription {
  /** Which device it says it is. */
  readonly info: InputInfo;
  /** The buttons and keys that it has. */
  readonly keys: ReadonlySet<number>;
  /** The axes that it has. */
  readonly axes: ReadonlyMap<number, AxisRange>;
  /** Where the axes are at first; 0 where nothing is said. */
  readonly rest?: ReadonlyMap<number, number>;
}

/** One rumble, as the device was told: magnitudes from 0 to 0xffff. */
export interface FakeRumble {
  /** The heavy motor. */
  readonly strong: number;
  /** The light motor. */
  readonly weak: number;
  /** For how long. */
  readonly durationMs: number;
}

/**
 * A computer with one input device, and the hands that use it. It behaves as the kernel does: what
 * changes nothing is not told, and everything done in one turn ends with `SYN_REPORT`.
 */
export class FakeInput implements InputBackend {
  /** Every rumble that was asked for. */
  readonly rumbles: FakeRumble[] = [];
  /** What the device is. */
  readonly description: FakeInputDescription;
  readonly #now: () => number;
  readonly #down = new Set<number>();
  readonly #positions = new Map<number, number>();
  readonly #ports = new Set<FakePort>();
  #plugged = true;
  #denied = false;
  #deaf = false;
  /** How often the plug was put in, and how often that was when somebody looked. */
  #plugs = 0;
  #seen = 0;
  #waiting: (() => void)[] = [];

  /**
   * @param description the device
   * @param now tells the time in seconds, for the events
   */
  constructor(description: FakeInputDescription, now: () => number) {
    this.description = description;
    this.#now = now;
    for (const axis of description.axes.keys()) {
      this.#positions.set(axis, description.rest?.get(axis) ?? 0);
    }
  }

  /** Does several things at one moment: each is a code by its name and its value. */
  act(changes: readonly (readonly [code: string, value: number])[]): void {
    const records = changes.map(([name, value]) => this.#apply(name, value));
    if (this.#deaf) return;
    const timestamp = this.#now();
    const news = records.filter((record) => record !== null)
      .map((record) => ({ ...record, timestamp }));
    if (news.length === 0) return;
    this.#tell([...news, { timestamp, type: EV_SYN, code: SYN_REPORT, value: 0 }]);
  }

  /** What is done meanwhile is lost, as when the program was too slow for the kernel's buffer. */
  drop(action: () => void): void {
    this.#deaf = true;
    try {
      action();
    } finally {
      this.#deaf = false;
    }
    const timestamp = this.#now();
    this.#tell([
      { timestamp, type: EV_SYN, code: SYN_DROPPED, value: 0 },
      { timestamp, type: EV_SYN, code: SYN_REPORT, value: 0 },
    ]);
  }

  /** Pulls the plug; what was held is let go. */
  unplug(): void {
    this.#plugged = false;
    this.#down.clear();
    for (const axis of this.#positions.keys()) {
      this.#positions.set(axis, this.description.rest?.get(axis) ?? 0);
    }
    for (const port of this.#ports) port.mailbox.fail(this.#missing("read"));
    this.#ports.clear();
  }

  /** Plugs it in, again. */
  plugIn(): void {
    this.#plugged = true;
    this.#denied = false;
    this.#plugs++;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Takes away the right to read it. */
  deny(): void {
    this.#denied = true;
  }

  /** What is plugged in. */
  scan(): Promise<InputScan> {
    this.#seen = this.#plugs;
    const here = this.#plugged ? [this.description.info] : [];
    return Promise.resolve({
      found: this.#denied ? [] : here,
      denied: this.#denied ? here.map(({ path }) => path) : [],
    });
  }

  /** Opens it. */
  open(path: string, _grab: boolean): Promise<InputPort> {
    this.#seen = this.#plugs;
    if (!this.#plugged || path !== this.description.info.path) {
      return Promise.reject(this.#missing("open", path));
    }
    if (this.#denied) {
      return Promise.reject(
        new SystemCallError(
          `Cannot open input device "${path}": permission denied (EACCES); ` +
            'join the group "input" (sudo usermod -aG input $USER) and log in again',
          "EACCES",
        ),
      );
    }
    const port = new FakePort(this, () => this.#ports.delete(port));
    this.#ports.add(port);
    return Promise.resolve(port);
  }

  /** Resolves when the plug was put in since somebody looked. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#seen !== this.#plugs) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** What is held, and where the axes are. */
  snapshot(): InputSnapshot {
    const keys = new Uint8Array(0x300 / 8); // KEY_CNT of linux/input-event-codes.h
    for (const key of this.#down) keys[key >> 3]! |= 1 << (key & 7);
    return { keys, axes: new Map(this.#positions) };
  }

  #apply(name: string, value: number): Omit<InputRecord, "timestamp"> | null {
    const { type, code } = codeOf(name) ?? { type: -1, code: -1 };
    const { keys, axes, info } = this.description;
    if (type < 0 || (type === EV_KEY && !keys.has(code)) || (type === EV_ABS && !axes.has(code))) {
      throw new RangeError(`Cannot use ${name}: "${info.name}" has none; use what it has`);
    }
    if (!this.#plugged) throw this.#missing("use");
    if (type === EV_KEY && value <= 1) {
      if (this.#down.has(code) === (value === 1)) return null;
      if (value === 1) this.#down.add(code);
      else this.#down.delete(code);
    }
    if (type === EV_ABS) {
      if (this.#positions.get(code) === value) return null;
      this.#positions.set(code, value);
    }
    return { type, code, value };
  }

  #tell(records: readonly InputRecord[]): void {
    for (const port of this.#ports) port.mailbox.put(records);
  }

  #missing(action: "open" | "read" | "use", path = this.description.info.path): DeviceMissing {
    return new DeviceMissing(
      action === "open"
        ? `Cannot open input device "${path}": there is no such device (ENOENT); plug it in`
        : `Cannot ${action} "${this.description.info.name}" (${path}): it was unplugged; ` +
          "plug it in again, or give reconnect: true to wait for it",
    );
  }
}

class FakePort implements InputPort {
  readonly info: InputInfo;
  readonly keys: ReadonlySet<number>;
  readonly axes: ReadonlyMap<number, AxisRange>;
  readonly mailbox = new RecordMailbox();
  readonly #input: FakeInput;
  readonly #left: () => void;

  constructor(input: FakeInput, left: () => void) {
    this.#input = input;
    this.#left = left;
    ({ info: this.info, keys: this.keys, axes: this.axes } = input.description);
  }

  read(): Promise<InputRecord[]> {
    return this.mailbox.read();
  }

  snapshot(): InputSnapshot {
    this.mailbox.clear();
    return this.#input.snapshot();
  }

  rumble(strong: number, weak: number, durationMs: number): Promise<boolean> {
    if (this.info.rumble) this.#input.rumbles.push({ strong, weak, durationMs });
    return Promise.resolve(this.info.rumble);
  }

  close(): Promise<void> {
    this.#left();
    this.mailbox.close();
    return Promise.resolve();
  }
}
