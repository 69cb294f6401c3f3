/** A robot that can always be reached: through lost networks, new addresses and restarted services. */
import { NegotiationError } from "../errors.ts";
import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { type Connectable, OfferAnswerer } from "./offer_answerer.ts";
import type { SignalingIceServer } from "./protocol.ts";
import {
  type OfferContext,
  Refusal,
  SignalingClient,
  type SignalingClientOptions,
} from "./signaling_client.ts";
import type { WebsocketState } from "./websocket_options.ts";

/** What is known of a viewer for whom a connection is made. */
export interface Viewer {
  /** The token that it has shown; null for none, or when the service has checked it. */
  readonly token: string | null;
  /** The STUN and TURN servers that the service gives for it; null for none. */
  readonly iceServers: SignalingIceServer[] | null;
}

/** What is needed of a connection; {@linkcode RTCConnection} has it. */
export interface ReachableConnection extends Connectable {
  /** What it failed with, or null. */
  readonly error: Error | null;
}

/** Options of {@linkcode ReachableRobot}. */
export interface ReachableRobotOptions extends Omit<SignalingClientOptions, "onOffer"> {
  /**
   * Makes a new connection for each viewer, and prepares it; not an async function, since a connection can
   * itself be awaited. What it throws sends the viewer away, with the sentence of a {@linkcode Refusal}.
   */
  connect: (viewer: Viewer) => ReachableConnection;
  /** So many connections may be there at a time. @default {8} */
  maxConnections?: number;
}

/**
 * Keeps a robot at a signaling service for as long as the program runs, and gives each viewer a fresh
 * connection. Cameras and drives live outside of it, and are not touched when connections come and go.
 *
 * When a network is lost the connections over it fail within 3 s and are closed; the robot comes back to
 * the service by itself, and each page asks for a new connection, which takes the old one's place.
 *
 * ```ts no-assert
 * import { ReachableRobot, RTCConnection } from "rtcbot";
 * import { SimulatedRobot } from "rtcbot/testing";
 *
 * const robot = new SimulatedRobot();
 * const reach = (secret: string) =>
 *   new ReachableRobot("https://signaling.example/myRobot", {
 *     secret,
 *     connect({ iceServers }) {
 *       const conn = new RTCConnection({ rtcConfiguration: { iceServers: iceServers ?? [] } });
 *       conn.video.putSubscription(robot.camera);
 *       conn.control.subscribe(robot.drive);
 *       return conn;
 *     },
 *   });
 * ```
 *
 * It is `ready` when the service has welcomed it the first time, and fails only when it may not stay: the
 * id belongs to another secret, or a newer robot with the same secret has taken its place. Connections that
 * stand go on whatever becomes of the service; `close()` ends them.
 */
export class ReachableRobot extends Lifecycle {
  readonly #client: SignalingClient;
  readonly #answerer: OfferAnswerer;

  /**
   * @param url the service's, with the robot's id as its path
   * @throws {RangeError} when the secret is too short
   * @throws {TypeError} when the URL is none
   */
  constructor(url: string | URL, options: ReachableRobotOptions) {
    super({ ready: false });
    const { connect, maxConnections = 8, ...ofClient } = options;
    this.#answerer = new OfferAnswerer({ maxConnections });
    this.#client = new SignalingClient(url, {
      ...ofClient,
      onOffer: (offer, context) => this.#answer(offer, context, connect),
    });
    this.#client.onReady(() => this._setReady());
    this.#client.onError((error) => this._setError(error));
  }

  /** How it stands with the service: `open` while viewers can come. */
  get state(): WebsocketState {
    return this.#client.state;
  }

  /** The connections of viewers that are here or on their way. */
  get connections(): ReachableConnection[] {
    return this.#answerer.connections as ReachableConnection[];
  }

  /** Calls back when the state changes. */
  onState<C extends (state: WebsocketState) => void>(callback: C): C {
    return this.#client.onState(callback);
  }

  /** Ends all connections, and leaves the service. */
  protected override async _close(): Promise<void> {
    for (const connection of this.#answerer.connections) connection.close();
    await this.#client.close();
  }

  async #answer(
    offer: object,
    { token, iceServers, signal }: OfferContext,
    connect: ReachableRobotOptions["connect"],
  ): Promise<object> {
    let refusal: Refusal | null = null;
    const reply = await this.#answerer.answer(offer, () => {
      try {
        const made = connect({ token, iceServers: iceServers && [...iceServers] });
        made?.onClose?.(() => this.#left(made));
        return made;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refusal = error;
        throw new NegotiationError(error.message);
      }
    });
    if ("refusal" in reply) throw refusal ?? new Refusal(reply.refusal);
    signal.throwIfAborted(); // the connection gives up by itself
    return reply.answer as object;
  }

  /** Where one way is lost, the way to the service may be, too: that one would be silent for long. */
  #left(connection: ReachableConnection): void {
    if (connection.error && !this.closed) this.#client.check();
  }
}
