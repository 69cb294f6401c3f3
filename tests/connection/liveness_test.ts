import assert from "node:assert/strict";
import { Liveness } from "../../lib/connection/liveness.ts";

/** What Liveness does to its surroundings, while time passes as told. */
class Watch {
  lastHeardMs = 0;
  nowMs = 0;
  readonly probes: number[] = [];
  readonly pings: number[] = [];
  readonly gone: number[] = [];
  #tick: (() => void) | null = null;
  #intervalMs = 0;
  #dueMs = 0;
  #liveness: Liveness | null = null;

  /** Runs the body with a clock and an interval of its own in the place of the real ones. */
  static run(body: (watch: Watch) => void): void {
    const watch = new Watch();
    const { setInterval, clearInterval } = globalThis;
    const now = performance.now;
    performance.now = () => watch.nowMs;
    globalThis.setInterval = ((tick: () => void, ms: number) => {
      watch.#tick = tick;
      watch.#intervalMs = ms;
      watch.#dueMs = watch.nowMs + ms;
      return 1;
    }) as unknown as typeof globalThis.setInterval;
    globalThis.clearInterval = () => void (watch.#tick = null);
    try {
      watch.#liveness = new Liveness(
        {
          get lastHeardMs(): number {
            return watch.lastHeardMs;
          },
          probe: () => void watch.probes.push(watch.nowMs),
        },
        () => watch.pings.push(watch.nowMs),
        (silentMs) => watch.gone.push(silentMs),
      );
      body(watch);
    } finally {
      performance.now = now;
      Object.assign(globalThis, { setInterval, clearInterval });
    }
  }

  get ticking(): boolean {
    return this.#tick !== null;
  }

  stop(): void {
    this.#liveness!.stop();
  }

  /** Lets time pass. @param hearing whether the other end is heard all the while */
  pass(ms: number, hearing: boolean): void {
    const untilMs = this.nowMs + ms;
    while (this.#tick && this.#dueMs <= untilMs) {
      this.nowMs = this.#dueMs;
      if (hearing) this.lastHeardMs = this.nowMs;
      this.#dueMs += this.#intervalMs;
      this.#tick();
    }
    this.nowMs = untilMs;
  }

  /** The whole process stands still; what came meanwhile is not read yet. */
  sleep(ms: number): void {
    this.nowMs += ms;
    this.#dueMs = this.nowMs;
  }
}

Deno.test("Liveness pings at once and twice a second, and does not probe who is heard", () => {
  Watch.run((watch) => {
    assert.deepEqual(watch.pings, [0]);
    watch.pass(5_000, true);
    assert.deepEqual(watch.pings, Array.from({ length: 11 }, (_, i) => i * 500));
    assert.deepEqual([watch.probes, watch.gone], [[], []]);
  });
});

Deno.test("Liveness probes a silent peer, and gives it up within 3 s, once", () => {
  Watch.run((watch) => {
    watch.pass(1_000, true);
    watch.pass(10_000, false);
    assert.deepEqual(watch.probes, [2_000, 2_500, 3_000, 3_500]);
    assert.equal(watch.gone.length, 1);
    assert.ok(watch.gone[0]! > 2_500 && watch.gone[0]! <= 3_000, `${watch.gone[0]} ms`);
    assert.equal(watch.ticking, false);
  });
});

Deno.test("Liveness gives up a peer that was never heard", () => {
  Watch.run((watch) => {
    watch.lastHeardMs = -Infinity;
    watch.pass(3_000, false);
    assert.equal(watch.gone.length, 1);
  });
});

Deno.test("Liveness begins anew when the peer is heard again", () => {
  Watch.run((watch) => {
    for (let i = 0; i < 5; i++) {
      watch.pass(2_250, false);
      watch.pass(250, true);
    }
    assert.deepEqual(watch.gone, []);
    watch.pass(3_000, false);
    assert.equal(watch.gone.length, 1);
  });
});

Deno.test("Liveness does not blame the peer when we slept", () => {
  Watch.run((watch) => {
    watch.pass(1_000, true);
    watch.sleep(60_000);
    watch.pass(250, false); // what came meanwhile is read after this tick
    assert.deepEqual(watch.gone, []);
    watch.pass(2_000, true);
    watch.sleep(60_000);
    watch.pass(3_250, false); // this time nothing had come
    assert.equal(watch.gone.length, 1);
  });
});

Deno.test("Liveness.stop() ends it", () => {
  Watch.run((watch) => {
    watch.stop();
    watch.stop();
    assert.equal(watch.ticking, false);
    watch.pass(10_000, false);
    assert.deepEqual([watch.pings, watch.gone], [[0], []]);
  });
});
