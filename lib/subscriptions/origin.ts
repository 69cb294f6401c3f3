/** Which producer feeds a subscription that the producer made; a producer is its own origin. */
const origins = new WeakMap<object, object>();

/** Remembers that whatever comes out of `source` is exactly what `producer` emits. */
export function setOrigin(source: object, producer: object): void {
  origins.set(source, producer);
}

/** Forgets it: the source was unsubscribed. */
export function clearOrigin(source: object): void {
  origins.delete(source);
}

/**
 * The producer that a source reads from: a producer gives itself, what its `subscribe()` returned
 * gives the producer, and so does a `DelayedSubscription` or `NoClosedSubscription` around either.
 * `null` for everything else, in particular for a sink that the user handed to `subscribe`, because
 * others may put values into that too. Connections use it to share one encoder.
 */
export function producerOf(source: object): object | null {
  return origins.get(source) ?? null;
}
