/** The robot's end of `rtcbot.1`: stays at a signaling service, and is asked for an answer to each offer. */
import { NegotiationError, RemoteProtocolError, RtcbotError } from "../errors.ts";
import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { report } from "../subscriptions/report.ts";
import { type Clock, systemClock } from "./clock.ts";
import { sha256 } from "./hash.ts";
import {
  CloseCode,
  MIN_SECRET_LENGTH,
  parseServiceMessage,
  type ServiceMessage,
  type SignalingIceServer,
  SUBPROTOCOL,
} from "./protocol.ts";
import type { ReconnectOptions } from "./reconnecting.ts";
import { Websocket } from "./websocket.ts";
import type { WebsocketState } from "./websocket_options.ts";

/** What is known of who sent an offer. */
export interface OfferContext {
  /** The offer's id. */
  readonly id: string;
  /** The token that the viewer has shown; null for none, or when the service has checked it. */
  readonly token: string | null;
  /** The ICE servers to use for this viewer; null for your own. */
  readonly iceServers: readonly SignalingIceServer[] | null;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Options of {@linkcode SignalingClient}. */
export interface SignalingClientOptions {
  /**
   * Whose the id is: who comes first with a secret owns it. At least 16 characters, chosen at random once
   * (`crypto.randomUUID()`), and kept.
   */
  secret: string;
  /**
   * Makes the answer: an object `{type, sdp}`, as `RTCConnection.getLocalDescription(offer)` gives. Throw
   * {@linkcode Refusal} to send the viewer away with a sentence.
   */
  onOffer: (offer: object, viewer: OfferContext) => object | Promise<object>;
  /** The token that viewers must show; the service checks it, and never sees it before a viewer shows it. */
  viewerToken?: string;
  /** How it comes back when the connection is lost. @default pauses from 0.5 to 4 s */
  reconnect?: Omit<ReconnectOptions, "unless">;
  /** The time, for tests. @default the system's */
  clock?: Clock;
  /** Chance, for tests. @default Math.random */
  random?: () => number;
}

/** Sends a viewer away with a sentence that it is shown. */
export class Refusal extends RtcbotError {
  /** The class's name. */
  override readonly name: string = "Refusal";
  /** Whether the viewer is to show a token, or another one. */
  readonly needsToken: boolean;

  /** @param reason at most 300 characters */
  constructor(reason: string, options: { needsToken?: boolean } = {}) {
    super(reason.slice(0, 300));
    this.needsToken = options.needsToken ?? false;
  }
}

const PING_MS = 10_000;
/** The service answers each ping. */
const SILENCE_MS = 25_000;
/** A round trip over a bad mobile network, twice over. */
const CHECK_MS = 1_500;
/** DNS, TCP, TLS and websocket: four of them. */
const CONNECT_MS = 6_000;
/** Viewers may come so soon after a service was restarted. */
const LONGEST_PAUSE_MS = 4_000;
const FINAL_CODES: readonly number[] = [
  CloseCode.badMessage,
  CloseCode.wrongSecret,
  CloseCode.replaced,
];

/**
 * Stays at a signaling service under an id, through every interruption, and answers the offers of viewers.
 * It is `ready` when the service has welcomed it the first time. It fails when the id belongs to another
 * secret, and when a newer robot with the same secret has taken its place.
 *
 * ```ts no-assert
 * import { RTCConnection, SignalingClient } from "rtcbot";
 *
 * function stay(secret: string) {
 *   const client = new SignalingClient("https://signaling.example/myRobot", {
 *     secret,
 *     onOffer(offer) {
 *       const conn = new RTCConnection();
 *       return conn.getLocalDescription(offer);
 *     },
 *   });
 *   client.onError((error) => console.error(error.message));
 *   return { client };
 * }
 * ```
 */
export class SignalingClient extends Lifecycle {
  readonly #options: SignalingClientOptions;
  readonly #websocket: Websocket;
  readonly #offers = new Map<string, AbortController>();
  readonly #stopPinging: () => void;
  #iceServers: readonly SignalingIceServer[] | null = null;

  /**
   * @param url the service's, with the robot's id as its path
   * @throws {RangeError} when the secret is too short
   */
  constructor(url: string | URL, options: SignalingClientOptions) {
    super({ ready: false });
    if (options.secret.length < MIN_SECRET_LENGTH) {
      throw new RangeError(
        `Cannot use the secret: it has ${options.secret.length} characters; ` +
          `choose at least ${MIN_SECRET_LENGTH}, for example crypto.randomUUID()`,
      );
    }
    this.#options = options;
    const { clock = systemClock, random = Math.random } = options;
    this.#websocket = new Websocket(url, {
      protocols: SUBPROTOCOL,
      silenceMs: SILENCE_MS,
      connectTimeoutMs: CONNECT_MS,
      reconnect: {
        longestMs: LONGEST_PAUSE_MS,
        ...options.reconnect,
        unless: ({ code }) => FINAL_CODES.includes(code),
      },
      clock,
      random,
    });
    this.#websocket.onState((state) => this.#changed(state));
    this.#websocket.subscribe((message) => this.#hear(message));
    this.#websocket.onClose(() => this.#ended());
    this.#stopPinging = clock.every(PING_MS, () => {
      if (this.#websocket.state === "open") this.#say({ type: "ping" });
    });
  }

  /** Where the websocket is in its life. */
  get state(): WebsocketState {
    return this.#websocket.state;
  }

  /** The ICE servers that the service gave at the last welcome; each offer brings fresh ones. */
  get iceServers(): readonly SignalingIceServer[] | null {
    return this.#iceServers;
  }

  /** Calls back when the websocket's state changes. */
  onState<C extends (state: WebsocketState) => void>(callback: C): C {
    return this.#websocket.onState(callback);
  }

  /** Does not wait for the end of a pause: the network is known to be back. */
  retryNow(): void {
    this.#websocket.retryNow();
  }

  /** Finds out within a second or two whether the service is still there, and comes back if not. */
  check(): void {
    if (this.#websocket.state === "away") return this.retryNow();
    // What was begun in another network would never end.
    if (this.#websocket.state === "connecting") return this.#websocket.expect(2 * CHECK_MS);
    this.#say({ type: "ping" });
    this.#websocket.expect(CHECK_MS);
  }

  protected override async _close(): Promise<void> {
    this.#stopPinging();
    this.#forgetOffers();
    await this.#websocket.close();
  }

  #changed(state: WebsocketState): void {
    if (state === "open") void this.#greet();
    else this.#forgetOffers();
  }

  async #greet(): Promise<void> {
    const { secret, viewerToken } = this.#options;
    const tokenHash = viewerToken === undefined ? null : await sha256(viewerToken);
    if (this.#websocket.state === "open") this.#say({ type: "hello", secret, tokenHash });
  }

  #hear(value: unknown): void {
    let message: ServiceMessage | null;
    try {
      message = parseServiceMessage(value);
    } catch (error) {
      return report("the signaling service said something strange", error);
    }
    switch (message?.type) {
      case "welcome":
        this.#iceServers = message.iceServers;
        return this._setReady();
      case "offer":
        return void this.#answer(message);
      case "cancel":
        return this.#offers.get(message.id)?.abort(new RtcbotError("The viewer has left."));
    }
  }

  async #answer(message: ServiceMessage & { type: "offer" }): Promise<void> {
    const { id, offer, token, iceServers } = message;
    const life = new AbortController();
    this.#offers.set(id, life);
    let reply: object;
    try {
      const context = { id, token, iceServers, signal: life.signal };
      reply = { type: "answer", id, answer: await this.#options.onOffer(offer, context) };
    } catch (error) {
      reply = { type: "refuse", id, ...refusalOf(error, life.signal) };
    }
    const wanted = this.#offers.get(id) === life && !life.signal.aborted;
    this.#offers.delete(id);
    if (wanted) this.#say(reply);
  }

  #forgetOffers(): void {
    for (const life of this.#offers.values()) {
      life.abort(new RtcbotError("The signaling service was lost."));
    }
    this.#offers.clear();
  }

  #ended(): void {
    if (this.closed) return;
    const { end, error } = this.#websocket;
    this._setError(
      end && FINAL_CODES.includes(end.code)
        ? new RemoteProtocolError(
          `Cannot stay at the signaling service: ${end.reason || `it said ${end.code}`}; ` +
            `choose another id, or use the secret that this one belongs to`,
        )
        : error ?? new RtcbotError("Cannot stay at the signaling service: it was closed"),
    );
  }

  #say(message: object): void {
    if (!this.#websocket.closed) this.#websocket.put_nowait(message);
  }
}

function refusalOf(error: unknown, signal: AbortSignal): { reason: string; needsToken: boolean } {
  if (error instanceof Refusal) return { reason: error.message, needsToken: error.needsToken };
  if (error instanceof NegotiationError) {
    return { reason: error.message.slice(0, 300), needsToken: false };
  }
  // What is wrong with the robot is for its owner, not for strangers.
  if (!signal.aborted) report("an offer could not be answered", error);
  return { reason: "The robot has a problem; its console says which.", needsToken: false };
}
