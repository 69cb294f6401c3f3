/** Broker and secrets of a service that is one process. */
import { BufferFull, ConnectionLost } from "../errors.ts";
import { Asking } from "./asking.ts";
import type {
  AskOptions,
  Broker,
  Claim,
  ClaimOptions,
  Holder,
  OfferMessage,
  OfferReply,
  Presence,
  SecretStore,
} from "./broker.ts";

interface Held {
  readonly presence: Presence;
  readonly holder: Holder;
}

/** A {@linkcode Broker} that knows the robots of this process. */
export class MemoryBroker implements Broker {
  readonly #held = new Map<string, Held>();
  readonly #asking = new Asking();
  #closed: Error | null = null;

  /** See {@linkcode Broker.claim}. */
  claim(
    id: string,
    presence: Presence,
    holder: Holder,
    options: ClaimOptions = {},
  ): Promise<Claim | null> {
    if (this.#closed) return Promise.reject(this.#closed);
    const before = this.#held.get(id);
    if (before && !options.replace) return Promise.resolve(null);
    const held = { presence, holder };
    this.#held.set(id, held);
    before?.holder.lost("replaced");
    const release = () => {
      if (this.#held.get(id) === held) this.#held.delete(id);
      return Promise.resolve();
    };
    return Promise.resolve({ release });
  }

  /** See {@linkcode Broker.find}. */
  find(id: string): Promise<Presence | null> {
    return Promise.resolve(this.#held.get(id)?.presence ?? null);
  }

  /** See {@linkcode Broker.ask}. */
  ask(id: string, message: OfferMessage, options: AskOptions): Promise<OfferReply | null> {
    return this.#asking.during(options.signal, async (signal) => {
      const held = this.#held.get(id);
      return held ? await held.holder.offer(message, signal) : null;
    });
  }

  /** See {@linkcode Broker.close}. */
  close(): Promise<void> {
    this.#held.clear();
    this.#closed ??= new ConnectionLost("Cannot reach the robot: the service is closing");
    this.#asking.end(this.#closed);
    return Promise.resolve();
  }
}

/** Options of {@linkcode MemorySecrets}. */
export interface MemorySecretsOptions {
  /** So many ids may be kept. @default {100_000} */
  maxIds?: number;
  /** Tells the time in ms, for tests. @default the system's */
  now?: () => number;
}

/** A {@linkcode SecretStore} that forgets everything when the process ends. */
export class MemorySecrets implements SecretStore {
  /** Those not used for longest come first: they are taken out and put back whenever they are used. */
  readonly #kept = new Map<string, { hash: string; untilMs: number }>();
  readonly #maxIds: number;
  readonly #now: () => number;

  /** @param options see {@linkcode MemorySecretsOptions} */
  constructor(options: MemorySecretsOptions = {}) {
    this.#maxIds = options.maxIds ?? 100_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** How many ids are kept, also those that would be forgotten if they were asked for. */
  get size(): number {
    return this.#kept.size;
  }

  /** See {@linkcode SecretStore.prove}. */
  prove(id: string, hash: string | null, ttlMs: number): Promise<boolean> {
    const now = this.#now();
    const kept = this.#kept.get(id);
    const known = kept && kept.untilMs > now ? kept.hash : null;
    if (hash === null) return Promise.resolve(known === null);
    if (known !== null && known !== hash) return Promise.resolve(false);
    this.#kept.delete(id);
    if (this.#kept.size >= this.#maxIds) this.#forget(now);
    if (this.#kept.size >= this.#maxIds) {
      return Promise.reject(
        new BufferFull(`Cannot keep a further secret: ${this.#maxIds} are kept; come again later`),
      );
    }
    this.#kept.set(id, { hash, untilMs: now + ttlMs });
    return Promise.resolve(true);
  }

  #forget(now: number): void {
    for (const [id, { untilMs }] of this.#kept) {
      if (untilMs > now) return;
      this.#kept.delete(id);
    }
  }
}
