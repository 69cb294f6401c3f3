/// <reference lib="dom" />
/** Which way the page's connection took: the browser's statistics in the words that the robot's end uses. */

import {
  describeFindings,
  NOTHING_FOUND,
  type Route,
  type RouteEnd,
  type RouteEndType,
  type RoutePath,
  type RouteServer,
} from "../wire/route.ts";

/** What browsers tell of a candidate (W3C webrtc-stats, section 8.24); DOM's own types name none of it. */
interface CandidateStats {
  candidateType?: string;
  address?: string | null;
  ip?: string;
  port?: number;
  url?: string | null;
  relayProtocol?: RouteEnd["relayProtocol"];
}
type PairStats = RTCIceCandidatePairStats & { selected?: boolean };

const STATES: Readonly<Record<string, RoutePath["state"]>> = {
  "in-progress": "trying",
  succeeded: "works",
  failed: "failed",
};
/** RFC 8489, section 14.8; 701 is the browser's own (W3C webrtc, section 4.8.3). */
const PROBLEMS: Readonly<Record<number, string>> = {
  401: "it does not accept the user name and credential",
  486: "this user has as many relays as are allowed",
  701: "it did not answer, or cannot be reached",
};

/** Remembers what is told only once, and reads the rest when somebody asks. */
export class RouteReader {
  readonly #rtc: RTCPeerConnection;
  /** By URL: which address the server gave, and what went wrong. */
  readonly #given = new Map<string, string>();
  readonly #problems = new Map<string, string>();
  #last: Promise<Route> = Promise.resolve(describeFindings(NOTHING_FOUND));

  constructor(rtc: RTCPeerConnection) {
    this.#rtc = rtc;
    rtc.addEventListener("icecandidate", ({ candidate }) => {
      const { url, address, port, type } = (candidate ?? {}) as RTCIceCandidate & { url?: string };
      if (url && address && type !== "host") this.#given.set(plain(url), `${address}:${port}`);
    });
    // Whoever asks after the end shall hear of what had failed.
    rtc.addEventListener("iceconnectionstatechange", () => void this.read().catch(() => {}));
    rtc.addEventListener("icecandidateerror", ({ url, errorCode, errorText }) => {
      const why = PROBLEMS[errorCode] ?? "it refused";
      if (url) this.#problems.set(plain(url), `${why} (${`${errorCode} ${errorText}`.trim()})`);
    });
  }

  /** The route as it is; after the end, as it was when last read. */
  read(): Promise<Route> {
    if (this.#rtc.signalingState !== "closed") this.#last = this.#read();
    return this.#last;
  }

  async #read(): Promise<Route> {
    const servers = this.#servers(); // a closed connection forgets them
    const report = await this.#rtc.getStats();
    return describeFindings({ paths: readPaths(report), servers, names: [] });
  }

  #servers(): RouteServer[] {
    const urls = (this.#rtc.getConfiguration().iceServers ?? []).flatMap(({ urls }) => urls);
    const done = this.#rtc.iceGatheringState === "complete";
    return urls.map((url) => {
      const address = this.#given.get(plain(url)) ?? null;
      const silent = done && /^turn/i.test(url) ? "it gave no relay" : null;
      const problem = address ? null : this.#problems.get(plain(url)) ?? silent;
      // A STUN server that tells nothing new has no candidate either.
      const outcome = problem ? "failed" : address || done ? "answered" : "asked";
      return { url, outcome, address, problem };
    });
  }
}

function readPaths(report: RTCStatsReport): RoutePath[] {
  const pairs: PairStats[] = [];
  let selected: string | undefined;
  for (const stats of report.values()) {
    if (stats.type === "candidate-pair") pairs.push(stats);
    if (stats.type === "transport") selected ??= stats.selectedCandidatePairId;
  }
  const inUse = pairs.find(({ id, selected: chosen }) => id === selected || chosen) ??
    pairs.find(({ nominated, state }) => nominated && state === "succeeded"); // Firefox
  pairs.sort((a, b) => Number(b === inUse) - Number(a === inUse));
  return pairs.map((pair) => ({
    local: endOf(report.get(pair.localCandidateId)),
    remote: endOf(report.get(pair.remoteCandidateId)),
    state: STATES[pair.state] ?? "waiting",
    selected: pair === inUse,
    rttMs: pair.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
    problem: null,
  }));
}

function endOf(candidate: CandidateStats = {}): RouteEnd {
  return {
    type: (candidate.candidateType ?? "prflx") as RouteEndType,
    address: candidate.address || candidate.ip || null,
    port: candidate.port ?? 0,
    server: candidate.url || null,
    relayProtocol: candidate.relayProtocol || null,
  };
}

/** Browsers give a URL back with more in it, or less: `turn:host:3478?transport=udp` for `turn:host`. */
function plain(url: string): string {
  const [, scheme = "", host = "", port, transport] =
    /^(\w+):(.+?)(?::(\d+))?(?:\?transport=(\w+))?$/.exec(url.toLowerCase()) ?? [];
  const standard = scheme.endsWith("s") ? "5349" : "3478";
  return [
    scheme,
    host,
    port ?? standard,
    transport ?? (scheme === "turns" ? "tcp" : "udp"),
  ].join(" ");
}
