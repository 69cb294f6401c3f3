import { FakeCamera } from "../../lib/testing.ts";
import { cameraContract } from "../contract/camera_contract.ts";

cameraContract(
  "FakeCamera",
  { number: "brightness", menu: "power_line_frequency", items: ["50 Hz", "60 Hz"] },
  () => {
    let camera: FakeCamera;
    return {
      open: (options = {}) => camera = new FakeCamera({ width: 320, height: 180, ...options }),
      unplug: () => camera.unplug(),
      plugIn: () => camera.plugIn(),
    };
  },
);
