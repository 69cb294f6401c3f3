import assert from "node:assert/strict";
import { type NmeaReading, parseNmea, writeNmea } from "../../lib/wire/nmea.ts";
import { type GPSFix, NmeaFixes } from "../../lib/wire/nmea_fixes.ts";
import { mutate, seeded } from "./feed.ts";

// Sentences as receivers really send them.
const GGA = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47";
const RMC = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A";
const UBLOX = "$GPRMC,083559.00,A,4717.11437,N,00833.91522,E,0.004,77.52,091202,,,A*57";

Deno.test("parseNmea() reads a position", () => {
  const reading = parseNmea(`${GGA}\r\n`)!;
  assert.ok(Math.abs(reading.latitude! - 48.1173) < 1e-6);
  assert.ok(Math.abs(reading.longitude! - 11.516666) < 1e-6);
  const { kind, talker, altitude, satellites, hdop, quality, timeOfDayMs } = reading;
  assert.deepEqual({ kind, talker, altitude, satellites, hdop, quality, timeOfDayMs }, {
    ...{ kind: "GGA", talker: "GP", altitude: 545.4, satellites: 8, hdop: 0.9, quality: "gps" },
    timeOfDayMs: ((12 * 60 + 35) * 60 + 19) * 1000,
  });
});

Deno.test("parseNmea() reads movement and date", () => {
  const reading = parseNmea(RMC)!;
  assert.ok(Math.abs(reading.speed! - 22.4 * 0.514444) < 1e-3);
  assert.equal(reading.course, 84.4);
  assert.equal(reading.dayMs, Date.UTC(1994, 2, 23));
  assert.equal(reading.quality, "gps");
});

Deno.test("parseNmea() reads every kind that says something, of every talker", () => {
  const cases: [string, Partial<NmeaReading>][] = [
    ["GLGLL,4916.45,S,12311.12,W,225444,A,D", { latitude: -(49 + 16.45 / 60), quality: "dgps" }],
    ["GAVTG,054.7,T,034.4,M,005.5,N,010.2,K", { course: 54.7, speed: 5.5 * 1852 / 3600 }],
    ["GAVTG,,T,,M,,N,036.0,K,A", { speed: 10 }],
    ["GNGNS,014035.00,4332.69,S,17235.48,E,RN,13,0.9,25.63,11.24,,", {
      ...{ quality: "rtk", satellites: 13, altitude: 25.63, hdop: 0.9 },
    }],
    ["GNGNS,014035.00,,,,,NN,0,,,,,", { quality: "none" }],
    ["GPZDA,160012.71,11,03,2004,-1,00", { dayMs: Date.UTC(2004, 2, 11), timeOfDayMs: 57_612_710 }],
    ["GBGGA,000000,,,,,0,00,,,M,,M,,", { quality: "none", satellites: 0, timeOfDayMs: 0 }],
    ["GQGGA,235960.5,0000.0,N,00000.0,E,4,,,-12.5,M,,M,,", { quality: "rtk", altitude: -12.5 }],
    ["GPRMC,225446,V,,,,,,,191194,,,E", { quality: "estimated" }],
    ["GPRMC,225446,V,,,,,,,191194,,", { quality: "none" }],
  ];
  for (const [body, values] of cases) {
    const reading = parseNmea(writeNmea(body))!;
    assert.notEqual(reading, null, body);
    for (const [name, value] of Object.entries(values)) {
      assert.equal(reading[name as keyof NmeaReading], value, `${body} ${name}`);
    }
  }
  assert.equal(parseNmea(UBLOX)?.course, 77.52);
  assert.equal(parseNmea(writeNmea("GPGSV,1,1,01,04,13,065,44"))?.kind, "GSV");
  assert.deepEqual(parseNmea(writeNmea("PUBX,00,1")), { kind: "UBX", talker: "P" });
});

Deno.test("parseNmea() refuses what is broken", () => {
  const broken = [
    ...[
      "",
      "$",
      "hello",
      GGA.slice(1),
      GGA.replace("*47", "*48"),
      GGA.replace("*47", ""),
      `${GGA}x`,
    ],
    ...["GPGGA,250000,,,,,1", "GPGGA,126000,,,,,1", "GPGGA,12351,,,,,1"].map(writeNmea),
    ...["GPGGA,,9100.0,N,00000.0,E,1", "GPGGA,,4860.0,N,00000.0,E,1"].map(writeNmea),
    ...["GPGGA,,4800.0,X,00000.0,E,1", "GPGGA,,4800.0,,00000.0,E,1"].map(writeNmea),
    ...["GPGGA,,4800.0,N,,,1", "GPGGA,,4800.0,N,18100.0,E,1"].map(writeNmea),
    ...["GPGGA,,,,,,1,,1e5", "GPGGA,,,,,,1,1.5", "GPGGA,,,,,,x"].map(writeNmea),
    ...["GPRMC,,A,,,,,,,310294", "GPRMC,,A,,,,,,,3102", "GPRMC,,B"].map(writeNmea),
    writeNmea(`GPGGA,${"1".repeat(300)}`),
  ];
  for (const line of broken) assert.equal(parseNmea(line), null, line);
});

Deno.test("parseNmea() and NmeaFixes never throw, and give numbers that can be", () => {
  const next = seeded(11), fixes = new NmeaFixes();
  const lines = [GGA, RMC, UBLOX, writeNmea("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K")];
  let right = 0;
  for (let round = 0; round < 20_000; round++) {
    const body = mutate(lines[next() % lines.length]!.slice(1, -3), next, 1 + next() % 4);
    const line = next() % 4 ? writeNmea(body.replaceAll("*", "")) : mutate(`$${body}*00`, next, 2);
    const reading = parseNmea(line);
    if (reading === null) continue;
    right++;
    for (const value of Object.values(reading)) {
      assert.ok(typeof value === "string" || Number.isFinite(value), line);
    }
    assert.ok(Math.abs(reading.latitude ?? 0) <= 90 && Math.abs(reading.longitude ?? 0) <= 180);
    for (const fix of fixes.push(line)) assert.ok(Math.abs(fix.latitude) <= 90);
  }
  assert.ok(right > 1000);
});

/** What one moment of a receiver sounds like. */
function moment(seconds: number, kinds: string[], day = "010126"): string[] {
  const time = String(seconds).padStart(6, "0");
  const bodies: Record<string, string> = {
    RMC: `GNRMC,${time},A,4807.038,N,01131.000,E,10.0,084.4,${day},,,A`,
    GGA: `GNGGA,${time},4807.038,N,01131.000,E,2,08,0.9,545.4,M,46.9,M,,`,
    VTG: "GNVTG,84.4,T,,M,10.0,N,18.52,K,A",
    GSV: "GPGSV,1,1,01,04,13,065,44",
  };
  return kinds.map((kind) => writeNmea(bodies[kind]!));
}

Deno.test("NmeaFixes gives one fix a moment, whatever the order, at once from the second on", () => {
  for (
    const order of [["RMC", "VTG", "GGA", "GSV"], ["GGA", "GSV", "RMC"], ["GGA", "RMC", "VTG"]]
  ) {
    const fixes = new NmeaFixes();
    const given: GPSFix[][] = [];
    for (const seconds of [1, 2, 3, 4]) {
      given.push(moment(seconds, order).flatMap((line) => fixes.push(line)));
    }
    assert.deepEqual(given.map((each) => each.length), [0, 2, 1, 1], order.join());
    const [fix] = given[3]!;
    assert.equal(fix!.timestampMs, Date.UTC(2026, 0, 1, 0, 0, 4));
    assert.equal(fix!.altitude, 545.4);
    assert.equal(fix!.quality, "dgps");
    assert.equal(fix!.satellites, 8);
    assert.ok(Math.abs(fix!.speed! - 5.144) < 0.001);
  }
});

Deno.test("NmeaFixes knows midnight when only RMC tells the day", () => {
  const fixes = new NmeaFixes();
  for (const line of moment(235958, ["RMC"])) fixes.push(line);
  const later = [235959, 0, 1, 2].flatMap((seconds) =>
    moment(seconds, ["GGA"]).flatMap((line) => fixes.push(line))
  );
  assert.equal(later.at(-1)!.timestampMs, Date.UTC(2026, 0, 2, 0, 0, 2));
});

Deno.test("NmeaFixes gives no fix while the position is lost", () => {
  const fixes = new NmeaFixes();
  for (const s of [1, 2, 3]) moment(s, ["RMC", "GGA"]).forEach((line) => fixes.push(line));
  assert.equal(fixes.quality, "dgps");
  const lost = ["GNRMC,000004,V,,,,,,,010126,,,N", "GNGGA,000004,,,,,0,00,,,M,,M,,"].map(writeNmea);
  assert.deepEqual(lost.flatMap((line) => fixes.push(line)), []);
  assert.equal(fixes.quality, "none");
  assert.equal(fixes.broken, 0);
});
