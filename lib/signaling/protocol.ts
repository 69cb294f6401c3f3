/**
 * `rtcbot.1`: what a robot that stays and the signaling service say to each other, one JSON object a text
 * frame. `.github/SIGNALING.md` tells the whole of it. Who does not know a type passes over it.
 */
import { RemoteProtocolError } from "../errors.ts";

/** The websocket's subprotocol. */
export const SUBPROTOCOL = "rtcbot.1";

/** A STUN or TURN server, as in the browser's RTCConfiguration. */
export interface SignalingIceServer {
  /** `stun:host:port`, `turn:host:port` or `turns:host:port`, or several of them. */
  urls: string | string[];
  /** For TURN. */
  username?: string;
  /** For TURN. */
  credential?: string;
}

/** Why the service closed a robot's websocket; with each comes a sentence. */
export const CloseCode = {
  /** Not a message of the protocol. */
  badMessage: 4400,
  /** The id belongs to another secret. */
  wrongSecret: 4403,
  /** `hello` did not come in time. */
  helloLate: 4408,
  /** Another robot has the id; it may leave. */
  taken: 4409,
  /** A newer robot with the same secret has taken the id: who came back now would push that one out. */
  replaced: 4410,
  /** Too many new ids from one address. */
  tooMany: 4429,
} as const;

/** What a robot says. */
export type RobotMessage =
  | { readonly type: "hello"; readonly secret: string; readonly tokenHash: string | null }
  | { readonly type: "answer"; readonly id: string; readonly answer: object }
  | {
    readonly type: "refuse";
    readonly id: string;
    readonly reason: string;
    readonly needsToken: boolean;
  }
  | { readonly type: "ping" };

/** What the service says. */
export type ServiceMessage =
  | { readonly type: "welcome"; readonly iceServers: SignalingIceServer[] | null }
  | {
    readonly type: "offer";
    readonly id: string;
    readonly offer: object;
    readonly token: string | null;
    readonly iceServers: SignalingIceServer[] | null;
  }
  | { readonly type: "cancel"; readonly id: string }
  | { readonly type: "pong" };

/** A secret is at least this long, so that it cannot be guessed from its hash. */
export const MIN_SECRET_LENGTH = 16;
const MAX_SECRET_LENGTH = 256;
const MAX_REASON_LENGTH = 300;
const MAX_MESSAGE_ID_LENGTH = 64;

/**
 * Reads what a robot said; null for a type that is not known.
 * @throws {RemoteProtocolError} when it is no message, with a sentence for the robot's owner
 */
export function parseRobotMessage(text: string): RobotMessage | null {
  const message = parseObject(text);
  switch (message.type) {
    case "hello": {
      const { secret, tokenHash = null } = message;
      const { length } = requireText(secret, "secret", MAX_SECRET_LENGTH);
      if (length < MIN_SECRET_LENGTH) {
        throw refuse(`its secret has ${length} characters; choose at least ${MIN_SECRET_LENGTH}`);
      }
      if (tokenHash !== null && !(typeof tokenHash === "string" && isSha256(tokenHash))) {
        throw refuse('its "tokenHash" is no SHA-256 of 64 hexadecimal digits');
      }
      return { type: "hello", secret: secret as string, tokenHash };
    }
    case "answer":
      if (!isObject(message.answer)) throw refuse('its "answer" is no object');
      return { type: "answer", id: requireId(message), answer: message.answer };
    case "refuse": {
      const { reason = "The robot refused the connection.", needsToken = false } = message;
      requireText(reason, "reason", MAX_REASON_LENGTH);
      return {
        type: "refuse",
        id: requireId(message),
        reason: reason as string,
        needsToken: needsToken === true,
      };
    }
    case "ping":
      return { type: "ping" };
    default:
      return null;
  }
}

/**
 * Reads what the service said; null for a type that is not known.
 * @throws {RemoteProtocolError} when it is no message
 */
export function parseServiceMessage(message: unknown): ServiceMessage | null {
  if (!isObject(message)) throw refuse("it is no JSON object");
  const iceServers = Array.isArray(message.iceServers) ? message.iceServers : null;
  switch (message.type) {
    case "welcome":
      return { type: "welcome", iceServers };
    case "offer": {
      if (!isObject(message.offer)) throw refuse('its "offer" is no object');
      const token = typeof message.token === "string" ? message.token : null;
      return { type: "offer", id: requireId(message), offer: message.offer, token, iceServers };
    }
    case "cancel":
      return { type: "cancel", id: requireId(message) };
    case "pong":
      return { type: "pong" };
    default:
      return null;
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("it is not JSON");
  }
  if (!isObject(value)) throw refuse("it is no JSON object");
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function requireId(message: Record<string, unknown>): string {
  return requireText(message.id, "id", MAX_MESSAGE_ID_LENGTH);
}

function requireText(value: unknown, name: string, maxLength: number): string {
  if (typeof value !== "string") throw refuse(`its "${name}" is no text`);
  if (value.length > maxLength) throw refuse(`its "${name}" is longer than ${maxLength}`);
  return value;
}

function refuse(state: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot read the message: ${state}`);
}
