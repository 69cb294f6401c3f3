/** A channel of the engine that goes nowhere: the test says when it opens, fills, drains and closes. */
import type { PeerChannel, PeerChannelListener } from "../../lib/connection/peer.ts";
import { decodeMessage, type WireMessage } from "../../lib/wire/message.ts";

export class FakeChannel implements PeerChannel {
  readonly label = "fake";
  readonly ordered = true;
  state: PeerChannel["state"] = "connecting";
  bufferedAmount = 0;
  maxMessageSize = 65_536;
  listener: PeerChannelListener | null = null;
  /** What was sent, decoded. */
  readonly sent: unknown[] = [];
  /** Whether what is sent stays in the buffer until `drain()`. */
  stuck = false;

  send(message: WireMessage): void {
    if (this.state !== "open") throw new Error(`it is ${this.state}`);
    this.sent.push(decodeMessage(message));
    if (this.stuck) this.bufferedAmount += message.bytes.length;
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.listener?.closed();
  }

  open(): void {
    this.state = "open";
    this.listener?.opened();
  }

  /** The network takes bytes, down to so many. */
  drain(downTo = 0): void {
    this.bufferedAmount = Math.min(this.bufferedAmount, downTo);
    this.listener?.drained();
  }

  /** A message comes from the other end. */
  receive(content: string | Uint8Array<ArrayBuffer>): void {
    const text = typeof content === "string";
    this.listener?.message({ bytes: text ? new TextEncoder().encode(content) : content, text });
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((done) => setImmediate(done));
}
