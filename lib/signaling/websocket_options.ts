/** How a websocket is made, and where it is in its life. */
import type { Clock } from "./clock.ts";
import type { OriginBounds } from "./foreign_page.ts";
import type { ReconnectOptions } from "./reconnecting.ts";

/** `open` while messages flow, `away` before it connects again, `closed` for ever. */
export type WebsocketState = "connecting" | "open" | "away" | "closed";

/** Options of {@linkcode Websocket}. */
export interface WebsocketOptions {
  /** Subprotocols, the best first; a server agrees to one of them or to none. */
  protocols?: string | readonly string[];
  /** A larger message ends the connection with 1009. @default 16 MiB */
  maxMessageBytes?: number;
  /** A server that is silent for so long while connecting is given up. @default {10_000} */
  connectTimeoutMs?: number;
  /**
   * When nothing was heard for so long, the connection is lost. Unasked, a server of this library is heard
   * every 5 s and lost after 15; of a foreign server only you know how often it speaks.
   * @default Infinity
   */
  silenceMs?: number;
  /**
   * Connects again when the connection is lost; messages that are put meanwhile wait, and subscriptions
   * stay. It then only closes by `close()`, or as `unless` says.
   * @default false
   */
  reconnect?: boolean | ReconnectOptions;
  /** The time, for tests. @default the system's */
  clock?: Clock;
  /** Chance, for tests. @default Math.random */
  random?: () => number;
}

/** Options of {@linkcode Websocket.upgrade}. */
export interface WebsocketUpgradeOptions extends OriginBounds {
  /** The subprotocol to agree to, one of those that the client offers. */
  protocol?: string;
  /**
   * A larger message ends the connection with 1009. Deno has gathered it by then, from any number of
   * fragments: serve this to people you know.
   * @default 16 MiB
   */
  maxMessageBytes?: number;
  /** A client that answers no ping for so long is lost. @default {30} */
  idleTimeoutS?: number;
  /** The time, for tests. @default the system's */
  clock?: Clock;
}
