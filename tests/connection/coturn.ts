/** coturn for tests: a TURN server of one's own on the loopback interface. */
import { createServer } from "node:net";
import { within } from "./pair.ts";

/** What the titles of tests that need it say when it is not there. */
export const NO_COTURN = findCoturn() === null ? " (install the package coturn)" : "";
export const WHO = { username: "robot", credential: "secret" } as const;

/** A running server. */
export interface Coturn extends AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number;
  /** What it has said until now. */
  readonly log: () => string;
  /** Waits until it says something. */
  said(what: RegExp): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server that knows {@linkcode WHO}.
 *
 * @param options more of coturn's options; with a secret, it knows nobody else
 */
export async function startCoturn(...options: string[]): Promise<Coturn> {
  for (let tries = 0;; tries++) {
    const coturn = await tryCoturn(options);
    if (coturn) return coturn;
    if (tries === 4) throw new Error("coturn does not start: no ports are free");
  }
}

async function tryCoturn(options: readonly string[]): Promise<Coturn | null> {
  const [port, tlsPort] = [freePort(), freePort()];
  const folder = await Deno.makeTempDir(); // its table of secrets and users stays empty
  const named = (name: string) => options.some((option) => option.split("=")[0] === name);
  const secret = named("--use-auth-secret");
  const process = new Deno.Command(findCoturn()!, {
    args: [
      ...["-n", "--no-cli", "--log-file=stdout", "--simple-log", "--verbose", "--pidfile="],
      ...["--listening-ip=127.0.0.1", "--allow-loopback-peers"],
      ...(named("--relay-ip") ? [] : ["--relay-ip=127.0.0.1"]),
      ...[`--listening-port=${await port}`, `--tls-listening-port=${await tlsPort}`],
      ...["--realm=test", "--no-dtls", "--relay-threads=1", `--userdb=${folder}/db`],
      ...(named("--cert") ? [] : ["--no-tls"]),
      ...(secret ? [] : ["--lt-cred-mech", `--user=${WHO.username}:${WHO.credential}`]),
      ...options,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let log = "";
  let ended = false;
  const waiting = new Set<() => void>();
  const reading = (async () => {
    for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
      log += text;
      waiting.forEach((look) => look());
    }
    ended = true;
    waiting.forEach((look) => look());
  })();
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!condition() && !ended) return;
        waiting.delete(look);
        condition() ? resolve() : reject(new Error(`coturn has ended:\n${log}`));
      };
      waiting.add(look);
      look();
    });
  const stop = async () => {
    if (!ended) process.kill("SIGKILL");
    await process.status;
    await reading;
    await Deno.remove(folder, { recursive: true }).catch(() => {}); // stopped twice
  };
  try {
    const ready = () => /Total auth threads|IPv4\. UDP listener opened/.test(log);
    await within(15_000, until(ready), "the start of coturn");
    if (/bind: Address already in use|Cannot bind/.test(log)) throw new Error("taken");
  } catch {
    await stop();
    return null;
  }
  return {
    port: await port,
    tlsPort: await tlsPort,
    log: () => log,
    said: (what) => within(20_000, until(() => what.test(log)), `coturn saying ${what}`),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Free at this moment; coturn takes none of its own choice. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((done) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    })
  );
}

function findCoturn(): string | null {
  for (const path of ["/usr/bin/turnserver", "/usr/local/bin/turnserver"]) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // not here
    }
  }
  return null;
}
