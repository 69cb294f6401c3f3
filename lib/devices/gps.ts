import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import type { Subscription } from "../subscriptions/subscription.ts";
import type { Source } from "../subscriptions/types.ts";
import type { GPSQuality } from "../wire/nmea.ts";
import { type GPSFix, NmeaFixes } from "../wire/nmea_fixes.ts";
import { SerialConnection } from "./serial_connection.ts";
import type { SerialBackend } from "./serial_port.ts";

/** Options of {@linkcode GPS}. */
export interface GPSOptions {
  /** Bits a second, where a port is opened. Most receivers begin with 9600, some with 4800 or 38400. @default {9600} */
  baudrate?: number;
  /** Whether a port is opened again when it was unplugged and is back. @default {false} */
  reconnect?: boolean;
  /**
   * Which fixes are taken; the others are as if they had not come. For example
   * `(fix) => fix.hdop !== null && fix.hdop < 3`.
   * @default all
   */
  filter?: (fix: GPSFix) => boolean;
  /** Makes what `subscribe()` gives. @default an unbounded queue */
  defaultSubscription?: () => Subscription<GPSFix>;
}

/** Lines of a receiver, as bytes or text, with or without their ends. */
export type GPSSource = Source<Uint8Array | string>;

/**
 * A GPS receiver (or one of GLONASS, Galileo, BeiDou) that speaks NMEA: gives a fix whenever it has found
 * where it is, and remembers the latest.
 *
 * ```ts no-run
 * import { GPS } from "rtcbot";
 *
 * await using gps = new GPS("/dev/ttyACM0");
 * for await (const { latitude, longitude, quality } of gps) console.log(latitude, longitude, quality);
 * ```
 *
 * Instead of a port it takes anything that gives lines: a `SerialConnection`, or a `FakeGPS`. Lines that are
 * broken are counted in `broken` and otherwise left out. When the receiver loses its position, no fix comes:
 * `quality` is then `"none"`, and `latitude` and `longitude` are the last ones.
 *
 * It fails and closes with its port, or with its source if that fails. Needs what `SerialConnection` needs.
 *
 * RTCBot: `GPS`.
 */
export class GPS extends SubscriptionProducer<GPSFix> {
  readonly #fixes = new NmeaFixes();
  readonly #filter: (fix: GPSFix) => boolean;
  readonly #port: SerialConnection<{ baudrate: number; reconnect: boolean }> | null;
  readonly #closing = new AbortController();
  #fix: GPSFix | null = null;

  /**
   * Begins to listen.
   *
   * @param source the port of the receiver, or what gives its lines
   * @param options see {@linkcode GPSOptions}
   * @param backend where ports come from; the system, unless a test says otherwise
   */
  constructor(source: string | GPSSource, options: GPSOptions = {}, backend?: SerialBackend) {
    const { baudrate = 9600, reconnect = false, defaultSubscription } = options;
    super({ ready: false, ...(defaultSubscription && { defaultSubscription }) });
    this.#filter = options.filter ?? (() => true);
    this.#port = typeof source === "string"
      ? new SerialConnection(source, { baudrate, reconnect }, backend)
      : null;
    const lines = this.#port ?? (source as GPSSource);
    if (lines instanceof Lifecycle) {
      lines.onReady(() => this._setReady());
      lines.onError((error) => this._setError(error));
      lines.onClose(() => void this.close());
    } else {
      this._setReady();
    }
    this.#listen(lines);
  }

  /** The latest fix, or `null` before the first. */
  get fix(): GPSFix | null {
    return this.#fix;
  }

  /** Degrees of the latest fix, north positive, or `null` before the first. */
  get latitude(): number | null {
    return this.#fix?.latitude ?? null;
  }

  /** Degrees of the latest fix, east positive, or `null` before the first. */
  get longitude(): number | null {
    return this.#fix?.longitude ?? null;
  }

  /** Metres above mean sea level of the latest fix, or `null`. */
  get altitude(): number | null {
    return this.#fix?.altitude ?? null;
  }

  /** Metres a second over ground of the latest fix, or `null`. */
  get speed(): number | null {
    return this.#fix?.speed ?? null;
  }

  /** Degrees over ground of the latest fix, clockwise from true north, or `null`. */
  get course(): number | null {
    return this.#fix?.course ?? null;
  }

  /** Satellites in use at the latest fix, or `null`. */
  get satellites(): number | null {
    return this.#fix?.satellites ?? null;
  }

  /** When the latest fix was, as milliseconds from 1970-01-01 UTC by the satellites' clocks, or `null`. */
  get timestampMs(): number | null {
    return this.#fix?.timestampMs ?? null;
  }

  /** How good the position is now: `"none"` before the first, and when the receiver has lost it. */
  get quality(): GPSQuality {
    return this.#fixes.quality;
  }

  /** How many lines came that were no right sentences; a few are normal at the start. */
  get broken(): number {
    return this.#fixes.broken;
  }

  /** Frees the port, if it opened one. */
  protected override async _close(): Promise<void> {
    this.#closing.abort();
    await this.#port?.close();
  }

  async #listen(lines: GPSSource): Promise<void> {
    const text = new TextDecoder("latin1");
    try {
      while (!this.closed) {
        const line = await lines.get({ signal: this.#closing.signal });
        if (this.closed) return;
        for (const fix of this.#fixes.push(typeof line === "string" ? line : text.decode(line))) {
          if (!this.#filter(fix)) continue;
          this.#fix = fix;
          this._put_nowait(fix);
        }
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const ended = error instanceof Error && /^(SubscriptionClosed|AbortError)$/.test(error.name);
      if (ended) void this.close();
      else this._setError(error);
    }
  }
}
