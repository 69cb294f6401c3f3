/** A robot of the old style: it hears one offer, says one answer, and is gone. */
import type { Holder, OfferMessage, OfferReply } from "../broker.ts";
import type { ServiceSocket, SocketListener } from "./socket.ts";

/** RTCBot's service refuses frames from 8192 bytes. */
export const MAX_ONCE_BYTES = 8191;

/** The websocket of such a robot, and the holder of its id. */
export class OnceRobot implements Holder, SocketListener {
  /** Resolves when the websocket is over, and the id is to be given back. */
  readonly ended: Promise<void>;
  readonly #socket: ServiceSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<void>();
  #reply: ((reply: OfferReply) => void) | null = null;
  #asked = false;
  #over = false;

  /** @param socket not open yet */
  constructor(socket: ServiceSocket) {
    this.#socket = socket;
    this.ended = this.#end.promise;
  }

  /** Relays the offer as one text frame; the first frame that comes back is the answer. */
  async offer(message: OfferMessage, signal: AbortSignal): Promise<OfferReply> {
    signal.throwIfAborted();
    if (this.#over) return { kind: "gone" };
    if (this.#asked) return { kind: "busy" };
    this.#asked = true;
    const reply = Promise.withResolvers<OfferReply>();
    this.#reply = reply.resolve;
    const abort = () => {
      reply.reject(signal.reason);
      this.end(1000, "the answer did not come in time");
    };
    signal.addEventListener("abort", abort);
    this.#opened.promise.then(() => this.#socket.send(forRtcbot(message.offer)));
    try {
      return await reply.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** For the broker: the id is another's. */
  lost(): void {
    this.end(1001, "the id is held by another robot");
  }

  /** Sends the robot away. Its id is free at once. */
  end(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.closed();
  }

  /** The websocket is open. */
  opened(): void {
    if (this.#over) this.#socket.close(1001, "the id was lost; come again"); // before it was open
    this.#opened.resolve();
  }

  /** The robot has said something. */
  message(data: string | Uint8Array): void {
    if (this.#over) return;
    if (typeof data !== "string") return this.end(1003, "an answer is text");
    if (!this.#reply) return this.end(1008, "nothing was asked"); // it would answer the next viewer's offer
    this.#reply(isJsonObject(data) ? { kind: "answer", answer: data } : { kind: "gone" });
    this.end(1000, "");
  }

  /** The websocket is over. */
  closed(): void {
    this.#over = true;
    this.#reply?.({ kind: "gone" });
    this.#end.resolve();
  }
}

/** RTCBot takes no offer with more in it than a description; our pages say beside who they are. */
function forRtcbot(offer: string): string {
  const { viewer, ...description } = JSON.parse(offer) as { viewer?: unknown };
  return viewer === undefined ? offer : JSON.stringify(description);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
