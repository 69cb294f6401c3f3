/**
 * Candidates behind `.local` names: looked up in the local network, and given to ICE when they are known,
 * which by then has begun with the others. What nobody tells is left out.
 */
import type * as Werift from "werift";
import { type HiddenCandidate, isUnicastAddress } from "../wire/candidates.ts";
import type { RouteName } from "../wire/route.ts";
import { lookUpNames } from "./mdns_lookup.ts";

/** What of werift's insides is touched here. */
interface Connection {
  nominated?: object;
  state: string;
  addRemoteCandidate(candidate: unknown): Promise<void>;
}

/** The hidden addresses of one other end. */
export class HiddenAddresses {
  readonly #ending = new AbortController();
  readonly #names = new Map<string, string[]>();

  /** What is known of each name. */
  get names(): RouteName[] {
    return [...this.#names].map(([name, addresses]) => ({ name, addresses: [...addresses] }));
  }

  /**
   * Begins to look up.
   *
   * @param addresses this machine's own
   */
  add(
    werift: typeof Werift,
    connection: object,
    candidates: readonly HiddenCandidate[],
    addresses: readonly string[],
  ): void {
    if (candidates.length === 0) return;
    const ice = connection as Connection;
    for (const { name } of candidates) this.#names.set(name, []);
    const found = (name: string, address: string) => {
      if (ice.nominated) return this.close(); // there is a path already
      if (this.#ending.signal.aborted || !isUnicastAddress(address)) return;
      this.#names.get(name)?.push(address);
      for (const candidate of candidates) {
        if (candidate.name !== name) continue;
        const { foundation, priority, port } = candidate;
        const known = new werift.Candidate(
          ...[foundation, 1, "udp", priority, address, port, "host"] as const,
        );
        ice.addRemoteCandidate(known).catch(() => {}); // ICE has ended meanwhile
      }
    };
    const { signal } = this.#ending;
    void lookUpNames({ names: [...this.#names.keys()], addresses, signal, found });
  }

  /** Looks up no more. */
  close(): void {
    this.#ending.abort();
  }
}
