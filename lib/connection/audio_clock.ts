/** What sound needs of time, so that tests can be the clock. */
export interface AudioClock {
  /** Milliseconds, evenly and never back. */
  nowMs(): number;
  /** Calls back once, in so many milliseconds; what it returns prevents that. */
  after(ms: number, callback: () => void): () => void;
}

/** The clock of `performance.now()`, which stamps of packets and frames are on as well. */
export const systemAudioClock: AudioClock = {
  nowMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
