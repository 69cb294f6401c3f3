/**
 * Which way a connection took through the network, and why it did not take others: the value that both
 * ends of this library give by `describeRoute()`, and the sentences that say it to a person.
 */

/** How an end of a path is reached (RFC 8445, section 4). */
export type RouteEndType =
  /** An address of the machine itself. */
  | "host"
  /** What a STUN server sees of it: the outside of a NAT. */
  | "srflx"
  /** What the other end sees of it; was in no description. */
  | "prflx"
  /** A TURN server that passes everything on. */
  | "relay";

/** One end of a path. */
export interface RouteEnd {
  /** How it is reached. */
  readonly type: RouteEndType;
  /** `null` where the browser hides it. */
  readonly address: string | null;
  /** Its UDP port. */
  readonly port: number;
  /** The TURN server's URL; `null` unless it is our relay. */
  readonly server: string | null;
  /** How the TURN server is spoken to; `null` unless it is our relay. */
  readonly relayProtocol: "udp" | "tcp" | "tls" | null;
}

/** A path that was thought of. */
export interface RoutePath {
  /** Ours. */
  readonly local: RouteEnd;
  /** The other one. */
  readonly remote: RouteEnd;
  /** `works` was tried with success, and may still not be the one in use. */
  readonly state: "waiting" | "trying" | "works" | "failed";
  /** Whether the connection uses it. */
  readonly selected: boolean;
  /** From this end to the other and back; `null` when it was not measured. */
  readonly rttMs: number | null;
  /** Why it failed, where more is known than that no answer came. */
  readonly problem: string | null;
}

/** What became of a STUN or TURN server that was named. */
export interface RouteServer {
  /** As it was named. */
  readonly url: string;
  /** `asked` has not answered until now. */
  readonly outcome: "asked" | "answered" | "failed";
  /** The address that it gave us: a STUN server our outside, a TURN server the relay. */
  readonly address: string | null;
  /** Why it is of no use. */
  readonly problem: string | null;
}

/** A name ending in `.local` behind which the other end hides an address. */
export interface RouteName {
  /** `<UUID>.local` */
  readonly name: string;
  /** What it stands for; empty when nobody has told. */
  readonly addresses: readonly string[];
}

/** Which way a connection took, and what became of the others. */
export interface Route {
  /** `direct` through NATs or not, `relayed` through a TURN server of either end; `none` has no path. */
  readonly kind: "none" | "direct" | "relayed";
  /** The path in use, or that was in use when the connection ended. */
  readonly path: RoutePath | null;
  /** All paths, the likeliest first. */
  readonly paths: readonly RoutePath[];
  /** The servers that were named, in that order. */
  readonly servers: readonly RouteServer[];
  /** The names behind which the other end hides its addresses; a page does not learn them. */
  readonly names: readonly RouteName[];
  /** The same for a person, the most important first. */
  readonly sentences: readonly string[];
}

/** What of a route is found out; the rest is concluded from it. */
export type RouteFindings = Pick<Route, "paths" | "servers" | "names">;

/** What is known before anything is tried. */
export const NOTHING_FOUND: RouteFindings = { paths: [], servers: [], names: [] };

const MOST_FAILURES_TOLD = 5;

/** Concludes what can be concluded. */
export function describeFindings({ paths, servers, names }: RouteFindings): Route {
  const path = paths.find(({ selected }) => selected) ?? null;
  const relayed = path?.local.type === "relay" || path?.remote.type === "relay";
  const kind = path ? (relayed ? "relayed" : "direct") : "none";
  return { kind, path, paths, servers, names, sentences: tell({ paths, servers, names }, path) };
}

/** In a few words, for a corner of the screen: `direct`, `relay over tcp` … */
export function routeInShort({ kind, path }: Pick<Route, "kind" | "path">): string {
  if (kind !== "relayed") return kind === "direct" ? "direct" : "no path";
  const protocol = path?.local.relayProtocol;
  return protocol && protocol !== "udp" ? `relay over ${protocol}` : "relay";
}

/** What is wrong with the servers, to be put behind another sentence; empty when nothing is. */
export function serverProblems({ servers }: Pick<Route, "servers">): string {
  return servers.filter(({ outcome }) => outcome === "failed")
    .map(({ url, problem }) => `; ${url} is of no use: ${problem}`).join("");
}

function tell({ paths, servers, names }: RouteFindings, path: RoutePath | null): string[] {
  const told = [path ? tellPath(path) : tellNoPath(paths)];
  for (const { url, outcome, address, problem } of servers) {
    if (outcome === "answered") {
      const gave = /^turn/i.test(url) ? "gave the relay" : "sees this end as";
      const what = address === null ? "has answered" : `${gave} ${address}`;
      told.push(`${url} ${what}${problem === null ? "" : `, but ${problem}`}.`);
    } else if (outcome === "asked") told.push(`${url} has not answered yet.`);
    else told.push(`${url} is of no use: ${problem}.`);
  }
  const unknown = names.filter(({ addresses }) => addresses.length === 0).length;
  if (unknown > 0 && !path) {
    told.push(
      `The other end hides ${unknown === 1 ? "an address" : `${unknown} addresses`} ` +
        `behind names that nobody in this network resolves.`,
    );
  }
  const failed = paths.filter(({ state }) => state === "failed");
  for (const { local, remote, problem } of failed.slice(0, MOST_FAILURES_TOLD)) {
    told.push(
      `The path from ${end(local)} to ${end(remote)} did not open: ${problem ?? "no answer came"}.`,
    );
  }
  const more = failed.length - MOST_FAILURES_TOLD;
  if (more > 0) told.push(`${more} more ${more === 1 ? "path" : "paths"} did not open either.`);
  return told;
}

function tellPath({ local, remote, rttMs }: RoutePath): string {
  const rtt = rttMs === null ? "" : `, ${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)} ms`;
  const how = local.type !== "relay" && remote.type !== "relay"
    ? "directly"
    : local.type === "relay"
    ? `through our relay${local.server ? ` at ${local.server}` : ""}`
    : "through the other end's relay";
  return `Connected ${how}: from ${end(local)} to ${end(remote)}${rtt}.`;
}

function tellNoPath(paths: readonly RoutePath[]): string {
  if (paths.length === 0) return "Not connected: no path to the other end is known.";
  const open = paths.filter(({ state }) => state !== "failed").length;
  if (open > 0) return `Not connected yet: ${open} of ${paths.length} paths are still to be tried.`;
  return `Not connected: none of ${paths.length} paths opened.`;
}

const WORDS: Readonly<Record<RouteEndType, string>> = {
  host: "",
  srflx: " (outside of a NAT)",
  prflx: " (found on the way)",
  relay: " (relay)",
};

function end({ type, address, port }: RouteEnd): string {
  const host = address === null
    ? "a hidden address"
    : address.includes(":")
    ? `[${address}]:${port}`
    : `${address}:${port}`;
  return host + WORDS[type];
}
