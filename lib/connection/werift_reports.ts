/**
 * True sender reports: werift pairs the time at which the last packet left with the RTP time at which its
 * frame was captured, so that sound and picture seem apart by whatever encoding and pacing took, and it
 * writes a second's fraction in decimal digits where RFC 3550, section 4, wants units of 2^-32 seconds.
 */
import type { ReportClock } from "./report_clock.ts";

const NTP_EPOCH_MS = 2_208_988_800_000; // 1900 to 1970, RFC 868
/** The two times of one report are read one after the other. */
const SAME_INSTANT_MS = 2;

/** Makes the reports of a werift sender say what RTP time it is when they are sent. */
export function reportTruly(sender: object, clock: ReportClock): void {
  let instantMs = -Infinity;
  const instant = () => {
    const nowMs = performance.now();
    if (nowMs - instantMs > SAME_INSTANT_MS) instantMs = nowMs;
    return instantMs;
  };
  const set = () => {}; // werift's own idea, at each packet
  Object.defineProperties(sender, {
    ntpTimestamp: { get: () => ntpTime(performance.timeOrigin + instant()), set },
    rtpTimestamp: { get: () => clock.at(instant()), set },
  });
}

/** Milliseconds since 1970 as an NTP time stamp: 32 bits of seconds since 1900, 32 of their fraction. */
export function ntpTime(epochMs: number): bigint {
  const ms = epochMs + NTP_EPOCH_MS, seconds = Math.floor(ms / 1_000);
  const fraction = Math.floor((ms - seconds * 1_000) / 1_000 * 2 ** 32);
  return BigInt(seconds) << 32n | BigInt(fraction);
}
