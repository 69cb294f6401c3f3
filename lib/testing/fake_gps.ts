import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { writeNmea } from "../wire/nmea.ts";
import { type Clock, systemClock } from "./clock.ts";
import { randomFrom } from "./random.ts";

/** Options of {@linkcode FakeGPS}. */
export interface FakeGPSOptions {
  /** The same seed walks the same way. @default {1} */
  seed?: number;
  /** Where it begins. @default {{ latitude: 48.1173, longitude: 11.5167 }} */
  start?: { latitude: number; longitude: number };
  /** How fast it goes, in metres a second. @default {1.4} */
  speed?: number;
  /** How often it tells, in a second. @default {1} */
  rateHz?: number;
  /** The time that its satellites tell when it begins. @default 2026-01-01 12:00 UTC */
  startMs?: number;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** Where the receiver really is. */
export interface FakeGPSPosition {
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
  /** Metres above mean sea level. */
  readonly altitude: number;
  /** Degrees, clockwise from north. */
  readonly course: number;
}

const METRES_A_DEGREE = 111_195; // a sphere of 6371 km
const KNOT = 1852 / 3600;
/** It changes its direction by so many degrees a step at the most. */
const TURN_DEG = 30;

/**
 * A GPS receiver that is carried along a winding way: gives lines of NMEA (RMC, GGA and VTG each time) to
 * `new GPS(receiver)`.
 *
 * ```ts
 * import { GPS } from "rtcbot";
 * import { FakeGPS, ManualClock } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * await using receiver = new FakeGPS({ clock, seed: 7 });
 * await using gps = new GPS(receiver);
 * const fix = gps.get();
 * clock.advance(2000);
 * assert.ok(Math.abs((await fix).latitude - receiver.position.latitude) < 0.001);
 * ```
 */
export class FakeGPS extends SubscriptionProducer<string> {
  readonly #stop: () => void;
  readonly #random: () => number;
  readonly #speed: number;
  #position: FakeGPSPosition;
  #timeMs: number;
  #lost = false;

  /** It is carried along from now on. */
  constructor(options: FakeGPSOptions = {}) {
    super();
    const { seed = 1, speed = 1.4, rateHz = 1, clock = systemClock } = options;
    const { latitude, longitude } = options.start ?? { latitude: 48.1173, longitude: 11.5167 };
    this.#random = randomFrom(seed);
    this.#speed = speed;
    this.#position = { latitude, longitude, altitude: 545, course: this.#random() * 360 };
    this.#timeMs = options.startMs ?? Date.UTC(2026, 0, 1, 12);
    this.#stop = clock.every(1000 / rateHz, () => this.#step(1000 / rateHz));
  }

  /** Where it really is. */
  get position(): FakeGPSPosition {
    return this.#position;
  }

  /** It goes into a tunnel, and comes out again with `false`. */
  loseSky(lost = true): void {
    this.#lost = lost;
  }

  /** It says any line, for example a broken one. */
  say(line: string): void {
    this._put_nowait(line);
  }

  /** Frees the clock. */
  protected override _close(): void {
    this.#stop();
  }

  #step(ms: number): void {
    const { latitude, longitude, altitude, course: before } = this.#position;
    const course = (before + (this.#random() * 2 - 1) * TURN_DEG + 360) % 360;
    const metres = this.#speed * ms / 1000, radians = course * Math.PI / 180;
    const east = METRES_A_DEGREE * Math.cos(latitude * Math.PI / 180);
    this.#position = {
      latitude: latitude + metres * Math.cos(radians) / METRES_A_DEGREE,
      longitude: longitude + metres * Math.sin(radians) / east,
      altitude: altitude + (this.#random() - 0.5) * 0.2,
      course,
    };
    this.#timeMs += ms;
    for (const line of this.#sentences()) this._put_nowait(line);
  }

  #sentences(): string[] {
    const { latitude, longitude, altitude, course } = this.#position;
    const [day = "", clock = ""] = new Date(this.#timeMs).toISOString().split("T");
    const time = clock.replaceAll(":", "").slice(0, 9), date = day.slice(2).split("-").reverse();
    const place = `${degrees(latitude, 2, "NS")},${degrees(longitude, 3, "EW")}`;
    const knots = (this.#speed / KNOT).toFixed(3), heading = course.toFixed(1);
    const bodies = this.#lost
      ? [
        `GNRMC,${time},V,,,,,,,${date.join("")},,,N`,
        `GNGGA,${time},,,,,0,00,99.9,,M,,M,,`,
        "GNVTG,,T,,M,,N,,K,N",
      ]
      : [
        `GNRMC,${time},A,${place},${knots},${heading},${date.join("")},,,A`,
        `GNGGA,${time},${place},1,09,0.9,${altitude.toFixed(1)},M,46.9,M,,`,
        `GNVTG,${heading},T,,M,${knots},N,${(this.#speed * 3.6).toFixed(3)},K,A`,
      ];
    return bodies.map(writeNmea);
  }
}

/** `ddmm.mmmmm,N` */
function degrees(value: number, digits: number, sides: string): string {
  // Rounded as a whole, so that 59.999999 minutes become the next degree.
  const minutes = Math.round(Math.abs(value) * 60 * 1e5) / 1e5;
  const whole = String(Math.floor(minutes / 60)).padStart(digits, "0");
  return `${whole}${(minutes % 60).toFixed(5).padStart(8, "0")},${sides[value < 0 ? 1 : 0]}`;
}
