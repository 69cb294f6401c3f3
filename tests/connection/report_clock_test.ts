import assert from "node:assert/strict";
import { ReportClock } from "../../lib/connection/report_clock.ts";

/** Signed distance of two 32-bit RTP times, in ms. */
const apart = (a: number, b: number, rateHz: number) => (a - b | 0) * 1000 / rateHz;

Deno.test("ReportClock.at() is RTP time on our clock when nothing was sent", () => {
  assert.equal(new ReportClock(90_000, 0).at(1000), 90_000);
  assert.equal(new ReportClock(48_000, 20).at(2 ** 32 / 48 + 10), 480);
});

Deno.test("ReportClock.at() is the same whatever encoding takes", () => {
  const [sound, picture] = [new ReportClock(48_000, 20), new ReportClock(90_000, 0)];
  for (let n = 0; n < 1_000; n++) {
    const blockEndsMs = 5_000 + Math.ceil((n + 1) * 20 / 21.3) * 21.3;
    sound.sent((5_000 + n * 20) * 48, blockEndsMs);
    const encodingMs = n % 10 === 0 ? 150 : 2 + n % 30;
    picture.sent((5_000 + n * 20) * 90 % 2 ** 32, 5_000 + n * 20 + encodingMs);
    const nowMs = 5_000 + n * 20 + 70;
    if (n > 50) {
      const soundMs = apart(sound.at(nowMs), nowMs * 48, 48_000);
      const pictureMs = apart(picture.at(nowMs), nowMs * 90, 90_000);
      assert.ok(Math.abs(soundMs - pictureMs) < 4, `${soundMs} and ${pictureMs} ms`);
    }
  }
});

Deno.test("ReportClock.at() follows a source whose clock drifts", () => {
  const clock = new ReportClock(48_000, 20);
  const [drift, hourMs] = [200e-6, 3_600_000];
  for (let nowMs = 0; nowMs < hourMs; nowMs += 20) {
    clock.sent(Math.round((nowMs - 20) * 48 * (1 + drift)) >>> 0, nowMs);
  }
  const true_ = Math.round(hourMs * 48 * (1 + drift)) >>> 0;
  assert.ok(Math.abs(apart(clock.at(hourMs), true_, 48_000)) < 6);
});

Deno.test("ReportClock.at() forgets what was before a pause", () => {
  const clock = new ReportClock(90_000, 0);
  clock.sent(90_000, 1_000);
  clock.sent(90 * 60_000, 60_500); // half a second behind
  assert.equal(apart(clock.at(60_500), 90 * 60_000, 90_000), 0);
});
