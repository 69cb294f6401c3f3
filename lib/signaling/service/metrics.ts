/** Counts for Prometheus (text format 0.0.4). No id, address or secret is ever a label. */

/** The upper bounds, in seconds, of the histogram of how long answers took. */
const BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts what happens. */
export class Metrics {
  readonly #counts = new Map<string, number>();
  readonly #buckets: number[] = BUCKETS_S.map(() => 0);
  #answers = 0;
  #answerSeconds = 0;

  /** One more of the kind, for example `count("offers", "answered")`. */
  count(what: "offers" | "robots", outcome: string): void {
    const key = `rtcbot_signaling_${what}_total{outcome="${outcome}"}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** An answer came after so long. */
  observe(seconds: number): void {
    this.#answers++;
    this.#answerSeconds += seconds;
    const bucket = BUCKETS_S.findIndex((most) => seconds <= most);
    if (bucket >= 0) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  /** The page that Prometheus reads. @param now what there is at present, by its name */
  text(now: Readonly<Record<string, number>>): string {
    const lines: string[] = [];
    for (const [name, value] of Object.entries(now)) {
      lines.push(`# TYPE rtcbot_signaling_${name} gauge`, `rtcbot_signaling_${name} ${value}`);
    }
    for (const what of ["offers", "robots"]) {
      const name = `rtcbot_signaling_${what}_total`;
      lines.push(`# TYPE ${name} counter`);
      for (const [key, value] of [...this.#counts].sort()) {
        if (key.startsWith(name)) lines.push(`${key} ${value}`);
      }
    }
    const histogram = "rtcbot_signaling_answer_seconds";
    lines.push(`# TYPE ${histogram} histogram`);
    let below = 0;
    BUCKETS_S.forEach((most, i) => {
      below += this.#buckets[i] ?? 0;
      lines.push(`${histogram}_bucket{le="${most}"} ${below}`);
    });
    lines.push(
      `${histogram}_bucket{le="+Inf"} ${this.#answers}`,
      `${histogram}_sum ${this.#answerSeconds.toFixed(6)}`,
      `${histogram}_count ${this.#answers}`,
    );
    return lines.join("\n") + "\n";
  }
}
