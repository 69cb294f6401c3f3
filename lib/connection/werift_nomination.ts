/**
 * Follows the other end when it chooses another path. A browser begins on the path that opened first, a
 * relay perhaps, and moves to a better one, or to another one when the first has died. werift stays on the
 * first for ever (0.25.2): it would go on paying for the relay, and lose who has left it.
 */
import type * as Werift from "werift";

/** What of werift's insides is touched here. */
interface Pair {
  readonly state: number;
}
interface Message {
  readonly attributesKeys: readonly string[];
}
interface Connection {
  iceControlling: boolean;
  nominated?: Pair | undefined;
  remoteCandidates: readonly { host: string; port: number }[];
  findPair(protocol: object, remote: object): Pair | undefined;
  checkIncoming(message: Message, address: [string, number], protocol: object): void;
  checkComplete(pair: Pair): void;
}

const SUCCEEDED = 3; // werift's CandidatePairState
const patched = new WeakSet<object>();
/** By connection: what the other end has chosen last. */
const chosen = new WeakMap<object, Pair>();

/** Installs it, once a loaded werift. @returns whether it could be installed */
export function followNomination(werift: typeof Werift): boolean {
  const connection = werift.Connection.prototype as unknown as Connection;
  if (patched.has(connection)) return true;
  const { checkIncoming, checkComplete } = connection;
  if (typeof checkIncoming !== "function" || typeof checkComplete !== "function") return false;
  patched.add(connection);
  connection.checkIncoming = function (message, address, protocol): void {
    checkIncoming.call(this, message, address, protocol);
    if (this.iceControlling || !message.attributesKeys.includes("USE-CANDIDATE")) return;
    const [host, port] = address;
    const remote = this.remoteCandidates.find((each) => each.host === host && each.port === port);
    const pair = remote && this.findPair(protocol, remote);
    if (!pair) return;
    chosen.set(this, pair);
    follow(this);
  };
  connection.checkComplete = function (pair): void {
    checkComplete.call(this, pair);
    follow(this);
  };
  return true;
}

/** Where no path is in use yet werift decides; where one is, the new one must be known to work. */
function follow(connection: Connection): void {
  const pair = chosen.get(connection);
  if (connection.nominated && pair?.state === SUCCEEDED) connection.nominated = pair;
}
