import assert from "node:assert/strict";
import { FakeDisplay } from "../../lib/testing/fake_display.ts";
import { displayContract, plain } from "../contract/display_contract.ts";

displayContract("FakeDisplay", {
  make: (options) => new FakeDisplay(options),
  makeWithoutScreen: () => new FakeDisplay({ screen: false }),
  look: (display) => {
    const frame = (display as FakeDisplay).frames.at(-1);
    const { data, shape: [height, width] } = (frame ?? plain([0, 0, 0])).toRGB();
    const middle = 3 * ((height >> 1) * width + (width >> 1));
    return Promise.resolve([data[middle]!, data[middle + 1]!, data[middle + 2]!]);
  },
  closeByUser: (display) => Promise.resolve((display as FakeDisplay).closeByUser()),
  press: (display, _, key) => Promise.resolve((display as FakeDisplay).press(key)),
});

Deno.test("FakeDisplay keeps its frames, and has a window from the first one to the close", async () => {
  const display = new FakeDisplay({ name: "Front" });
  await display.onReady();
  assert.equal(display.window, null);
  const frame = plain([1, 2, 3]);
  display.put_nowait(frame);
  while (display.frames.length === 0) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(display.window, { title: "Front", width: 64, height: 48 });
  await display.close();
  assert.deepEqual([display.window, display.frames], [null, [frame]]);
});

Deno.test("FakeDisplay.hold() and release() press with shift for capital letters", async () => {
  await using display = new FakeDisplay();
  await display.onReady();
  const keys: unknown[] = [];
  display.keys.subscribe(({ type, key, keyCode, shiftKey }) =>
    keys.push([type, key, keyCode, shiftKey])
  );
  display.hold("A");
  display.release("5");
  assert.deepEqual(keys, [["keydown", "A", 65, true], ["keyup", "5", 53, false]]);
});
