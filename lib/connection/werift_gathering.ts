/**
 * Asks all STUN and TURN servers at once, and bounds how long a description waits for them. werift asks the
 * first server of each kind, and waits 5 s for a silent one; a robot in a network without internet would
 * take that long each time.
 */
import type * as Werift from "werift";
import type { RouteServer } from "../wire/route.ts";
import type { IceServerUrl } from "./ice_servers.ts";
import { ServerSilent, wordsFor } from "./route_problems.ts";
import { addShortcut } from "./werift_sockets.ts";
import { Relay } from "./werift_turn.ts";
import { resolveHost } from "./werift_turn_socket.ts";

/** A STUN server answers within one round trip. */
const STUN_LIMIT_MS = 1_500;
/** A TURN server over TLS takes up to six. */
const TURN_LIMIT_MS = 3_000;
/** Once one answer of a kind is here, the others are not waited for much longer. */
const FURTHER_LIMIT_MS = 500;
/** Servers that were silent a moment ago are given just a chance. */
const SILENT_LIMIT_MS = 150;
const SILENT_FOR_MS = 60_000;

/** By URL: when it did not answer in time. */
const silentSince = new Map<string, number>();

/** What of werift's insides is touched here. */
interface Connection {
  protocols: Protocol[];
  localCandidates: Candidate[];
  generation: number;
  localUsername: string;
  state: string;
  nominated?: object;
  earlyChecksDone: boolean;
  getCandidatePromises(addresses: string[], timeout?: number): Promise<unknown>[];
  ensureProtocol(protocol: Protocol): void;
  pairLocalProtocol(protocol: Protocol): void;
  sortCheckList(): void;
  schedulingChecks(): boolean;
  appendLocalCandidate(candidate: Candidate): void;
}
interface Candidate {
  type: string;
  host: string;
  port: number;
}
interface Protocol {
  transport?: object;
  localCandidate?: Candidate;
  request(message: unknown, address: [string, number]): Promise<[Message, unknown]>;
  datagramReceived(data: unknown, address: unknown): void;
}
interface Message {
  getAttributeValue(name: string): unknown;
}
type Outcome = { -readonly [K in keyof RouteServer]: RouteServer[K] };

const BINDING = 1, REQUEST = 0; // RFC 8489, section 6
/** Among relays the one that costs the least on the way comes first; all stand behind the rest. */
const RELAY_PREFERENCE = { udp: 3_000, tcp: 2_000, tls: 1_000 } as const;

/** The relay that ICE uses as one of its sockets; `null` when the socket is an ordinary one. */
export function relayOf(protocol: object): { relay: Relay; server: IceServerUrl } | null {
  return relays.get(protocol) ?? null;
}
const relays = new WeakMap<object, { relay: Relay; server: IceServerUrl }>();

/** The servers of one connection. */
export class Gathering {
  readonly #werift: typeof Werift;
  readonly #connection: Connection;
  readonly #ending = new AbortController();
  readonly #asked: { server: IceServerUrl; outcome: Outcome; relay?: Relay }[];

  constructor(werift: typeof Werift, connection: object, servers: readonly IceServerUrl[]) {
    this.#werift = werift;
    const inside = this.#connection = connection as Connection;
    this.#asked = servers.map((server) => ({
      server,
      outcome: { url: server.url, outcome: "asked", address: null, problem: null },
    }));
    const hosts = inside.getCandidatePromises.bind(connection);
    inside.getCandidatePromises = (addresses, timeout) => {
      const own = hosts(addresses, timeout);
      return [...own, Promise.allSettled(own).then(() => this.#askAll())];
    };
  }

  /** What became of each server until now. */
  get servers(): RouteServer[] {
    return this.#asked.map(({ outcome, relay }) => ({
      ...outcome,
      problem: relay?.problem ?? outcome.problem,
    }));
  }

  /** Asks no more, and closes what is half open. Relays in use are closed by ICE. */
  close(): void {
    this.#ending.abort();
  }

  async #askAll(): Promise<void> {
    const kinds = (["stun", "turn"] as const).map((kind) => {
      const of = this.#asked.filter(({ server }) => server.kind === kind);
      return this.#inTime(of.map((one) => ({ ...one, answer: this.#ask(one) })));
    });
    await Promise.all(kinds);
  }

  /** Waits for the servers of a kind, but not for long. */
  async #inTime(asked: readonly { server: IceServerUrl; answer: Promise<void> }[]): Promise<void> {
    if (asked.length === 0) return;
    const timers: ReturnType<typeof setTimeout>[] = [];
    const pause = (ms: number) => new Promise<void>((done) => timers.push(setTimeout(done, ms)));
    const open = new Set(asked.map(({ server }) => server));
    const answers = asked.map(({ server, answer }) => {
      const told = () => {
        open.delete(server);
        silentSince.delete(server.url);
      };
      return answer.then(told, (error) => {
        if (!(error instanceof ServerSilent)) told();
        throw error;
      });
    });
    const further = Promise.any(answers).then(() => pause(FURTHER_LIMIT_MS))
      .catch(() => new Promise<void>(() => {})); // all have failed, which `allSettled` tells
    const limit = pause(Math.max(...asked.map(({ server }) => limitMs(server))));
    const stop = new Promise<void>((done) =>
      this.#ending.signal.addEventListener("abort", () => done())
    );
    await Promise.race([Promise.allSettled(answers), further, limit, stop]);
    timers.forEach(clearTimeout);
    if (this.#ending.signal.aborted) return;
    for (const server of open) silentSince.set(server.url, performance.now());
  }

  async #ask(one: { server: IceServerUrl; outcome: Outcome; relay?: Relay }): Promise<void> {
    const { outcome } = one;
    try {
      outcome.address = one.server.kind === "stun"
        ? await this.#askStun(one.server)
        : await this.#askTurn(one);
      outcome.outcome = "answered";
    } catch (error) {
      outcome.outcome = "failed";
      outcome.problem = wordsFor(error);
      throw error;
    }
  }

  /** From each of our own addresses, each of which has a port of its own outside; gives the first answer. */
  async #askStun({ host, port }: IceServerUrl): Promise<string> {
    const own = this.#connection.protocols.filter(({ localCandidate }) =>
      localCandidate?.type === "host"
    );
    if (own.length === 0) throw new Error("this machine has no address to ask from");
    const { address, family } = await resolveHost(
      host,
      own.some(({ localCandidate }) => localCandidate!.host.includes(".")),
    );
    const asking = own
      .filter(({ localCandidate }) => localCandidate!.host.includes(":") === (family === 6))
      .map(async (protocol) => {
        const message = new this.#werift.Message(BINDING, REQUEST);
        const [response] = await protocol.request(message, [address, port]).catch((error) => {
          throw error?.response ? new Error("it refused to tell our address") : new ServerSilent();
        });
        const seen = response.getAttributeValue("XOR-MAPPED-ADDRESS") as [string, number];
        if (!seen) throw new Error("it did not tell our address");
        this.#addReflexive(protocol.localCandidate!, seen);
        return named(seen);
      });
    if (asking.length === 0) throw new Error("this machine has no address of its kind");
    const first = await Promise.any(asking).catch((all: AggregateError) => {
      throw all.errors[0];
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((done) => timer = setTimeout(done, FURTHER_LIMIT_MS));
    this.#ending.signal.addEventListener("abort", () => clearTimeout(timer));
    await Promise.race([Promise.allSettled(asking), late]).finally(() => clearTimeout(timer));
    return first;
  }

  #addReflexive(base: Candidate, [host, port]: [string, number]): void {
    const { localCandidates, generation, localUsername } = this.#connection;
    // Without a NAT in between there is nothing new (RFC 8445, section 5.1.3).
    if (localCandidates.some((known) => known.host === host && known.port === port)) return;
    const { Candidate, candidateFoundation, candidatePriority } = this.#werift;
    this.#connection.appendLocalCandidate(
      new Candidate(
        candidateFoundation("srflx", "udp", base.host),
        1,
        "udp",
        candidatePriority("srflx", { transport: "udp" }),
        ...[host, port, "srflx", base.host, base.port] as const,
        undefined,
        generation,
        localUsername,
      ),
    );
  }

  async #askTurn(one: { server: IceServerUrl; relay?: Relay }): Promise<string> {
    const { server } = one;
    const relay = await Relay.open(this.#werift, server, this.#ending.signal);
    if (this.#ending.signal.aborted || this.#connection.nominated) {
      await relay.close();
      throw new Error("it answered when there was a path already");
    }
    one.relay = relay;
    this.#addRelay(relay, server);
    return named(relay.relayed);
  }

  /** Makes the relay one of ICE's sockets. */
  #addRelay(relay: Relay, server: IceServerUrl): void {
    const connection = this.#connection;
    const { Candidate, StunProtocol, candidateFoundation, candidatePriority } = this.#werift;
    const protocol = new StunProtocol() as unknown as Protocol;
    relays.set(protocol, { relay, server });
    protocol.transport = relay;
    relay.onData = (data, address) => protocol.datagramReceived(data, address);
    addShortcut(relay, (...datagram) => relay.sendAtOnce(...datagram));
    const { relayed, mapped } = relay;
    protocol.localCandidate = new Candidate(
      candidateFoundation("relay", "udp", relayed[0]),
      1,
      "udp",
      candidatePriority("relay", { localPreference: RELAY_PREFERENCE[server.transport] }),
      ...[...relayed, "relay", ...mapped] as const,
      undefined,
      connection.generation,
      connection.localUsername,
    ) as unknown as Candidate;
    connection.ensureProtocol(protocol);
    connection.protocols.push(protocol);
    connection.appendLocalCandidate(protocol.localCandidate);
    connection.pairLocalProtocol(protocol);
    connection.sortCheckList();
    // What comes after the checks have begun has its own started here.
    if (connection.earlyChecksDone) connection.schedulingChecks();
  }
}

function limitMs(server: IceServerUrl): number {
  const since = silentSince.get(server.url);
  if (since !== undefined && performance.now() - since < SILENT_FOR_MS) return SILENT_LIMIT_MS;
  return server.kind === "turn" ? TURN_LIMIT_MS : STUN_LIMIT_MS;
}

function named([host, port]: readonly [string, number]): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
