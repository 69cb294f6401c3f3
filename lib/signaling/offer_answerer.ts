/** What all routes that answer strangers' offers share: bounds, and whose fault a failure is. */
import { NegotiationError } from "../errors.ts";

/** What such a route needs of a connection; {@linkcode RTCConnection} has it. */
export interface Connectable {
  /** Whether the other end has come. */
  readonly ready: boolean;
  /** The answer to an offer; rejects with `NegotiationError` when the offer is none. */
  getLocalDescription(offer: unknown): Promise<unknown>;
  /** Tells when the connection has ended. */
  onClose(listener: () => void): unknown;
  /** Ends it. */
  close(): unknown;
}

/** Bounds of a route that answers offers. */
export interface OfferBounds {
  /**
   * So many connections may be there at a time; who comes then is told to come again. One whose other end
   * has not come yet makes room: offers that nobody stands behind lock nobody out.
   * @default {32}
   */
  maxConnections?: number;
}

/** An answer, or a sentence for whoever sent the offer and the HTTP status that goes with it. */
export type Reply =
  | { readonly answer: unknown; readonly connection: Connectable }
  | { readonly refusal: string; readonly status: 400 | 500 | 503 };

/** Who may have come before says so in the offer, beside `type` and `sdp`, by a name that nobody can guess. */
const MAX_VIEWER_NAME = 64;

/** Answers offers with new connections, of which it keeps count. */
export class OfferAnswerer {
  readonly #maxConnections: number;
  /** Each with the name of its viewer, if that gave one. */
  readonly #connections = new Map<Connectable, string | null>();

  /** @param bounds see {@linkcode OfferBounds} */
  constructor({ maxConnections = 32 }: OfferBounds = {}) {
    this.#maxConnections = maxConnections;
  }

  /** Those that were answered and are not closed. */
  get connections(): Connectable[] {
    return [...this.#connections.keys()];
  }

  /**
   * Answers an offer. A viewer that comes again takes the place of its old connection, whose route is gone.
   * Never rejects: what is wrong with the robot itself is told on its console.
   *
   * @param connect makes and prepares a connection; not an async function
   */
  async answer(offer: unknown, connect: () => Connectable): Promise<Reply> {
    const viewer = viewerOf(offer);
    if (!this.#makeRoom(viewer)) {
      const refusal = `Cannot connect: ${this.#maxConnections} connections are there already`;
      return { refusal, status: 503 };
    }
    let connection: Connectable | null = null;
    try {
      const made = connect();
      if (typeof made?.onClose !== "function") {
        throw new TypeError(
          "Cannot use what the function for new connections returned: it is no connection; " +
            "return one, and not from an async function",
        );
      }
      connection = made;
      made.onClose(() => void this.#connections.delete(made));
      this.#connections.set(made, viewer); // not before: what throws above would hold its place for ever
      return { answer: await made.getLocalDescription(offer), connection };
    } catch (error) {
      connection?.close(); // a connection whose offer was refused would wait for a better one
      if (error instanceof NegotiationError) return { refusal: error.message, status: 400 };
      // What is wrong with the robot is for its owner, not for strangers.
      console.error("[rtcbot] a connection could not be made:", error);
      const refusal = "Cannot connect: the robot has a problem; its console says which";
      return { refusal, status: 500 };
    }
  }

  #makeRoom(viewer: string | null): boolean {
    for (const [connection, other] of this.#connections) {
      if (viewer !== null && other === viewer) this.#dismiss(connection);
    }
    if (this.#connections.size >= this.#maxConnections) {
      const waiting = this.connections.find(({ ready }) => !ready);
      if (waiting) this.#dismiss(waiting);
    }
    return this.#connections.size < this.#maxConnections;
  }

  #dismiss(connection: Connectable): void {
    this.#connections.delete(connection);
    connection.close();
  }
}

function viewerOf(offer: unknown): string | null {
  const { viewer } = (offer ?? {}) as { viewer?: unknown };
  return typeof viewer === "string" && viewer !== "" && viewer.length <= MAX_VIEWER_NAME
    ? viewer
    : null;
}
