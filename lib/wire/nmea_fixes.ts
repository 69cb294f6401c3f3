/**
 * Puts together what the sentences of a receiver say of one moment. It sends several each time, in an order
 * of its own, and does not say which is the last: that is learnt from the moment before.
 */
import { type GPSQuality, type NmeaReading, parseNmea } from "./nmea.ts";

/** Where the receiver is. */
export interface GPSFix {
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
  /** Metres above mean sea level, or `null` when the receiver does not say. */
  readonly altitude: number | null;
  /** Metres a second over ground, or `null`. */
  readonly speed: number | null;
  /** Degrees over ground, clockwise from true north, or `null`: a receiver that stands has none. */
  readonly course: number | null;
  /** Satellites in use, or `null`. */
  readonly satellites: number | null;
  /** Horizontal dilution of precision, 1 is good, 10 is bad, or `null`. */
  readonly hdop: number | null;
  /** How it was found. */
  readonly quality: GPSQuality;
  /** When, as milliseconds from 1970-01-01 UTC, or `null` while the receiver has not told the day. */
  readonly timestampMs: number | null;
}

const HALF_DAY_MS = 43_200_000, DAY_MS = 86_400_000;

/** Turns lines into fixes; pure, and never throws. */
export class NmeaFixes {
  #broken = 0;
  #quality: GPSQuality = "none";
  /** What is known of the moment that is being told, of those kinds. */
  #moment: { -readonly [K in keyof NmeaReading]?: NmeaReading[K] } = {};
  #kinds: string[] = [];
  /** The kind of sentence that ended the moment before. */
  #last: string | null = null;
  #given = false;
  #day: { dayMs: number; timeOfDayMs: number } | null = null;

  /** How many lines were no right sentences. */
  get broken(): number {
    return this.#broken;
  }

  /** How good the position is that is being told: `"none"` when it was lost. */
  get quality(): GPSQuality {
    return this.#quality;
  }

  /**
   * Takes a line.
   *
   * @returns the fixes that it completes: none, one, or two after a change of the receiver's habits
   */
  push(line: string): GPSFix[] {
    if (line.trim() === "") return [];
    const reading = parseNmea(line);
    if (reading === null) {
      this.#broken++;
      return [];
    }
    const fixes: GPSFix[] = [];
    const time = reading.timeOfDayMs;
    if (time !== undefined && time !== this.#moment.timeOfDayMs) fixes.push(...this.#next());
    if (time === undefined && this.#kinds.length === 0) return fixes; // of a moment that we missed
    if (!says(reading)) return fixes;
    this.#merge(reading);
    if (reading.kind === this.#last) fixes.push(...this.#give());
    return fixes;
  }

  #merge(reading: NmeaReading): void {
    const { quality, ...values } = reading;
    // RMC knows only whether, GGA knows how: the better word is kept.
    const known = this.#moment.quality;
    if (quality !== undefined && (known === undefined || known === "gps" || quality === "none")) {
      this.#moment.quality = quality;
    }
    if (this.#moment.quality !== undefined) this.#quality = this.#moment.quality;
    Object.assign(this.#moment, values);
    if (!this.#kinds.includes(reading.kind)) this.#kinds.push(reading.kind);
  }

  /** Another moment begins: what was told until now was all. */
  #next(): GPSFix[] {
    this.#last = this.#kinds.at(-1) ?? null;
    const fixes = this.#give();
    this.#moment = {};
    this.#kinds = [];
    this.#given = false;
    return fixes;
  }

  #give(): GPSFix[] {
    const { latitude, longitude, quality = "none", ...more } = this.#moment;
    this.#noteDay();
    const known = latitude !== undefined && longitude !== undefined && quality !== "none";
    if (!known || this.#given) return [];
    this.#given = true;
    const { altitude = null, speed = null, course = null, satellites = null, hdop = null } = more;
    const timestampMs = this.#timestampMs();
    return [{
      ...{ latitude, longitude, altitude, speed, course, satellites, hdop, quality, timestampMs },
    }];
  }

  #noteDay(): void {
    const { dayMs, timeOfDayMs } = this.#moment;
    if (dayMs !== undefined && timeOfDayMs !== undefined) this.#day = { dayMs, timeOfDayMs };
  }

  /** A moment without a date is of the day that was told last, or of the next when midnight was between. */
  #timestampMs(): number | null {
    const { timeOfDayMs } = this.#moment;
    if (this.#day === null || timeOfDayMs === undefined) return null;
    const past = this.#day.timeOfDayMs - timeOfDayMs > HALF_DAY_MS;
    return this.#day.dayMs + timeOfDayMs + (past ? DAY_MS : 0);
  }
}

/** Whether a sentence is of a kind that is read: others never end a moment. */
function says(reading: NmeaReading): boolean {
  return Object.keys(reading).length > 2;
}
