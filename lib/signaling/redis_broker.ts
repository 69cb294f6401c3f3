/**
 * A {@linkcode Broker} for several instances of the signaling service, joined by Redis.
 *
 * ```text
 * rtcbot:id:<id>        {"instance", "nonce", "presence"}, expires unless its instance renews it
 * rtcbot:to:<instance>  channel to an instance:
 *                       {"kind": "ask", "ask", "from", "id", "nonce", "message"}   an offer
 *                       {"kind": "reply", "ask", "reply"}                          what became of it
 *                       {"kind": "cancel", "ask"}                                  nobody waits any more
 *                       {"kind": "lost", "id", "nonce"}                            another robot has the id
 * ```
 */
import { ConnectionLost } from "../errors.ts";
import type {
  AskOptions,
  Broker,
  Claim,
  ClaimOptions,
  Holder,
  OfferMessage,
  OfferReply,
  Presence,
} from "./broker.ts";
import { Asking } from "./asking.ts";
import { RedisLink, type RedisOptions } from "./redis_link.ts";

/** What the key of an id holds. */
interface Entry {
  readonly instance: string;
  /** Tells the claims of one instance apart. */
  readonly nonce: string;
  readonly presence: Presence;
}

interface Held {
  readonly id: string;
  /** The entry as it is in Redis. */
  readonly value: string;
  readonly nonce: string;
  readonly holder: Holder;
}

type Message =
  | {
    readonly kind: "ask";
    readonly ask: string;
    readonly from: string;
    readonly id: string;
    readonly nonce: string;
    readonly message: OfferMessage;
  }
  | { readonly kind: "reply"; readonly ask: string; readonly reply: OfferReply | null }
  | { readonly kind: "cancel"; readonly ask: string }
  | { readonly kind: "lost"; readonly id: string; readonly nonce: string };

/** Claims are renewed so often within their time, and an instance that answers is looked after as often. */
const RENEWALS = 4;
/** So many ids are renewed by one script, which Redis runs without a pause. */
const RENEWED_AT_ONCE = 250;

/** Deletes the key if it is still ours. */
const RELEASE =
  `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end`;
/** Sets each key again, also after Redis forgot it; gives the numbers of those that somebody else has. */
const RENEW = `
  local lost = {}
  for i, key in ipairs(KEYS) do
    local value = redis.call("GET", key)
    if not value or value == ARGV[i + 1] then redis.call("SET", key, ARGV[i + 1], "PX", ARGV[1])
    else table.insert(lost, i) end
  end
  return lost`;

/**
 * Joins the instances of a signaling service: a robot's websocket may end at one, its viewers come to
 * another. An instance that is killed holds its robots' ids for 5 s at the most; while Redis is away,
 * robots keep their websockets, connections go on, and only new viewers are asked to come again.
 *
 * Needs `--allow-net` to Redis, 6.2 or newer. Redis sees offers and answers, and only hashes of secrets.
 */
export class RedisBroker implements Broker {
  readonly #instance: string = crypto.randomUUID();
  readonly #link: RedisLink;
  readonly #ttlMs: number;
  readonly #held = new Map<string, Held>();
  /** Offers that we have sent to other instances. */
  readonly #asked = new Map<string, (reply: OfferReply | null) => void>();
  /** Offers of other instances that our robots are thinking about. */
  readonly #answering = new Map<string, AbortController>();
  readonly #asking = new Asking();
  #closed = false;
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Connects behind the scenes, and again whenever the connection breaks.
   * @param options see {@linkcode RedisOptions}
   */
  constructor(options: RedisOptions = {}) {
    this.#ttlMs = options.ttlMs ?? 5_000;
    this.#link = new RedisLink(options, {
      channel: `to:${this.#instance}`,
      receive: (text) => this.#receive(text),
    });
    this.#timer = setInterval(() => this.#renew(), this.#ttlMs / RENEWALS);
  }

  /** See {@linkcode Broker.claim}. */
  async claim(
    id: string,
    presence: Presence,
    holder: Holder,
    options: ClaimOptions = {},
  ): Promise<Claim | null> {
    const nonce = crypto.randomUUID();
    const entry: Entry = { instance: this.#instance, nonce, presence };
    const value = JSON.stringify(entry);
    const expiration = { type: "PX", value: this.#ttlMs } as const;
    if (options.replace) {
      const before = await this.#link.run((client) =>
        client.set(this.#key(id), value, { expiration, GET: true })
      );
      if (before !== null) this.#tellLost(id, JSON.parse(before as string) as Entry);
    } else {
      const condition = "NX";
      const set = await this.#link.run((client) =>
        client.set(this.#key(id), value, { expiration, condition })
      );
      if (set === null) return null;
    }
    const held: Held = { id, value, nonce, holder };
    this.#held.set(id, held);
    return { release: () => this.#release(held) };
  }

  /** See {@linkcode Broker.find}. */
  async find(id: string): Promise<Presence | null> {
    return (await this.#entry(id))?.presence ?? null;
  }

  /** See {@linkcode Broker.ask}. */
  ask(id: string, message: OfferMessage, options: AskOptions): Promise<OfferReply | null> {
    return this.#asking.during(options.signal, (signal) => this.#ask(id, message, signal));
  }

  /** See {@linkcode Broker.close}. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#asking.end(new ConnectionLost("Cannot reach the robot: the service is closing"));
    const held = [...this.#held.values()];
    // Redis frees them by itself if it cannot be told.
    await Promise.allSettled(held.map((one) => this.#release(one)));
    this.#link.close();
  }

  async #ask(id: string, message: OfferMessage, signal: AbortSignal): Promise<OfferReply | null> {
    const entry = await this.#entry(id);
    if (entry === null) return null;
    const held = this.#held.get(id);
    if (held?.nonce === entry.nonce) return await held.holder.offer(message, signal);
    if (entry.instance === this.#instance) return null; // it has just gone
    return await this.#askOther(entry, id, message, signal);
  }

  async #askOther(
    { instance, nonce }: Entry,
    id: string,
    message: OfferMessage,
    signal: AbortSignal,
  ): Promise<OfferReply | null> {
    const ask = crypto.randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<OfferReply | null>();
    const giveUp = () => reject(signal.reason);
    this.#asked.set(ask, resolve);
    signal.addEventListener("abort", giveUp, { once: true });
    // An instance that is killed says nothing more, but its claim ends.
    const watch = setInterval(() => {
      this.#entry(id).then((entry) => {
        if (entry?.nonce !== nonce) resolve({ kind: "gone" });
      }).catch(reject);
    }, this.#ttlMs / RENEWALS);
    try {
      const sent: Message = { kind: "ask", ask, from: this.#instance, id, nonce, message };
      const listeners = await this.#send(instance, sent);
      if (listeners === 0) return { kind: "gone" };
      return await promise;
    } catch (error) {
      if (signal.aborted) this.#send(instance, { kind: "cancel", ask }).catch(() => {}); // it times out
      throw error;
    } finally {
      clearInterval(watch);
      signal.removeEventListener("abort", giveUp);
      this.#asked.delete(ask);
      promise.catch(() => {}); // when sending failed
    }
  }

  #receive(text: string): void {
    let message: Message;
    try {
      message = JSON.parse(text) as Message;
    } catch {
      return; // not from one of ours
    }
    switch (message.kind) {
      case "ask":
        return void this.#answer(message);
      case "reply":
        return this.#asked.get(message.ask)?.(message.reply);
      case "cancel":
        return this.#answering.get(message.ask)?.abort(
          new ConnectionLost("Cannot answer the viewer: it does not wait any more"),
        );
      case "lost":
        return this.#lose(message.id, message.nonce, "replaced");
    }
  }

  async #answer({ ask, from, id, nonce, message }: Message & { kind: "ask" }): Promise<void> {
    const held = this.#held.get(id);
    const asking = new AbortController();
    let reply: OfferReply | null = null;
    this.#answering.set(ask, asking);
    try {
      if (held?.nonce === nonce) {
        reply = await this.#asking.during(
          asking.signal,
          (signal) => held.holder.offer(message, signal),
        );
      }
    } catch {
      reply = { kind: "gone" }; // the robot's end, or the viewer's: nobody answers
    } finally {
      this.#answering.delete(ask);
    }
    if (asking.signal.aborted) return;
    await this.#send(from, { kind: "reply", ask, reply }).catch(() => {}); // the viewer is timed out
  }

  async #renew(): Promise<void> {
    const all = [...this.#held.values()];
    for (let i = 0; i < all.length; i += RENEWED_AT_ONCE) {
      const some = all.slice(i, i + RENEWED_AT_ONCE);
      const keys = some.map(({ id }) => this.#key(id));
      const values = some.map(({ value }) => value);
      try {
        const lost = await this.#link.script(RENEW, keys, [String(this.#ttlMs), ...values]);
        for (const number of lost as number[]) {
          const { id, nonce } = some[number - 1]!;
          this.#lose(id, nonce, "expired");
        }
        // What was released meanwhile must not come back to life.
        for (const one of some) if (this.#held.get(one.id) !== one) await this.#delete(one);
      } catch (error) {
        // Told already; the robots stay, and are claimed again as soon as Redis is back.
        if (error instanceof ConnectionLost) return;
        console.error("[rtcbot] a robot's claim could not be renewed:", error);
      }
    }
  }

  #lose(id: string, nonce: string, reason: "replaced" | "expired"): void {
    const held = this.#held.get(id);
    if (held?.nonce !== nonce) return;
    this.#held.delete(id);
    held.holder.lost(reason);
  }

  #tellLost(id: string, { instance, nonce }: Entry): void {
    if (instance === this.#instance) return this.#lose(id, nonce, "replaced");
    // If it cannot be told, it finds out when it renews.
    this.#send(instance, { kind: "lost", id, nonce }).catch(() => {});
  }

  async #release(held: Held): Promise<void> {
    if (this.#held.get(held.id) === held) this.#held.delete(held.id);
    await this.#delete(held);
  }

  async #delete({ id, value }: Held): Promise<void> {
    await this.#link.script(RELEASE, [this.#key(id)], [value]);
  }

  async #entry(id: string): Promise<Entry | null> {
    const value = await this.#link.run((client) => client.get(this.#key(id)));
    return value === null ? null : JSON.parse(value as string) as Entry;
  }

  #send(instance: string, message: Message): Promise<number> {
    return this.#link.publish(`to:${instance}`, JSON.stringify(message));
  }

  #key(id: string): string {
    return `${this.#link.prefix}id:${id}`;
  }
}
