/** A robot that stays (`rtcbot.1`): one websocket, many viewers, an id for each offer. */
import type { Claim, Holder, OfferMessage, OfferReply } from "../broker.ts";
import { type Clock, once } from "../clock.ts";
import {
  CloseCode,
  parseRobotMessage,
  type RobotMessage,
  type ServiceMessage,
  type SignalingIceServer,
} from "../protocol.ts";
import { TokenBucket } from "./limits.ts";
import type { ServiceSocket, SocketListener } from "./socket.ts";

/** What a robot needs of the service. */
export interface RobotHost {
  /** The time. */
  readonly clock: Clock;
  /** `hello` must come within this. */
  readonly helloTimeoutMs: number;
  /** So many offers may wait at one robot. */
  readonly maxOffers: number;
  /** Proves the secret and claims the id, or says why not. */
  claim(
    robot: Holder,
    hello: RobotMessage & { type: "hello" },
  ): Promise<Claim | { readonly code: number; readonly reason: string }>;
  /** The ICE servers for this robot; null for its own choice. */
  iceServers(): Promise<SignalingIceServer[] | null>;
  /** Told of a failure that is not the robot's. */
  failed(error: unknown): void;
}

/** A robot that reads nothing would let offers pile up. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const MESSAGES_PER_SECOND = 50;
const MESSAGE_BURST = 200;

/** The websocket of such a robot, and the holder of its id. */
export class StayingRobot implements Holder, SocketListener {
  readonly #socket: ServiceSocket;
  readonly #host: RobotHost;
  readonly #bucket: TokenBucket;
  readonly #offers = new Map<string, (reply: OfferReply) => void>();
  #stopWaiting: () => void;
  #greeted = false;
  #claim: Claim | null = null;
  #over = false;

  /** @param socket not open yet */
  constructor(socket: ServiceSocket, host: RobotHost) {
    this.#socket = socket;
    this.#host = host;
    this.#bucket = new TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST, host.clock.now());
    this.#stopWaiting = once(
      host.clock,
      host.helloTimeoutMs,
      () => this.end(CloseCode.helloLate, `no hello came within ${host.helloTimeoutMs} ms`),
    );
  }

  /** Takes an offer to the robot, and waits for its answer. */
  async offer(message: OfferMessage, signal: AbortSignal): Promise<OfferReply> {
    const iceServers = await this.#host.iceServers();
    if (this.#over) return { kind: "gone" };
    signal.throwIfAborted();
    const { maxOffers } = this.#host;
    if (this.#offers.size >= maxOffers || this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      return { kind: "busy" };
    }
    // Not a number: an answer that is late must not be taken for one to an offer of the next websocket.
    const id = crypto.randomUUID();
    const reply = Promise.withResolvers<OfferReply>();
    this.#offers.set(id, reply.resolve);
    const abort = () => {
      reply.reject(signal.reason);
      this.#say({ type: "cancel", id });
    };
    signal.addEventListener("abort", abort);
    const { offer, token } = message;
    // The offer as it came: it was read, but what is nested deeply could not be written again.
    const rest = JSON.stringify({ type: "offer", id, token, iceServers });
    if (!this.#over) this.#socket.send(`${rest.slice(0, -1)},"offer":${offer}}`);
    try {
      return await reply.promise;
    } finally {
      this.#offers.delete(id);
      signal.removeEventListener("abort", abort);
    }
  }

  /** For the broker: the id is not this robot's any more. */
  lost(reason: "replaced" | "expired"): void {
    if (reason === "replaced") {
      this.end(CloseCode.replaced, "replaced by a newer robot of this secret");
    } else this.end(1012, "the id was lost; come again"); // RFC 6455 registry: service restart
  }

  /** Sends the robot away. */
  end(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.closed();
  }

  /** The websocket is open; the robot speaks first. */
  opened(): void {}

  /** The robot has said something. */
  message(data: string | Uint8Array): void {
    if (this.#over) return;
    if (typeof data !== "string") return this.end(1003, "messages are text");
    if (!this.#bucket.take(this.#host.clock.now())) return this.end(1008, "too many messages");
    let message: RobotMessage | null;
    try {
      message = parseRobotMessage(data);
    } catch (error) {
      return this.end(CloseCode.badMessage, (error as Error).message);
    }
    if (message) this.#hear(message);
  }

  /** The websocket is over. */
  closed(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWaiting();
    for (const reply of this.#offers.values()) reply({ kind: "gone" });
    this.#release();
  }

  #hear(message: RobotMessage): void {
    if (message.type === "ping") return this.#say({ type: "pong" });
    if (message.type === "hello") {
      if (this.#greeted) return this.end(CloseCode.badMessage, "hello was said already");
      this.#greeted = true;
      this.#stopWaiting();
      this.#welcome(message).catch((error) => {
        this.#host.failed(error);
        this.end(1011, "the service has a problem; come again");
      });
      return;
    }
    const reply = this.#offers.get(message.id); // an answer that is late has nobody to go to
    if (message.type === "answer") {
      let answer: string;
      try {
        answer = JSON.stringify(message.answer);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const reason = 'Cannot read the message: its "answer" is nested too deeply';
        return this.end(CloseCode.badMessage, reason);
      }
      reply?.({ kind: "answer", answer });
    } else {
      const { reason, needsToken } = message;
      reply?.({ kind: "refused", reason, needsToken });
    }
  }

  async #welcome(hello: RobotMessage & { type: "hello" }): Promise<void> {
    const claim = await this.#host.claim(this, hello);
    if ("code" in claim) return this.end(claim.code, claim.reason);
    this.#claim = claim;
    if (this.#over) return this.#release(); // it left meanwhile
    this.#say({ type: "welcome", iceServers: await this.#host.iceServers() });
  }

  #release(): void {
    this.#claim?.release().catch((error) => this.#host.failed(error));
  }

  #say(message: ServiceMessage): void {
    if (!this.#over) this.#socket.send(JSON.stringify(message));
  }
}
