import assert from "node:assert/strict";
import { Body, BODY_RADIUS } from "../../lib/testing/body.ts";
import { Renderer } from "../../lib/testing/renderer.ts";
import { World } from "../../lib/testing/world.ts";

/** Numbers in [-1, 1) that are always the same. */
function randomNumbers(): () => number {
  let state = 4321;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 1073741824 - 1;
}

Deno.test("Renderer.render() leaves no pixel undrawn, wherever the robot gets to", () => {
  const world = new World(3), body = new Body(world), next = randomNumbers();
  const renderer = new Renderer(world, 160, 120);
  const picture = new Uint8Array(renderer.byteLength);
  for (let i = 0; i < 600; i++) {
    body.command({ forward: Math.sign(next()) || 1, leftright: next() });
    body.advance(400);
    picture.fill(0); // no colour has a Y, U or V of 0
    renderer.render(body.pose, picture);
    assert.ok(picture.indexOf(0) < 0, `undrawn at ${JSON.stringify(body.pose)}`);
  }
});

Deno.test("Renderer.render() shows the wall behind a long row of furniture", () => {
  // Through the sofa lengthwise: more of its cells on one ray than a column can hold.
  const renderer = new Renderer(new World(1), 64, 48);
  const picture = new Uint8Array(renderer.byteLength);
  for (let heading = 0; heading < 6.2; heading += 0.1) {
    picture.fill(0);
    renderer.render({ x: 4.5, y: 5, heading }, picture);
    assert.ok(picture.indexOf(0) < 0, `undrawn at heading ${heading}`);
  }
});

Deno.test("Body never stands in a wall or in a thing in 10,000 random steps", () => {
  for (const seed of [1, 2]) {
    const world = new World(seed), body = new Body(world), next = randomNumbers();
    const rooms = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      body.command({ forward: Math.sign(next()) || 1, leftright: next() });
      body.advance(100);
      const { x, y } = body.pose;
      assert.ok(world.isFree(x, y, BODY_RADIUS), `seed ${seed} stands in something at ${x}, ${y}`);
      rooms.add(world.cellAt(x, y));
    }
    assert.ok(rooms.size >= 2, "it got through a door");
  }
});

Deno.test("World leaves two metres free ahead of the start, whatever the seed", () => {
  for (let seed = 0; seed < 50; seed++) {
    const world = new World(seed), { x, y } = world.start;
    for (let way = 0; way <= 2; way += 0.05) assert.ok(world.isFree(x + way, y, BODY_RADIUS));
  }
});
