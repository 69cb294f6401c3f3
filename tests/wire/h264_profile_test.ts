import assert from "node:assert/strict";
import { matchesH264, parseProfileLevelId } from "../../lib/wire/h264_profile.ts";

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
