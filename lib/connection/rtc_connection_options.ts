import type { RTCConfiguration } from "./peer.ts";

/** Options of {@linkcode RTCConnection}. */
export interface RTCConnectionOptions {
  /** Whether messages of the default channel arrive in the order they were sent. @default {true} */
  defaultOrdered?: boolean;
  /**
   * Whether there is a place for messages and commands; `false` for ends that only know sound and picture,
   * such as media servers (see `publishWHIP`).
   * @default {true}
   */
  data?: boolean;
  /** STUN and TURN servers, as in the browser's `RTCPeerConnection`. */
  rtcConfiguration?: RTCConfiguration;
  /** How long the other end may take to connect after the descriptions were made. @default {20_000} */
  connectTimeoutMs?: number;
}
