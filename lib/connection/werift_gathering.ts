/**
 * How long a description waits for STUN and TURN servers. werift waits 5 s for each silent one, and
 * begins to connect only then; a robot in a network without internet would take that long each time.
 */
import type * as Werift from "werift";
import type { IceServer } from "./peer.ts";

/** A STUN server answers within one round trip. */
const STUN_LIMIT_MS = 1_500;
/** A TURN server over TLS takes up to six. */
const TURN_LIMIT_MS = 3_000;
/** Servers that were silent a moment ago are given just a chance. */
const SILENT_LIMIT_MS = 150;
const SILENT_FOR_MS = 60_000;

const silentSince = new Map<string, number>();

/** Bounds the gathering of this connection; what comes later is not in the description. */
export function boundGathering(pc: Werift.RTCPeerConnection, servers: readonly IceServer[]): void {
  const inside = pc as unknown as { gatherCandidates(): Promise<void> };
  const gather = inside.gatherCandidates.bind(pc);
  const names = JSON.stringify(servers.map((server) => server.urls));
  inside.gatherCandidates = async () => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<"silent">((done) => {
      timer = setTimeout(() => done("silent"), limitMs(names));
    });
    const first = await Promise.race([gather(), limit]).finally(() => clearTimeout(timer));
    if (first === "silent") silentSince.set(names, performance.now());
    else silentSince.delete(names);
  };
}

function limitMs(names: string): number {
  const since = silentSince.get(names);
  if (since !== undefined && performance.now() - since < SILENT_FOR_MS) return SILENT_LIMIT_MS;
  return /"turns?:/.test(names) ? TURN_LIMIT_MS : STUN_LIMIT_MS;
}
