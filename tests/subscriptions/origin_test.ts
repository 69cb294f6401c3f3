import assert from "node:assert/strict";
import {
  DelayedSubscription,
  MostRecentSubscription,
  NoClosedSubscription,
  producerOf,
  Queue,
} from "../../lib/subscriptions/mod.ts";
import { Camera, Display, Link } from "./helpers.ts";

Deno.test("producerOf() gives the producer itself when it is given one", () => {
  const [camera, link] = [new Camera(), new Link()];
  assert.equal(producerOf(camera), camera);
  assert.equal(producerOf(link), link);
});

Deno.test("producerOf() gives the producer when it made the subscription", () => {
  const camera = new Camera();
  assert.equal(producerOf(camera.subscribe()), camera);
  assert.equal(producerOf(new DelayedSubscription(camera)), camera);
  assert.equal(producerOf(new NoClosedSubscription(camera.subscribe())), camera);
});

Deno.test("producerOf() gives null when others may put values into the source too", () => {
  const camera = new Camera();
  assert.equal(producerOf(new Queue()), null);
  assert.equal(producerOf(camera.subscribe(new MostRecentSubscription<number>())), null);
  assert.equal(producerOf(new DelayedSubscription(camera, new Queue<number>())), null);
  assert.equal(producerOf(new Display()), null);
});

Deno.test("producerOf() forgets a subscription when it is unsubscribed, but never a producer", () => {
  const [camera, link] = [new Camera(), new Link()];
  const frames = camera.subscribe();
  camera.unsubscribe(frames);
  assert.equal(producerOf(frames), null);
  const all = camera.subscribe();
  camera.unsubscribeAll();
  assert.equal(producerOf(all), null);
  camera.subscribe(link);
  camera.unsubscribe(link);
  assert.equal(producerOf(link), link);
});
