/** How a SerialConnection is made, and what of it makes no sense. */
import type { Subscription } from "../subscriptions/subscription.ts";
import type { SerialFormats, SerialMessage } from "./serial_messages.ts";
import type { SerialSettings } from "./serial_port.ts";

/** Bits a second that one can mean; termios2 has 32 bits for it. */
const MAX_BAUDRATE = 2 ** 32 - 1;

/** Options of {@linkcode SerialConnection}. */
export interface SerialConnectionOptions extends SerialFormats, Partial<SerialSettings> {
  /** Bits a second, as in the sketch's `Serial.begin(…)`; any number that the hardware can do. @default {115200} */
  baudrate?: number;
  /**
   * Seconds until the first message is written: an Arduino starts anew when its port is opened, and what
   * comes in the first two seconds goes to its boot loader. What is put meanwhile waits.
   * @default {0}
   */
  delayWriteStart?: number;
  /**
   * Whether it is opened again when it was unplugged and is back. What was put and not written stays; a
   * message that was cut off is sent again from its beginning. The first opening must succeed.
   * @default {false}
   */
  reconnect?: boolean;
  /** Makes what `subscribe()` gives. @default an unbounded queue */
  defaultSubscription?: () => Subscription<SerialMessage>;
}

/**
 * How the line is to be set.
 *
 * @throws {RangeError} when it cannot be set so
 */
export function settingsOf(options: SerialConnectionOptions): SerialSettings {
  const { baudrate = 115_200, dataBits = 8, parity = "none", stopBits = 1 } = options;
  const { flowControl = "none" } = options;
  const wrong = (what: string, value: unknown, wanted: string) =>
    new RangeError(`Cannot use ${what} ${value} on a serial port; give ${wanted}`);
  if (!(Number.isInteger(baudrate) && baudrate > 0 && baudrate <= MAX_BAUDRATE)) {
    throw wrong("baudrate", baudrate, "bits a second, such as 115200");
  }
  if (![5, 6, 7, 8].includes(dataBits)) throw wrong("dataBits", dataBits, "5, 6, 7 or 8");
  if (!["none", "even", "odd"].includes(parity)) {
    throw wrong("parity", parity, '"none", "even" or "odd"');
  }
  if (![1, 2].includes(stopBits)) throw wrong("stopBits", stopBits, "1 or 2");
  if (!["none", "hardware"].includes(flowControl)) {
    throw wrong("flowControl", flowControl, '"none" or "hardware"');
  }
  return { baudrate, dataBits, parity, stopBits, flowControl };
}

/**
 * The time until the first message is written, in milliseconds.
 *
 * @throws {RangeError} when it is no time
 */
export function writeDelayOf({ delayWriteStart = 0 }: SerialConnectionOptions): number {
  const delayMs = delayWriteStart * 1000;
  if (delayMs >= 0 && delayMs < 2 ** 31) return delayMs;
  throw new RangeError(
    `Cannot wait ${delayWriteStart} s before writing; give seconds, such as 2`,
  );
}
