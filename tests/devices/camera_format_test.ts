import assert from "node:assert/strict";
import {
  type CameraCapability,
  type CameraWish,
  nearestFormat,
} from "../../lib/devices/camera_format.ts";

/** `"YUYV 640x480@30,15 1280x720@10"`, or `"I420 any"`. */
function able(...texts: string[]): CameraCapability[] {
  return texts.map((text) => {
    const [pixelFormat, ...rest] = text.split(" ") as [
      CameraCapability["pixelFormat"],
      ...string[],
    ];
    const range = rest[0] === "any"
      ? {
        ...{ minWidth: 16, maxWidth: 1920, stepWidth: 8, minHeight: 16, maxHeight: 1080 },
        stepHeight: 4,
      }
      : null;
    const sizes = range !== null ? [] : rest.map((size) => {
      const [width, height, ...fps] = size.split(/[x@,]/).map(Number) as [number, number];
      return { width, height, fps };
    });
    return { pixelFormat, sizes, range };
  });
}

function choose(capabilities: CameraCapability[], wish: Partial<CameraWish>): string | null {
  const whole = { width: 640, height: 480, fps: 30, ...wish };
  const choice = nearestFormat(
    capabilities,
    whole,
    ({ sizes }, width, height) =>
      sizes.find((size) => size.width === width && size.height === height)?.fps[0] ?? Infinity,
  );
  return choice && `${choice.pixelFormat} ${choice.width}x${choice.height}`;
}

Deno.test("nearestFormat() takes the size first, then the speed, then what costs least", () => {
  const webcam = able(
    "YUYV 640x480@30 1280x720@10",
    "MJPEG 320x240@30 640x480@30 1280x720@30",
    "H264 1920x1080@30",
  );
  assert.equal(choose(webcam, {}), "YUYV 640x480");
  assert.equal(choose(webcam, { width: 1280, height: 720 }), "MJPEG 1280x720");
  assert.equal(choose(webcam, { width: 1280, height: 720, fps: 10 }), "YUYV 1280x720");
  assert.equal(choose(webcam, { width: 320, height: 240 }), "MJPEG 320x240");
  assert.equal(choose(webcam, { width: 4000, height: 3000 }), "H264 1920x1080");
  assert.equal(choose(webcam, { pixelFormat: "H264" }), "H264 1920x1080");
  assert.equal(choose(webcam, { pixelFormat: "MJPEG" }), "MJPEG 640x480");
});

Deno.test("nearestFormat() takes the nearest format when there is none like it, and colour before grey", () => {
  const grey = able("GRAY 640x480@60", "YUYV 160x120@15");
  assert.equal(choose(grey, { pixelFormat: "NV12" }), "YUYV 160x120");
  assert.equal(choose(grey, { pixelFormat: "GRAY" }), "GRAY 640x480");
  assert.equal(choose(able("GRAY 640x480@60"), {}), "GRAY 640x480");
});

Deno.test("nearestFormat() keeps to the steps and bounds of a camera that scales", () => {
  const any = able("I420 any");
  assert.equal(choose(any, { width: 101, height: 99 }), "I420 104x100");
  assert.equal(choose(any, { width: 1, height: 5000 }), "I420 16x1080");
  const odd = able("I420 any").map((capability) => ({
    ...capability,
    range: { ...capability.range!, maxWidth: 101, stepWidth: 8 },
  }));
  assert.equal(choose(odd, { width: 101 }), "I420 96x480");
});

Deno.test("nearestFormat() asks for what is wanted when the camera names no sizes", () => {
  assert.equal(choose(able("MJPEG"), { width: 801, height: 599 }), "MJPEG 801x599");
  assert.equal(choose([], {}), null);
});

Deno.test("nearestFormat() takes 29.97 pictures a second for 30, and 15 only where there is no more", () => {
  const slow = able("YUYV 640x480@29.97", "NV12 640x480@15", "MJPEG 640x480@30");
  assert.equal(choose(slow, {}), "YUYV 640x480");
  assert.equal(choose(slow.slice(1), {}), "MJPEG 640x480");
  assert.equal(choose(slow.slice(1, 2), {}), "NV12 640x480");
});
