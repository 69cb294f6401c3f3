/** What an association is told, and what it tells. */
import type { RtoOptions } from "./rto.ts";

/** How an association is made. */
export interface SctpOptions {
  /** Ours, from the description; 5000 nearly always. */
  readonly localPort: number;
  /** Theirs. */
  readonly remotePort: number;
  /** Whether to send INIT; both ends may, and in WebRTC both do. */
  readonly client: boolean;
  /** Unpredictable numbers of 32 bits, for tags, cookies and the first TSN. */
  readonly random32: () => number;
  /** The longest message accepted, in bytes. @default 262144 */
  readonly maxMessageSize?: number;
  /** Bytes held for unfinished and unread messages; at least twice `maxMessageSize`. @default 1048576 */
  readonly receiveWindow?: number;
  /** The largest packet, with its header of 12 bytes. @default 1191, as Chromium's */
  readonly maxPacket?: number;
  /** Bounds of the retransmission time-out. */
  readonly rto?: RtoOptions;
  /** Time-outs in a row until the peer counts as lost. @default 20 */
  readonly maxFailures?: number;
}

/** How a message is to be sent. */
export interface SendOptions {
  /** Whether it is delivered after those sent before it on the stream. */
  readonly ordered: boolean;
  /** How often it is sent again when it was lost; `null` is until it arrives. */
  readonly maxRetransmits: number | null;
}

/** What happened. */
export type SctpEvent =
  | { readonly type: "established" }
  | {
    readonly type: "message";
    readonly streamId: number;
    readonly ppid: number;
    readonly data: Uint8Array<ArrayBuffer>;
  }
  /** The peer reset these streams of its own: it closed the channels. */
  | { readonly type: "reset"; readonly streamIds: number[] }
  /** Our `resetStreams` is over, and the numbers may be used again. */
  | { readonly type: "resetDone"; readonly streamIds: number[] }
  /** The last event; without `error` when either end wished it. */
  | { readonly type: "closed"; readonly error?: Error };

/** `closing` is after the peer's SHUTDOWN, while our last data is on its way. */
export type SctpState = "new" | "connecting" | "established" | "closing" | "closed";
