/** What the payload formats of all video codecs have in common: packets in, pieces of frames out. */

/** What one packet adds to its frame. */
export interface FramePart {
  /** To be appended to the frame, in this order; views on the payload where that is possible. */
  readonly pieces: readonly Uint8Array[];
  /** Whether a frame can begin with this packet. */
  readonly begins: boolean;
  /** Whether it shows that the frame needs no earlier one. */
  readonly keyFrame: boolean;
}

/** Reads the payloads of one stream in their order. */
export interface Depacketizer {
  /**
   * Reads the next payload.
   *
   * @param newFrame whether it is the first of its frame
   * @throws {RemoteProtocolError} when it is none; the frame is lost then, and nothing else
   */
  read(payload: Uint8Array, newFrame: boolean): FramePart;
  /** Packets were lost: what was begun will not be ended. */
  reset(): void;
}
