/** What every {@linkcode Broker} promises, on one instance and, where there are several, on two. */
import assert from "node:assert/strict";
import type { Broker, Holder, OfferReply, Presence } from "../../lib/signaling/broker.ts";
import { within } from "../connection/pair.ts";

/** Makes brokers of one service; `elsewhere` is another instance, or the same one where there is only one. */
export interface BrokerSetup extends AsyncDisposable {
  readonly here: Broker;
  readonly elsewhere: Broker;
}

const STAYS: Presence = { stays: true, owned: true, tokenHash: null };
const MESSAGE = { offer: '{"type":"offer","sdp":"v=0"}', token: "t" };
const never = () => new AbortController().signal;

/** A robot that answers with what the viewer sent, and notes what became of its claim. */
function holder(
  offer?: Holder["offer"],
): Holder & { losses: string[]; lostFirst: Promise<string> } {
  const lost = Promise.withResolvers<string>();
  const losses: string[] = [];
  return {
    losses,
    lostFirst: lost.promise,
    offer: offer ??
      (({ offer, token }) => Promise.resolve({ kind: "answer", answer: offer + token })),
    lost(reason) {
      losses.push(reason);
      lost.resolve(reason);
    },
  };
}

/** Registers the tests. */
export function testBroker(
  name: string,
  setup: () => Promise<BrokerSetup>,
  test: (name: string, fn: () => Promise<void>) => void,
): void {
  test(`${name}.claim() gives an id to one at a time, until it is released`, async () => {
    await using brokers = await setup();
    const { here, elsewhere } = brokers;
    const claim = await here.claim("a", STAYS, holder());
    assert.ok(claim);
    assert.equal(await here.claim("a", STAYS, holder()), null);
    assert.equal(await elsewhere.claim("a", STAYS, holder()), null);
    assert.ok(await elsewhere.claim("b", STAYS, holder()));
    await claim.release();
    const next = await elsewhere.claim("a", STAYS, holder());
    assert.ok(next);
    await claim.release(); // is another's by now
    assert.equal(await here.claim("a", STAYS, holder()), null);
  });

  test(`${name}.claim() of two at once gives the id to one`, async () => {
    await using brokers = await setup();
    const claims = await Promise.all(
      Array.from(
        { length: 20 },
        (_, i) => (i % 2 ? brokers.here : brokers.elsewhere).claim("a", STAYS, holder()),
      ),
    );
    assert.equal(claims.filter((claim) => claim !== null).length, 1);
  });

  test(`${name}.claim() replaces who has the id when asked, and tells it once`, async () => {
    await using brokers = await setup();
    const [first, second, third] = [holder(), holder(), holder()];
    const claim = await brokers.here.claim("a", STAYS, first);
    assert.ok(await brokers.elsewhere.claim("a", STAYS, second, { replace: true }));
    assert.equal(await within(10_000, first.lostFirst, "the loss"), "replaced");
    await claim!.release();
    assert.ok(await brokers.elsewhere.claim("a", STAYS, third, { replace: true }));
    assert.equal(await within(10_000, second.lostFirst, "the loss"), "replaced");
    assert.deepEqual([first.losses, second.losses, third.losses], [["replaced"], ["replaced"], []]);
  });

  test(`${name}.find() tells who waits`, async () => {
    await using brokers = await setup();
    const presence = { stays: false, owned: false, tokenHash: "ab" };
    const claim = await brokers.here.claim("a", presence, holder());
    assert.deepEqual(await brokers.here.find("a"), presence);
    assert.deepEqual(await brokers.elsewhere.find("a"), presence);
    assert.equal(await brokers.here.find("b"), null);
    await claim!.release();
    assert.equal(await brokers.elsewhere.find("a"), null);
  });

  test(`${name}.ask() takes offers to the robot and its replies back`, async () => {
    await using brokers = await setup();
    await brokers.here.claim("a", STAYS, holder());
    const refusal: OfferReply = { kind: "refused", reason: "ünfit", needsToken: true };
    await brokers.elsewhere.claim("b", STAYS, holder(() => Promise.resolve(refusal)));
    for (const broker of [brokers.here, brokers.elsewhere]) {
      const options = { signal: never() };
      assert.deepEqual(await broker.ask("a", MESSAGE, options), {
        kind: "answer",
        answer: MESSAGE.offer + "t",
      });
      assert.deepEqual(await broker.ask("b", MESSAGE, options), refusal);
      assert.equal(await broker.ask("c", MESSAGE, options), null);
    }
  });

  test(`${name}.ask() of many at once gives each its own reply`, async () => {
    await using brokers = await setup();
    await brokers.here.claim("a", STAYS, holder());
    const replies = await Promise.all(
      Array.from(
        { length: 50 },
        (_, i) =>
          brokers.elsewhere.ask("a", { offer: String(i), token: null }, { signal: never() }),
      ),
    );
    assert.deepEqual(replies, replies.map((_, i) => ({ kind: "answer", answer: `${i}null` })));
  });

  test(`${name}.ask() gives up when its signal aborts, and lets the robot know`, async () => {
    await using brokers = await setup();
    for (const broker of [brokers.here, brokers.elsewhere]) {
      const asked = Promise.withResolvers<AbortSignal>();
      const told = Promise.withResolvers<void>();
      const claim = await brokers.here.claim(
        "a",
        STAYS,
        holder((_, signal) => {
          asked.resolve(signal);
          return new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
              told.resolve();
              reject(signal.reason);
            });
          });
        }),
      );
      const viewer = new AbortController();
      const asking = broker.ask("a", MESSAGE, { signal: viewer.signal });
      assert.equal((await within(10_000, asked.promise, "the offer")).aborted, false);
      viewer.abort(new Error("enough"));
      await assert.rejects(asking, /^Error: enough/);
      await within(10_000, told.promise, "the robot's being told");
      await claim!.release();
    }
  });

  test(`${name}.close() rejects who asks, and releases what was claimed`, async () => {
    await using brokers = await setup();
    const asked = Promise.withResolvers<void>();
    const patient = holder((_, signal) => {
      asked.resolve();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    await brokers.here.claim("a", STAYS, patient);
    const asking = brokers.here.ask("a", MESSAGE, { signal: never() });
    await asked.promise;
    const refused = assert.rejects(asking, { name: "ConnectionLost" });
    await brokers.here.close();
    await refused;
    await assert.rejects(brokers.here.claim("b", STAYS, holder()), { name: "ConnectionLost" });
    if (brokers.elsewhere !== brokers.here) assert.equal(await brokers.elsewhere.find("a"), null);
    await brokers.here.close();
  });
}
