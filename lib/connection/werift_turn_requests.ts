/**
 * Requests to a TURN server: signed, repeated until they are answered, and asked anew when the server wants
 * another nonce (RFC 8489, sections 6.2 and 9.2).
 */
import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type * as Werift from "werift";
import { RefusedByServer, ServerSilent } from "./route_problems.ts";
import type { TurnSocket } from "./werift_turn_socket.ts";

type Message = InstanceType<typeof Werift.Message>;

interface Waiting {
  resolve(message: Message): void;
  reject(error: Error): void;
  readonly key: Buffer | null;
}

// RFC 8489, sections 5 and 14.8
const REQUEST = 0, RESPONSE = 0x100, ERROR = 0x110;
const UNAUTHORIZED = 401, STALE_NONCE = 438;

const FIRST_REPEAT_MS = 250;
const PATIENCE_MS = 6_000;

/** The requests of one relay. */
export class TurnRequests {
  readonly #werift: typeof Werift;
  readonly #who: { readonly username: string; readonly credential: string };
  readonly #socket: TurnSocket;
  readonly #waiting = new Map<string, Waiting>();
  #realm = "";
  #nonce: unknown;
  #key: Buffer | null = null;

  constructor(
    werift: typeof Werift,
    who: { readonly username: string; readonly credential: string },
    socket: TurnSocket,
  ) {
    this.#werift = werift;
    this.#who = who;
    this.#socket = socket;
  }

  /**
   * Asks until there is an answer.
   *
   * @param fill gives the request its attributes
   * @throws {RefusedByServer} when the answer is no
   * @throws {ServerSilent} when there is none
   */
  async ask(method: number, fill: (request: Message) => unknown): Promise<Message> {
    for (let again = 0;; again++) {
      const request = new this.#werift.Message(method, REQUEST) as Message;
      fill(request);
      const key = this.#key;
      if (key) {
        request.setAttribute("USERNAME", this.#who.username)
          .setAttribute("REALM", this.#realm)
          .setAttribute("NONCE", this.#nonce as Buffer);
        request.addMessageIntegrity(key);
        request.addFingerprint();
      }
      const response = await this.#transact(request, key);
      if (response.messageClass === RESPONSE) return response;
      const [code, text] = (response.getAttributeValue("ERROR-CODE") ?? [0, ""]) as [
        number,
        string,
      ];
      const nonce = response.getAttributeValue("NONCE") as unknown;
      const mayAskAgain = code === UNAUTHORIZED && key === null || code === STALE_NONCE;
      if (!mayAskAgain || !nonce || again > 1) throw new RefusedByServer(code, text);
      this.#nonce = nonce;
      this.#realm = (response.getAttributeValue("REALM") as string) ?? this.#realm;
      const { username, credential } = this.#who;
      // RFC 8489, section 9.2.2
      this.#key = createHash("md5").update(`${username}:${this.#realm}:${credential}`).digest();
    }
  }

  /** One request until it is answered; over UDP it is repeated, later and later. */
  #transact(request: Message, key: Buffer | null): Promise<Message> {
    const id = request.transactionIdHex, bytes = request.bytes;
    const beganMs = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    return new Promise<Message>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, key });
      const transmit = (waitMs: number) => {
        const restMs = PATIENCE_MS - (performance.now() - beganMs);
        if (restMs <= 0) return reject(new ServerSilent());
        this.#socket.send(bytes as Uint8Array as Uint8Array<ArrayBuffer>);
        const nextMs = this.#socket.stream ? restMs : Math.min(waitMs, restMs);
        timer = setTimeout(() => transmit(2 * waitMs), nextMs);
      };
      transmit(FIRST_REPEAT_MS);
    }).finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    });
  }

  /** Takes what may be an answer. */
  answered(message: Message, data: Buffer): void {
    const waiting = this.#waiting.get(message.transactionIdHex);
    const { messageClass } = message;
    if (!waiting || (messageClass !== RESPONSE && messageClass !== ERROR)) return;
    // Refusals may come unsigned: those of a signature must (RFC 8489, section 9.2.4), and Pion signs none.
    const unsigned = messageClass === ERROR &&
      !message.attributesKeys.includes("MESSAGE-INTEGRITY");
    const { key } = waiting;
    if (key && !unsigned && !this.#werift.parseMessage(data, key)) return;
    waiting.resolve(message);
  }

  /** Nothing more will be answered. */
  end(): void {
    for (const { reject } of this.#waiting.values()) reject(new ServerSilent());
  }
}
