/** Whose an id is, for all instances of a signaling service together. */
import type { SecretStore } from "./broker.ts";
import { RedisLink, type RedisOptions } from "./redis_link.ts";

/** KEYS: the id's. ARGV: the hash, or "" for nobody's; how long it is kept, in ms. */
const PROVE = `
  local known = redis.call("GET", KEYS[1])
  if ARGV[1] == "" then return known and 0 or 1 end
  if known and known ~= ARGV[1] then return 0 end
  redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
  return 1`;

/**
 * A {@linkcode SecretStore} in Redis, at `rtcbot:secret:<id>`: hashes only, each for as long as it is used
 * now and then. How many there may be is Redis's own bound (`maxmemory` with `noeviction`); what cannot be
 * kept rejects.
 */
export class RedisSecrets implements SecretStore {
  readonly #link: RedisLink;

  /**
   * Connects behind the scenes, and again whenever the connection breaks.
   * @param options see {@linkcode RedisOptions}
   */
  constructor(options: RedisOptions = {}) {
    this.#link = new RedisLink(options);
  }

  /** See {@linkcode SecretStore.prove}. */
  async prove(id: string, hash: string | null, ttlMs: number): Promise<boolean> {
    const key = `${this.#link.prefix}secret:${id}`;
    return await this.#link.script(PROVE, [key], [hash ?? "", String(Math.ceil(ttlMs))]) === 1;
  }

  /** Lets go of Redis. */
  close(): void {
    this.#link.close();
  }
}
