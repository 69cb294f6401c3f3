/** The whole of `Camera` but for the system calls. */
import assert from "node:assert/strict";
import { Camera } from "../../lib/devices/camera.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";
import { cameraContract } from "../contract/camera_contract.ts";

cameraContract(
  "Camera, on FakeVideoKernel,",
  { number: "brightness", menu: "power_line_frequency", items: ["50 Hz", "Auto"] },
  () => {
    const kernel = new FakeVideoKernel();
    return {
      open: (options = {}) => new Camera({ kernel, width: 320, height: 180, ...options }),
      unplug: () => kernel.cameras[0].unplug(),
      plugIn: () => kernel.cameras[0].plugIn("/dev/video3"),
      done: () => assert.equal(kernel.held, 0),
    };
  },
);
