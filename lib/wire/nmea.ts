/**
 * Sentences of NMEA 0183, which GPS receivers speak: what one line says of position, movement and quality.
 *
 * ```text
 * $GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47
 *  ^^ the talker: GP GPS, GL GLONASS, GA Galileo, GB or BD BeiDou, GQ QZSS, GN several together
 *    ^^^ the kind                                                 ^^ XOR of all between $ and *, in hex
 * ```
 *
 * Our own, because parsers of npm read the clock, throw at what they do not know or take a line without
 * checking its sum; this one takes bytes and gives values, and never throws.
 *
 * Kinds that are read: GGA, RMC, GLL, VTG, GNS, ZDA. All others are well-formed and say nothing here.
 */

/** How good a position is, from the worst. */
export type GPSQuality =
  | "none"
  | "estimated"
  | "manual"
  | "simulated"
  | "gps"
  | "dgps"
  | "pps"
  | "float rtk"
  | "rtk";

/** What one sentence says; what it says nothing of is left out. */
export interface NmeaReading {
  /** The kind, such as `"GGA"`. */
  readonly kind: string;
  /** Who speaks, such as `"GP"`. */
  readonly talker: string;
  /** Degrees, north positive. */
  readonly latitude?: number;
  /** Degrees, east positive. */
  readonly longitude?: number;
  /** Metres above mean sea level. */
  readonly altitude?: number;
  /** Metres a second over ground. */
  readonly speed?: number;
  /** Degrees over ground, clockwise from true north. */
  readonly course?: number;
  /** Satellites in use. */
  readonly satellites?: number;
  /** Horizontal dilution of precision: 1 is good, 10 is bad. */
  readonly hdop?: number;
  /** `"none"` when the receiver has no position. */
  readonly quality?: GPSQuality;
  /** Milliseconds of the day, UTC. */
  readonly timeOfDayMs?: number;
  /** The day, as milliseconds from 1970-01-01, UTC. */
  readonly dayMs?: number;
}

/** NMEA 0183 allows 82 characters; some receivers send more. */
const MAX_SENTENCE = 256;
const KNOT = 1852 / 3600; // m/s
const DAY_MS = 86_400_000;

/** GGA's quality indicator, by its number. */
const GGA_QUALITY: readonly GPSQuality[] = [
  ...[
    "none",
    "gps",
    "dgps",
    "pps",
    "rtk",
    "float rtk",
    "estimated",
    "manual",
    "simulated",
  ] as const,
];
/** The mode indicator of RMC, GLL, VTG and GNS (since NMEA 2.3). */
const MODE: Readonly<Record<string, GPSQuality>> = {
  ...{ A: "gps", D: "dgps", P: "pps", R: "rtk", F: "float rtk" },
  ...{ E: "estimated", M: "manual", S: "simulated", N: "none" },
};

/**
 * Reads one line, with or without its end.
 *
 * @returns `null` when it is broken: no sentence, a wrong or missing checksum, or a value that cannot be
 */
export function parseNmea(line: string): NmeaReading | null {
  const text = line.trim();
  const sentence = /^\$([A-Z]{2})([A-Z0-9]{3})((?:,[\x20-\x7e]*)?)\*([0-9A-Fa-f]{2})$/.exec(text);
  if (sentence === null || text.length > MAX_SENTENCE) return proprietary(text);
  const [, talker = "", kind = "", rest = ""] = sentence;
  if (!hasRightSum(text)) return null;
  const fields = rest.split(",").slice(1);
  const read = READERS[kind];
  if (read === undefined) return { kind, talker };
  const values: Values = {};
  try {
    read(fields, values);
  } catch (error) {
    if (error instanceof BrokenField) return null;
    throw error;
  }
  return { kind, talker, ...values };
}

/** Adds `$`, checksum and line end to what stands between them: `"GPGGA,…"`. */
export function writeNmea(body: string): string {
  return `$${body}*${checksum(body).toString(16).toUpperCase().padStart(2, "0")}\r\n`;
}

/** Sentences of makers begin with P and are right as long as their sum is. */
function proprietary(text: string): NmeaReading | null {
  const kind = /^\$P([A-Z0-9]{1,10})[,*]/.exec(text)?.[1];
  const ends = /\*[0-9A-Fa-f]{2}$/.test(text) && text.length <= MAX_SENTENCE;
  return kind !== undefined && ends && hasRightSum(text) ? { kind, talker: "P" } : null;
}

function hasRightSum(text: string): boolean {
  return checksum(text.slice(1, -3)) === Number.parseInt(text.slice(-2), 16);
}

function checksum(body: string): number {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum ^= body.charCodeAt(i);
  return sum & 0xff;
}

type Values = { -readonly [K in keyof NmeaReading]?: NmeaReading[K] };
type Fields = readonly string[];

class BrokenField extends Error {}

const READERS: Readonly<Record<string, (fields: Fields, values: Values) => void>> = {
  // time, lat, N, lon, E, quality, satellites, hdop, altitude, M, geoid separation, M, age, station
  GGA(fields, values) {
    readTime(fields[0], values);
    readPosition(fields.slice(1, 5), values);
    readNumber(fields[5], (quality) => values.quality = GGA_QUALITY[quality] ?? "none", /^\d$/);
    readNumber(fields[6], (satellites) => values.satellites = satellites, /^\d{1,2}$/);
    readNumber(fields[7], (hdop) => values.hdop = hdop);
    readNumber(fields[8], (altitude) => values.altitude = altitude);
  },
  // time, status, lat, N, lon, E, knots, course, date, variation, E, mode
  RMC(fields, values) {
    readTime(fields[0], values);
    readPosition(fields.slice(2, 6), values);
    readNumber(fields[6], (knots) => values.speed = knots * KNOT);
    readNumber(fields[7], (course) => values.course = course);
    readDate(fields[8], values);
    readStatus(fields[1], fields[11], values);
  },
  // lat, N, lon, E, time, status, mode
  GLL(fields, values) {
    readPosition(fields.slice(0, 4), values);
    readTime(fields[4], values);
    readStatus(fields[5], fields[6], values);
  },
  // course, T, course, M, knots, N, km/h, K, mode
  VTG(fields, values) {
    readNumber(fields[0], (course) => values.course = course);
    readNumber(fields[4], (knots) => values.speed = knots * KNOT);
    if (values.speed === undefined) readNumber(fields[6], (kmh) => values.speed = kmh / 3.6);
  },
  // time, lat, N, lon, E, mode of each system, satellites, hdop, altitude, separation, age, station
  GNS(fields, values) {
    readTime(fields[0], values);
    readPosition(fields.slice(1, 5), values);
    const modes = [...fields[5] ?? ""].map((mode) => MODE[mode] ?? "none");
    if (modes.length > 0) values.quality = modes.find((mode) => mode !== "none") ?? "none";
    readNumber(fields[6], (satellites) => values.satellites = satellites, /^\d{1,2}$/);
    readNumber(fields[7], (hdop) => values.hdop = hdop);
    readNumber(fields[8], (altitude) => values.altitude = altitude);
  },
  // time, day, month, year, zone
  ZDA(fields, values) {
    readTime(fields[0], values);
    if (!fields[1]) return;
    readDay(Number(fields[3]), Number(fields[2]), Number(fields[1]), values);
  },
};

/** "V" means a warning: the position is not to be used, unless the mode says that it is reckoned. */
function readStatus(status = "", mode = "", values: Values): void {
  if (!/^[AV]?$/.test(status)) throw new BrokenField();
  if (mode !== "") values.quality = MODE[mode] ?? "none";
  else if (status !== "") values.quality = status === "A" ? "gps" : "none";
}

/** Empty fields mean that the receiver does not know. */
function readNumber(
  field: string | undefined,
  give: (value: number) => void,
  form = /^-?\d{1,9}(\.\d{0,9})?$|^-?\.\d{1,9}$/,
): void {
  if (!field) return;
  if (!form.test(field)) throw new BrokenField();
  give(Number(field));
}

/** `ddmm.mmm,N,dddmm.mmm,E` */
function readPosition(fields: Fields, values: Values): void {
  const [lat, north, lon, east] = fields;
  if (!lat && !lon) return;
  values.latitude = angle(lat, north, /^(\d{2})(\d{2}(?:\.\d{0,9})?)$/, "NS", 90);
  values.longitude = angle(lon, east, /^(\d{3})(\d{2}(?:\.\d{0,9})?)$/, "EW", 180);
}

function angle(field = "", side = "", form: RegExp, sides: string, most: number): number {
  const [, degrees, minutes] = form.exec(field) ?? [];
  const value = Number(degrees) + Number(minutes) / 60;
  if (!(Number(minutes) < 60 && value <= most) || side.length !== 1 || !sides.includes(side)) {
    throw new BrokenField();
  }
  return side === sides[0] ? value : -value;
}

/** `hhmmss.sss`; 60 is a leap second. */
function readTime(field: string | undefined, values: Values): void {
  if (!field) return;
  const [, h, m, s] = /^(\d{2})(\d{2})(\d{2}(?:\.\d{0,9})?)$/.exec(field) ?? [];
  if (!(Number(h) < 24 && Number(m) < 60 && Number(s) < 61)) throw new BrokenField();
  values.timeOfDayMs = Number(h) * 3_600_000 + Number(m) * 60_000 + Math.round(Number(s) * 1000);
}

/** `ddmmyy`; there was no GPS before 1980. */
function readDate(field: string | undefined, values: Values): void {
  if (!field) return;
  const [, d, m, y] = /^(\d{2})(\d{2})(\d{2})$/.exec(field) ?? [];
  readDay(Number(y) + (Number(y) < 80 ? 2000 : 1900), Number(m), Number(d), values);
}

function readDay(year: number, month: number, day: number, values: Values): void {
  const ms = Date.UTC(year, month - 1, day);
  const back = new Date(ms);
  if (Number.isNaN(ms) || back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) {
    throw new BrokenField();
  }
  values.dayMs = ms - ms % DAY_MS;
}
