/** A connection to Redis for the signaling service: commands, scripts, and messages between instances. */
import type { createClient } from "redis";
import { ConnectionLost } from "../errors.ts";

type Client = ReturnType<typeof createClient>;

/** How a service finds the Redis that its instances share. */
export interface RedisOptions {
  /** `redis://` or `rediss://[user:password@]host[:port][/database]`. @default {"redis://127.0.0.1:6379"} */
  url?: string;
  /** What the names of our keys and channels begin with, where others use the same one. @default {"rtcbot:"} */
  prefix?: string;
  /** How long an instance may be out of reach before its robots' ids are free, in ms. @default {5000} */
  ttlMs?: number;
}

/** A viewer must not wait longer for a broker that is gone. */
const ANSWER_MS = 2_000;
const RETRY_FROM_MS = 50, RETRY_UP_TO_MS = 1_000;

/** What others publish to us. */
export interface Listening {
  /** Its name, without the prefix. */
  readonly channel: string;
  /** Gets each message; called one after the other. */
  receive(message: string): void;
}

/** One connection, and one more to listen, which can do nothing else; both come back by themselves. */
export class RedisLink {
  /** What names of keys and channels begin with. */
  readonly prefix: string;
  readonly #url: string;
  readonly #commands: Promise<Client>;
  readonly #clients: Client[] = [];
  #closed = false;
  #told = false;

  /** Connects behind the scenes. */
  constructor(options: RedisOptions, listening?: Listening) {
    this.#url = options.url ?? "redis://127.0.0.1:6379";
    this.prefix = options.prefix ?? "rtcbot:";
    if (!/^rediss?:\/\/./.test(this.#url)) {
      throw new SyntaxError(
        "Cannot use Redis: its URL does not begin with redis:// or rediss://; give one that does",
      );
    }
    this.#commands = this.#open(listening);
    this.#commands.catch(() => {}); // who asks is told
  }

  /** Runs a command; rejects when Redis is out of reach, sooner than a viewer loses patience. */
  async run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    });
    const asked = this.#commands.then(command);
    asked.catch(() => {}); // it may fail after its time
    try {
      if (this.#closed) throw new Error("the service is closing");
      return await Promise.race([asked, late]);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ConnectionLost(`Cannot ask Redis: ${why}; is it running, and its URL right?`, {
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs a Lua script, which Redis does in one step. */
  script(text: string, keys: string[], values: string[]): Promise<unknown> {
    return this.run((client) => client.eval(text, { keys, arguments: values }));
  }

  /** Sends to a channel; gives how many listened. */
  publish(channel: string, message: string): Promise<number> {
    return this.run((client) => client.publish(this.prefix + channel, message));
  }

  /** Lets go of both connections. */
  close(): void {
    this.#closed = true;
    for (const client of this.#clients) client.destroy();
  }

  async #open(listening: Listening | undefined): Promise<Client> {
    const { createClient } = await import("redis");
    const make = () => {
      const client = createClient({
        url: this.#url,
        disableOfflineQueue: true, // rather an error now than an offer that nobody waits for any more
        maintNotifications: "disabled", // a cloud's; reads the environment
        socket: {
          connectTimeout: ANSWER_MS,
          reconnectStrategy: (retries) =>
            Math.min(RETRY_UP_TO_MS, RETRY_FROM_MS * 2 ** Math.min(retries, 10)),
        },
      }) as Client;
      client.on("error", (error) => this.#tell(error));
      client.on("ready", () => void (this.#told = false));
      this.#clients.push(client);
      return client;
    };
    const commands = make();
    await commands.connect();
    if (listening) {
      const ears = make();
      await ears.connect();
      await ears.subscribe(this.prefix + listening.channel, (text) => listening.receive(text));
    }
    if (this.#closed) this.close();
    return commands;
  }

  /** Once until it is back, and without the URL, which may have a password. */
  #tell(error: unknown): void {
    if (this.#told || this.#closed) return;
    this.#told = true;
    const why = error instanceof Error ? error.message : String(error);
    console.error(`[rtcbot] Redis cannot be reached (${why}); trying again until it is back`);
  }
}
