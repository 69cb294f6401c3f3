import assert from "node:assert/strict";
import {
  answerH264,
  h264Suitability,
  matchesH264,
  parseProfileLevelId,
} from "../../lib/wire/h264_profile.ts";

Deno.test("parseProfileLevelId() knows the profiles that browsers name", () => {
  const cases = {
    "42e01f": ["constrained baseline", 31],
    "42E034": ["constrained baseline", 52],
    "42001f": ["baseline", 31],
    "4d001f": ["main", 31],
    "64001f": ["high", 31],
    "640c1f": ["constrained high", 31],
  } as const;
  for (const [id, [profile, level]] of Object.entries(cases)) {
    assert.deepEqual(parseProfileLevelId(id), { profile, level }, id);
  }
  for (const id of ["", "42e01", "42e01g", "000000", "f4001f"]) {
    assert.equal(parseProfileLevelId(id), null, id);
  }
});

Deno.test("matchesH264() wants the same profile and packetization mode, and minds no level", () => {
  const line = (id: string, mode: number) => `packetization-mode=${mode};profile-level-id=${id}`;
  assert.ok(matchesH264(line("42e01f", 1), line("42e034", 1)));
  assert.ok(!matchesH264(line("42e01f", 1), line("42e01f", 0)));
  assert.ok(!matchesH264(line("42e01f", 1), line("42001f", 1)));
  assert.ok(!matchesH264(line("42e01f", 1), "packetization-mode=1;profile-level-id=xyz"));
  assert.ok(!matchesH264("profile-level-id=xyz", "profile-level-id=xyz"));
});

Deno.test("h264Suitability() likes constrained baseline best, and wants packetization mode 1", () => {
  const of = (id: string, mode = 1) =>
    h264Suitability(`packetization-mode=${mode};profile-level-id=${id}`);
  assert.deepEqual(["42e01f", "42001f", "4d001f", "640c1f", "64001f"].map((id) => of(id)), [
    ...[0, 1, 2, 3, 4],
  ]);
  assert.equal(of("42e01f", 0), null);
  assert.equal(of("f4001f"), null); // High 4:4:4 is another matter
  assert.equal(h264Suitability("profile-level-id=42e01f"), null);
});

Deno.test("answerH264() keeps profile and mode; its level is its own only where both allow it", () => {
  const line = (asymmetry: number, mode: number, id: string) =>
    `level-asymmetry-allowed=${asymmetry};packetization-mode=${mode};profile-level-id=${id}`;
  assert.equal(answerH264(line(1, 1, "42e00a")), line(1, 1, "42e01f"));
  assert.equal(answerH264(line(1, 1, "42e034")), line(1, 1, "42e034"));
  assert.equal(answerH264(line(0, 1, "42e00a")), line(1, 1, "42e00a"));
  assert.equal(answerH264("packetization-mode=1;profile-level-id=64001f"), line(1, 1, "64001f"));
  assert.equal(answerH264(""), line(1, 0, "42000a"));
});
