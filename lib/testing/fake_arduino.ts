import { encodePacket, PacketFramer } from "../wire/packet_framer.ts";
import { Struct } from "../wire/struct.ts";
import { type Clock, systemClock } from "./clock.ts";
import { FakeSerialBoard, type FakeSerialBoardOptions } from "./fake_serial.ts";

/** Options of {@linkcode FakeArduino}. */
export interface FakeArduinoOptions extends FakeSerialBoardOptions {
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** What the motors do, from -255 to 255. */
export interface FakeMotors {
  /** The left one. */
  readonly left: number;
  /** The right one. */
  readonly right: number;
}

const CONTROL = new Struct("<hh"), STATUS = new Struct("<hhI");
const STILL: FakeMotors = { left: 0, right: 0 };
const STATUS_MS = 50, WATCHDOG_MS = 250;

/**
 * A board that runs the sketch `tutorials/arduino/examples/packets`: two motors that are driven by packets,
 * tell 20 times a second what they do, and stop when nothing valid came for 250 ms.
 *
 * ```ts
 * import { SerialConnection } from "rtcbot";
 * import { FakeArduino, ManualClock } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * using arduino = new FakeArduino({ clock });
 * await using board = new SerialConnection(arduino.url, { packets: true, writeFormat: "<hh" }, arduino);
 * board.put_nowait([200, -100]);
 * await board.onReady();
 * while (arduino.motors.left === 0) await new Promise((resolve) => setTimeout(resolve));
 * clock.advance(300); // nobody says anything
 * assert.deepEqual(arduino.motors, { left: 0, right: 0 });
 * ```
 */
export class FakeArduino extends FakeSerialBoard implements Disposable {
  readonly #clock: Clock;
  readonly #stop: () => void;
  readonly #framer = new PacketFramer(CONTROL.size);
  readonly #start: number;
  #heard = -Infinity;
  #motors: FakeMotors = STILL;

  /** Switches it on. */
  constructor(options: FakeArduinoOptions = {}) {
    super(options);
    this.#clock = options.clock ?? systemClock;
    this.#start = this.#clock.now();
    this.#stop = this.#clock.every(STATUS_MS, () => this.#tell());
    this.#listen();
  }

  /** What the motors do now. */
  get motors(): FakeMotors {
    return this.#clock.now() - this.#heard < WATCHDOG_MS ? this.#motors : STILL;
  }

  /** Switches it off: frees the clock. */
  [Symbol.dispose](): void {
    this.#stop();
  }

  #tell(): void {
    const { left, right } = this.motors;
    this.write(
      encodePacket(STATUS.pack([left, right, Math.round(this.#clock.now() - this.#start)])),
    );
  }

  async #listen(): Promise<void> {
    for (;;) {
      for (const message of this.#framer.push(await this.read(1))) {
        const [left = 0, right = 0] = CONTROL.unpack(message);
        this.#motors = { left, right };
        this.#heard = this.#clock.now();
      }
    }
  }
}
