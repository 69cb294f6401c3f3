/** Reads from werift which paths its ICE has tried, and with what success. */
import type { RouteEnd, RouteEndType, RoutePath } from "../wire/route.ts";
import { relayOf } from "./werift_gathering.ts";

/** What of werift's insides is read here. */
interface Candidate {
  type: string;
  host: string;
  port: number;
}
interface Pair {
  state: number;
  protocol: object & { localCandidate?: Candidate };
  remoteCandidate: Candidate;
  rtt?: number;
}
interface Connection {
  checkList: Pair[];
  nominated?: Pair;
}

/** werift's CandidatePairState */
const STATES: readonly RoutePath["state"][] = ["waiting", "waiting", "trying", "works", "failed"];
/** A stranger can have us think of 64 candidates for each of our addresses. */
const MOST_PATHS = 256;

/** The paths of a connection, the one in use first. */
export function readPaths(connection: object): RoutePath[] {
  const { checkList, nominated } = connection as Connection;
  const pairs = nominated
    ? [nominated, ...checkList.filter((pair) => pair !== nominated)]
    : checkList;
  return pairs.slice(0, MOST_PATHS).flatMap((pair): RoutePath[] => {
    const { protocol, remoteCandidate: remote, rtt } = pair;
    if (!protocol.localCandidate) return [];
    const found = relayOf(protocol);
    const refusal = found?.relay.problem ?? found?.relay.refusals.get(remote.host) ?? null;
    return [{
      local: {
        ...endOf(protocol.localCandidate),
        server: found?.server.url ?? null,
        relayProtocol: found?.server.transport ?? null,
      },
      remote: endOf(remote),
      state: STATES[pair.state] ?? "failed",
      selected: pair === nominated,
      rttMs: rtt === undefined ? null : rtt * 1_000,
      problem: refusal === null ? null : `the relay does not take part, ${refusal}`,
    }];
  });
}

function endOf({ type, host, port }: Candidate): RouteEnd {
  return { type: type as RouteEndType, address: host, port, server: null, relayProtocol: null };
}
