/**
 * Tells from the times at which packets left and arrived whether a queue grows somewhere on the way:
 * sections 5.1 to 5.4 of draft-ietf-rmcat-gcc-02, with the trend line that libwebrtc has in the place of
 * the Kalman filter. Pure. Only differences of times are used, so that the two clocks need not agree.
 */

/** What the way is like: too much is sent, a queue is draining, or neither. */
export type Usage = "over" | "under" | "normal";

/** Packets that leave within this are one group (draft-ietf-rmcat-gcc-02, section 5.2). */
const BURST_MS = 5;
/** A longer silence tells nothing about a queue. */
const SILENCE_MS = 3_000;

// TrendlineEstimator of libwebrtc: groups in the line, its smoothing, its gain, how many groups count.
const WINDOW = 20, SMOOTHING = 0.9, GAIN = 4, MOST_GROUPS = 60;
// Section 5.4: the threshold, how quickly it follows upwards and downwards, and its bounds.
const THRESHOLD = 12.5, UP = 0.0087, DOWN = 0.039, LOWEST = 6, HIGHEST = 600;
/** A trend so far above the threshold is a spike, to which the threshold is not fitted. */
const SPIKE = 15;
/** Over-use must last so long to be believed (section 5.4). */
const OVERUSE_MS = 10;

interface Group {
  firstSentMs: number;
  lastSentMs: number;
  firstArrivedMs: number;
  lastArrivedMs: number;
}

/** Watches the delay of one stream of packets. */
export class DelayDetector {
  #usage: Usage = "normal";
  #group: Group | null = null;
  #before: Group | null = null;
  #groups = 0;
  #sum = 0;
  #smoothed = 0;
  #line: { atMs: number; delayMs: number }[] = [];
  #trend = 0;
  #threshold = THRESHOLD;
  #thresholdMs: number | null = null;
  #overMs = 0;
  #overCount = 0;

  /** What the packets so far show. */
  get usage(): Usage {
    return this.#usage;
  }

  /**
   * A packet that has arrived, in the order in which they left.
   *
   * @param sentMs on the sender's clock
   * @param arrivedMs on the receiver's clock
   */
  packet(sentMs: number, arrivedMs: number): void {
    const group = this.#group;
    if (group && sentMs < group.firstSentMs) return; // sent again, or reported late
    if (group && this.#belongs(group, sentMs, arrivedMs)) {
      group.lastSentMs = Math.max(group.lastSentMs, sentMs);
      group.lastArrivedMs = Math.max(group.lastArrivedMs, arrivedMs);
      return;
    }
    if (group && this.#before) this.#compare(this.#before, group);
    this.#before = group;
    this.#group = {
      firstSentMs: sentMs,
      lastSentMs: sentMs,
      firstArrivedMs: arrivedMs,
      lastArrivedMs: arrivedMs,
    };
  }

  #belongs(group: Group, sentMs: number, arrivedMs: number): boolean {
    if (sentMs - group.firstSentMs <= BURST_MS) return true;
    // What a radio or a sleeping process held back arrives at once, and is no sign of a queue.
    const gapMs = arrivedMs - group.lastArrivedMs;
    return gapMs <= BURST_MS && gapMs < sentMs - group.lastSentMs &&
      arrivedMs - group.firstArrivedMs < 100;
  }

  #compare(before: Group, group: Group): void {
    const sentMs = group.lastSentMs - before.lastSentMs;
    const arrivedMs = group.lastArrivedMs - before.lastArrivedMs;
    if (arrivedMs < 0) return;
    if (sentMs > SILENCE_MS || Math.abs(arrivedMs - sentMs) > SILENCE_MS) return this.#reset();
    this.#groups = Math.min(this.#groups + 1, MOST_GROUPS);
    this.#sum += arrivedMs - sentMs;
    this.#smoothed = SMOOTHING * this.#smoothed + (1 - SMOOTHING) * this.#sum;
    this.#line.push({ atMs: group.lastArrivedMs, delayMs: this.#smoothed });
    if (this.#line.length > WINDOW) this.#line.shift();
    const trend = this.#line.length < WINDOW ? this.#trend : slope(this.#line);
    this.#detect(trend, sentMs, group.lastArrivedMs);
  }

  #detect(trend: number, sentMs: number, nowMs: number): void {
    const value = this.#groups * trend * GAIN;
    if (value > this.#threshold) {
      this.#overMs += this.#overCount === 0 ? sentMs / 2 : sentMs;
      this.#overCount++;
      if (this.#overMs > OVERUSE_MS && this.#overCount > 1 && trend >= this.#trend) {
        this.#overMs = 0;
        this.#overCount = 0;
        this.#usage = "over";
      }
    } else {
      this.#overMs = 0;
      this.#overCount = 0;
      this.#usage = value < -this.#threshold ? "under" : "normal";
    }
    this.#trend = trend;
    this.#adapt(Math.abs(value), nowMs);
  }

  /** Section 5.4: what is usual on this way is not over-use; and TCP beside us must not starve us. */
  #adapt(value: number, nowMs: number): void {
    const passedMs = Math.min(nowMs - (this.#thresholdMs ?? nowMs), 100);
    this.#thresholdMs = nowMs;
    if (value > this.#threshold + SPIKE) return;
    const quickness = value < this.#threshold ? DOWN : UP;
    const threshold = this.#threshold + quickness * (value - this.#threshold) * passedMs;
    this.#threshold = Math.min(Math.max(threshold, LOWEST), HIGHEST);
  }

  #reset(): void {
    this.#line = [];
    this.#groups =
      this.#sum =
      this.#smoothed =
      this.#trend =
        0;
    this.#overMs = this.#overCount = 0;
    this.#usage = "normal";
  }
}

/** Least squares: by how many ms the delay grows in a ms. */
function slope(line: readonly { atMs: number; delayMs: number }[]): number {
  const first = line[0]!.atMs;
  let x = 0, y = 0;
  for (const point of line) {
    x += point.atMs - first;
    y += point.delayMs;
  }
  x /= line.length;
  y /= line.length;
  let above = 0, below = 0;
  for (const point of line) {
    const dx = point.atMs - first - x;
    above += dx * (point.delayMs - y);
    below += dx * dx;
  }
  return below === 0 ? 0 : above / below;
}
