/**
 * The signaling service: robots and viewers find each other at it.
 *
 *     deno run -P=signaling scripts/signaling.ts --port 8080
 *     deno run --allow-net scripts/signaling.ts --help
 */
import { parseArgs } from "node:util";
import {
  createSignaling,
  type IceClient,
  RedisBroker,
  RedisSecrets,
  serveSignaling,
  type SignalingEvent,
  type SignalingIceServer,
  type SignalingLimits,
  type SignalingOptions,
} from "../lib/signaling/mod.ts";
import { turnCredentials } from "../lib/signaling/turn_credentials.ts";

const HELP = `Brings robots and viewers together; .github/SIGNALING.md tells how.

Usage: deno run -P=signaling scripts/signaling.ts [options]

  --port N             where it listens; 0 takes a free port (8080)
  --host NAME          for whom: 0.0.0.0 for everybody (127.0.0.1)
  --trust-proxy N      so many proxies of yours stand in front, and say in
                       X-Forwarded-For who asks them (0)
  --cors ORIGINS       pages of which origins may connect, with commas; "" for
                       none but its own (*)
  --stun URLS          STUN servers for robots and pages, with commas; "none"
                       for no ICE servers at all (their own choice)
  --turn URLS          TURN servers that share the secret in the environment's
                       SIGNALING_TURN_SECRET: an hour's credentials for
                       viewers who may join, and for robots
  --redis URL          joins several instances by Redis, which then keeps the
                       robots' secrets too
  --requests N         requests a second that one address may make (5)
  --robots N           robots that one address may have (64)
  --answer-timeout S   how long a robot may take to answer (10)
  --secret-days N      a secret not used for so long is forgotten (30)
  --quiet              no log
  --help               this

Each may be set by the environment too: SIGNALING_PORT, SIGNALING_REDIS and so on
(--allow-env=SIGNALING_*).
Log lines are JSON. GET /healthz says "ok", GET /metrics counts for Prometheus.
`;

const OPTIONS = {
  port: "8080",
  host: "127.0.0.1",
  "trust-proxy": "0",
  cors: "*",
  stun: "",
  turn: "",
  redis: "",
  requests: "5",
  robots: "64",
  "answer-timeout": "10",
  "secret-days": "30",
} as const;
type Name = keyof typeof OPTIONS;

function fail(sentence: string): never {
  console.error(sentence);
  Deno.exit(2);
}

function readArguments(): { value: (name: Name) => string; quiet: boolean } {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        ...Object.fromEntries(
          Object.keys(OPTIONS).map((name) => [name, { type: "string" as const }]),
        ),
        quiet: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(HELP);
      Deno.exit(0);
    }
    const given = values as Partial<Record<Name, string>>;
    return {
      value: (name) => given[name] ?? environment(name) ?? OPTIONS[name],
      quiet: values.quiet === true,
    };
  } catch (error) {
    fail(`Cannot start: ${(error as Error).message}; --help tells what there is`);
  }
}

/** Without the permission nothing is asked, and nothing is there. */
function environment(name: Name | "turn-secret"): string | undefined {
  const variable = `SIGNALING_${name.toUpperCase().replaceAll("-", "_")}`;
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

const { value, quiet } = readArguments();

function number(name: Name, least: number, most = Infinity): number {
  const text = value(name);
  const found = Number(text);
  if (text.trim() !== "" && found >= least && found <= most) return found;
  fail(`Cannot start: --${name} is "${text}"; give a number of at least ${least}`);
}

function list(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}

const stun = value("stun");
const turn = list(value("turn"));
const turnSecret = environment("turn-secret");
if (turn.length > 0 && !turnSecret) {
  fail("Cannot start: --turn needs the servers' secret; set SIGNALING_TURN_SECRET, and allow it");
}

function iceServers({ id, role }: IceClient): SignalingIceServer[] | null {
  if (stun === "" && turn.length === 0) return null;
  const servers: SignalingIceServer[] = [];
  if (stun !== "" && stun !== "none") servers.push({ urls: list(stun) });
  if (turn.length === 0 || !turnSecret) return servers;
  return [...servers, turnCredentials({ secret: turnSecret, urls: turn, user: `${role}-${id}` })];
}

function log(event: SignalingEvent): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), ...event }));
}

const limits: SignalingLimits = {
  requestsPerSecond: number("requests", 0.001),
  requestBurst: Math.max(60, 12 * number("requests", 0.001)),
  maxRobotsPerAddress: number("robots", 1),
};
const options: SignalingOptions = {
  limits,
  trustProxy: number("trust-proxy", 0, 16),
  cors: value("cors") === "*" ? "*" : list(value("cors")),
  answerTimeoutMs: 1000 * number("answer-timeout", 0.1),
  secretTtlMs: 24 * 3600 * 1000 * number("secret-days", 0.001),
  iceServers,
  ...(quiet ? {} : { log }),
};
const redis = value("redis");
if (redis !== "") {
  options.broker = new RedisBroker({ url: redis });
  options.secrets = new RedisSecrets({ url: redis });
}
const port = number("port", 0, 65_535);
const hostname = value("host");
const signaling = createSignaling(options);
// A proxy's connections all come from one address.
const maxConnectionsPerAddress = options.trustProxy ? Infinity : 256;
const server = await serveSignaling(signaling, { port, hostname, maxConnectionsPerAddress })
  .catch((error) => fail(`Cannot listen on ${hostname}:${port}: ${error.message}`));
console.log(`Robots and viewers meet at http://${hostname}:${server.port}/<id>`);

let stopping = false;
function stop(): void {
  if (stopping) Deno.exit(130); // impatient
  stopping = true;
  server.close().then(() => Deno.exit(0));
}
Deno.addSignalListener("SIGINT", stop);
Deno.addSignalListener("SIGTERM", stop);
