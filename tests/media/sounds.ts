/** Sounds to send through things, and measures of what is left of them. */

/** Something like speech: 120 Hz that wavers, two formants, three syllables a second. A pure function. */
export function speech(first: number, samples: number, rateHz = 48_000): Float32Array<ArrayBuffer> {
  const data = new Float32Array(samples);
  for (let i = 0; i < samples; i++) {
    const t = (first + i) / rateHz;
    const waver = 2 * Math.PI * 0.7;
    const turns = 120 * t - 20 / waver * Math.cos(waver * t);
    const pitch = 120 + 20 * Math.sin(waver * t);
    const syllable = 0.1 + Math.max(0, Math.sin(2 * Math.PI * 3 * t));
    let level = 0;
    for (let harmonic = 1; harmonic < 25; harmonic++) {
      const hz = harmonic * pitch;
      const formants = Math.exp(-((hz - 600) ** 2) / 2e5) +
        0.5 * Math.exp(-((hz - 1800) ** 2) / 4e5);
      level += formants * Math.sin(2 * Math.PI * harmonic * turns);
    }
    data[i] = 0.08 * syllable * level;
  }
  return data;
}

/** A sine, exact however late. */
export function sine(
  hz: number,
  first: number,
  samples: number,
  rateHz = 48_000,
  amplitude = 0.25,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: samples },
    (_, i) => amplitude * Math.sin(2 * Math.PI * (((first + i) * hz / rateHz) % 1)),
  );
}

/** The power of one pitch, as the amplitude of the sine that it would be (Goertzel's way). */
export function amplitudeAt(hz: number, data: Float32Array, rateHz = 48_000): number {
  const coefficient = 2 * Math.cos(2 * Math.PI * hz / rateHz);
  let [last, beforeLast] = [0, 0];
  for (const level of data) [last, beforeLast] = [level + coefficient * last - beforeLast, last];
  const power = last ** 2 + beforeLast ** 2 - coefficient * last * beforeLast;
  return 2 * Math.sqrt(Math.max(0, power)) / data.length;
}

/** One channel of interleaved samples. */
export function channel(
  data: Float32Array,
  index: number,
  channels: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: data.length / channels },
    (_, i) => data[i * channels + index]!,
  );
}

/** Mono on `channels` channels. */
export function interleave(...channels: Float32Array[]): Float32Array<ArrayBuffer> {
  const data = new Float32Array(channels[0]!.length * channels.length);
  channels.forEach((one, c) => one.forEach((level, i) => data[i * channels.length + c] = level));
  return data;
}

/** All behind one another. */
export function concat(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The mean square. */
export function power(data: Float32Array): number {
  return data.reduce((sum, level) => sum + level * level, 0) / data.length;
}

/** Signal to noise in dB: how much of `data` is a sine of this pitch, at whatever loudness and phase. */
export function sineSnr(hz: number, data: Float32Array, rateHz = 48_000): number {
  // Least squares on sine and cosine, with their overlap over a broken number of periods.
  let [ss, sc, cc, ds, dc] = [0, 0, 0, 0, 0];
  const waves = [...data.keys()].map((i) => {
    const phase = 2 * Math.PI * ((i * hz / rateHz) % 1);
    return [Math.sin(phase), Math.cos(phase)] as const;
  });
  waves.forEach(([s, c], i) => {
    ss += s * s, sc += s * c, cc += c * c, ds += data[i]! * s, dc += data[i]! * c;
  });
  const determinant = ss * cc - sc * sc;
  const [a, b] = [(ds * cc - dc * sc) / determinant, (dc * ss - ds * sc) / determinant];
  let [signal, noise] = [0, 0];
  waves.forEach(([s, c], i) => {
    const wanted = a * s + b * c;
    signal += wanted ** 2;
    noise += (data[i]! - wanted) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}

/** Signal to noise in dB of `after`, which comes `delay` samples late, against `before`. */
export function snr(before: Float32Array, after: Float32Array, delay: number): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i + delay < after.length && i < before.length; i++) {
    signal += before[i]! ** 2;
    noise += (after[i + delay]! - before[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** The delay up to `most` at which the two are most alike. */
export function findDelay(before: Float32Array, after: Float32Array, most: number): number {
  let [best, found] = [-Infinity, 0];
  for (let delay = 0; delay <= most; delay++) {
    const level = snr(before, after, delay);
    if (level > best) [best, found] = [level, delay];
  }
  return found;
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32 by Tommy Ettinger, public domain). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
