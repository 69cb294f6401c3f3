/** Producers, consumers and what joins them. Pure: needs no permission, knows no time. */

export type { Callback, GetOptions, Sink, Source } from "./types.ts";
export { CallbackSubscription } from "./callback.ts";
export type { CallbackOptions } from "./callback.ts";
export { SubscriptionConsumer } from "./consumer.ts";
export type { ConsumerOptions } from "./consumer.ts";
export { DelayedSubscription } from "./delayed.ts";
export type { Subscribable } from "./delayed.ts";
export { EventSubscription } from "./event.ts";
export type { SubscriberErrorHandler } from "./fanout.ts";
export { GetterSubscription } from "./getter.ts";
export { Lifecycle } from "./lifecycle.ts";
export type { LifecycleOptions } from "./lifecycle.ts";
export { MostRecentSubscription } from "./most_recent.ts";
export { NoClosedSubscription } from "./no_closed.ts";
export { producerOf } from "./origin.ts";
export { SubscriptionProducer } from "./producer.ts";
export type { ProducerOptions } from "./producer.ts";
export { SubscriptionProducerConsumer } from "./producer_consumer.ts";
export type { ProducerConsumerOptions } from "./producer_consumer.ts";
export { Queue } from "./queue.ts";
export type { QueueOptions } from "./queue.ts";
export { RebatchSubscription } from "./rebatch.ts";
export type { RebatchOptions, Rebuild, SampleArray, SampleFrame } from "./rebatch.ts";
export type { Subscriber, Subscription } from "./subscription.ts";
export { readableFrom } from "./streams.ts";
