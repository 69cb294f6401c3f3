/** Feeding a parser what strangers may send, the same in every run. */

/** Numbers below 2^32 that look random and depend on the seed alone (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** So many random byte strings, most of them short; half of them begin with `head`. */
export function* randomBytes(
  count: number,
  seed: number,
  head: Uint8Array = new Uint8Array(0),
): Generator<Uint8Array<ArrayBuffer>> {
  const next = seeded(seed);
  for (let i = 0; i < count; i++) {
    const bytes = Uint8Array.from({ length: next() % 64 }, () => next() & 0xff);
    if (i % 2 === 0) bytes.set(head.subarray(0, bytes.length));
    yield bytes;
  }
}

/** All beginnings of the value, the empty one first, the whole one left out. */
export function* beginnings(whole: Uint8Array): Generator<Uint8Array> {
  for (let end = 0; end < whole.length; end++) yield whole.slice(0, end);
}

/** A text with some of its characters replaced, removed or doubled. */
export function mutate(text: string, next: () => number, changes: number): string {
  const characters = [...text];
  for (let i = 0; i < changes; i++) {
    const at = next() % characters.length;
    const other = String.fromCharCode(next() % 128);
    const kind = next() % 3;
    characters.splice(at, kind === 2 ? 0 : 1, ...(kind === 1 ? [] : [other]));
  }
  return characters.join("");
}
