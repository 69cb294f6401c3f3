import assert from "node:assert/strict";
import { watchAddresses } from "../../lib/connection/werift_addresses.ts";

// RFC 5737 and RFC 3849: addresses that no machine has.
const NOBODYS = ["192.0.2.77", "2001:db8::77"];

Deno.test("watchAddresses() calls back once when none of the addresses is here", async () => {
  let calls = 0;
  const called = Promise.withResolvers<void>();
  const stop = watchAddresses(() => NOBODYS, () => {
    calls++;
    called.resolve();
  });
  await called.promise;
  const later = Promise.withResolvers<void>();
  const stopLater = watchAddresses(() => NOBODYS, later.resolve);
  await later.promise; // looks that were taken for both
  stopLater();
  stop();
  assert.equal(calls, 1);
});

Deno.test("watchAddresses() is silent while one of the addresses is here, and when it was stopped", async () => {
  let calls = 0;
  const count = () => void calls++;
  const stops = [
    watchAddresses(() => ["127.0.0.1"], count),
    watchAddresses(() => [...NOBODYS, "127.0.0.1"], count),
  ];
  watchAddresses(() => NOBODYS, count)();
  const gone = Promise.withResolvers<void>();
  stops.push(watchAddresses(() => NOBODYS, gone.resolve));
  await gone.promise;
  for (const stop of stops) stop();
  assert.equal(calls, 0);
});

Deno.test({
  name: "watchAddresses() asks for no permission and says nothing when it may not look",
  permissions: { ffi: false, sys: false },
  fn() {
    watchAddresses(() => NOBODYS, () => assert.fail("it cannot know"))();
  },
});
