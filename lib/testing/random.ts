/** A small random number generator, so that a seed always builds the same world. */

/** Numbers in [0, 1) that depend on the seed alone (mulberry32 by Tommy Ettinger, public domain). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A smooth wavy line over one turn, in -1..1: a few sines with random phases. */
export function wavesFrom(
  random: () => number,
  lowest: number,
  count: number,
): (a: number) => number {
  const phases = Array.from({ length: count }, () => random() * 2 * Math.PI);
  return (angle) => {
    let sum = 0, weight = 0;
    for (const [i, phase] of phases.entries()) {
      sum += Math.sin(angle * (lowest + i * 2) + phase) / (i + 1);
      weight += 1 / (i + 1);
    }
    return sum / weight;
  };
}
