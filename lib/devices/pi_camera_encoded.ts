import { CameraEncoded } from "./camera_encoded.ts";

/** The H.264 of a Raspberry Pi's camera, which is made only once somebody wants it. */
export class PiCameraEncoded extends CameraEncoded {
  /** Made by `PiCamera`. */
  constructor() {
    super(() => {}); // the camera makes no key frames on demand
  }

  /** For `PiCamera`: whether anybody would get a picture. */
  get wanted(): boolean {
    return this._hasSubscribers;
  }
}
