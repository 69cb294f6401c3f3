/**
 * What the signaling service must know of all robots, wherever their websockets end: the seam behind which
 * one instance of the service becomes several.
 *
 * An instance **claims** an id for the robot whose websocket it has, and gives a {@linkcode Holder} with the
 * claim. Whichever instance a viewer's offer comes to **asks** the id, and the offer reaches that holder.
 * Everything that passes here is JSON, so a broker may carry it over any network.
 *
 * What a broker promises:
 * - An id has one holder at a time, on all instances together.
 * - A claim lasts until it is released. A broker of several machines renews its claims by itself, and an
 *   instance that was killed without a word holds an id for 5 s at the most.
 * - A claim that ended in another way (replaced, or not renewed in time) is told to `Holder.lost`, once.
 * - A method that cannot reach the other instances rejects with `ConnectionLost`; viewers are then told to
 *   come again (503). After `close()` all reject, and whoever still asks is rejected.
 */

/** What every instance may know of a robot that waits. */
export interface Presence {
  /** Whether it takes one viewer after the other; an old-style robot takes one and is gone. */
  readonly stays: boolean;
  /** Whether it has proved by a secret whose id this is; only then may another with that secret replace it. */
  readonly owned: boolean;
  /** SHA-256, in hexadecimal, of the token that viewers must show; null when the robot decides or asks for none. */
  readonly tokenHash: string | null;
}

/** A viewer's offer on its way to a robot. */
export interface OfferMessage {
  /** The description as the viewer sent it: the text of a JSON object. */
  readonly offer: string;
  /** The token that the viewer has shown, for a robot that decides itself. */
  readonly token: string | null;
}

/** What became of an offer. */
export type OfferReply =
  /** The robot's answer: JSON text. */
  | { readonly kind: "answer"; readonly answer: string }
  /** The robot does not want this viewer, in one sentence; or wants to see a token first. */
  | { readonly kind: "refused"; readonly reason: string; readonly needsToken: boolean }
  /** The robot has as many viewers waiting for an answer as it may. */
  | { readonly kind: "busy" }
  /** The robot went away before it answered, or what it answered was nothing. */
  | { readonly kind: "gone" };

/** The end of a claim that the robot's websocket is at. */
export interface Holder {
  /**
   * Takes an offer to the robot. When the signal aborts, nobody waits for the reply any more; it then
   * rejects with the signal's reason.
   */
  offer(message: OfferMessage, signal: AbortSignal): Promise<OfferReply>;
  /** The id is not ours any more: another robot has it, or the claim could not be renewed. */
  lost(reason: "replaced" | "expired"): void;
}

/** An id that is held. */
export interface Claim {
  /** Gives the id back; does nothing when it is somebody else's by now. */
  release(): Promise<void>;
}

/** Options of {@linkcode Broker.claim}. */
export interface ClaimOptions {
  /** Takes the id from who has it: for a robot that has proved whose it is. @default false */
  replace?: boolean;
}

/** Options of {@linkcode Broker.ask}. */
export interface AskOptions {
  /** Gives up, and lets the robot know. The broker sets no deadline of its own. */
  signal: AbortSignal;
}

/** See the head of this file. */
export interface Broker {
  /** Claims an id; null when somebody else has it. */
  claim(
    id: string,
    presence: Presence,
    holder: Holder,
    options?: ClaimOptions,
  ): Promise<Claim | null>;
  /** Who waits at this id; null when nobody does. */
  find(id: string): Promise<Presence | null>;
  /** Takes an offer to whoever holds the id; null when nobody does. Rejects with the signal's reason. */
  ask(id: string, message: OfferMessage, options: AskOptions): Promise<OfferReply | null>;
  /** Releases what this instance has claimed, and lets go of the network. */
  close(): Promise<void>;
}

/**
 * Whose an id is: trust on first use. Only hashes come here, and a store forgets them when they were not
 * used for a while. It may be kept on disk or shared by instances.
 */
export interface SecretStore {
  /**
   * Whether who comes may have the id: true when this very hash is kept, or none is; it is then kept from
   * now on, for `ttlMs`. A hash of null is somebody without a secret: true when none is kept, and nothing
   * changes. Asking and keeping are one step: of two who come first at once, one gets true.
   * @throws {BufferFull} when a further id cannot be kept
   */
  prove(id: string, hash: string | null, ttlMs: number): Promise<boolean>;
}
