import assert from "node:assert/strict";
import { Deque } from "../../lib/subscriptions/deque.ts";

function drained<T>(deque: Deque<T>): T[] {
  const items: T[] = [];
  while (deque.length > 0) items.push(deque.shift() as T);
  return items;
}

Deno.test("Deque.shift() gives items in the order of push() when it has to grow and go round", () => {
  const deque = new Deque<number>();
  let pushed = 0;
  let shifted = 0;
  for (let round = 1; round < 40; round++) {
    for (let i = 0; i < round; i++) deque.push(pushed++);
    for (let i = 0; i < round / 2; i++) assert.equal(deque.shift(), shifted++);
    assert.equal(deque.length, pushed - shifted);
  }
});

Deno.test("Deque.shift() gives undefined when nobody is in line", () => {
  assert.equal(new Deque<number>().shift(), undefined);
});

Deno.test("Deque.shift() works on when a large ring was given back", () => {
  const deque = new Deque<number>();
  for (let i = 0; i < 5000; i++) deque.push(i);
  assert.equal(drained(deque).length, 5000);
  for (let i = 0; i < 20; i++) deque.push(i);
  assert.deepEqual(drained(deque), Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("Deque.remove() takes out first, middle and last when the ring has gone round", () => {
  for (const leaving of [3, 5, 10]) {
    const deque = new Deque<number>();
    for (let i = 0; i < 3; i++) deque.push(i);
    for (let i = 3; i <= 10; i++) {
      if (deque.length > 0 && i < 6) deque.shift();
      deque.push(i);
    }
    assert.equal(deque.remove(leaving), true);
    assert.equal(deque.remove(leaving), false);
    assert.deepEqual(drained(deque), [3, 4, 5, 6, 7, 8, 9, 10].filter((i) => i !== leaving));
  }
});
