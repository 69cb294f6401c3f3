/**
 * Short-lived credentials for a TURN server that shares a secret with whoever issues them, as coturn's
 * `use-auth-secret` and Pion's `LongTermTURNRESTAuthHandler` want them (draft-uberti-behave-turn-rest-00, section 2.2):
 * the user name is `<when it ends, in Unix seconds>:<who>`, the credential the HMAC-SHA1 of it.
 */
import { createHmac } from "node:crypto";

/** What credentials are made of. */
export interface TurnCredentialsOptions {
  /** What the TURN server knows as `static-auth-secret`; it never leaves this machine. */
  readonly secret: string;
  /** The server's URLs: `turn:host:3478?transport=udp`, `turns:host:5349` … */
  readonly urls: string | readonly string[];
  /**
   * How long they may be used to get a relay, in seconds. What is got is kept for as long as the
   * server renews it: coturn lets a relay live on until the end.
   * @default {3600}
   */
  readonly ttlS?: number;
  /** Who uses them, for the server's log and its quota for each user. @default {"rtcbot"} */
  readonly user?: string;
  /** The time, in Unix seconds. @default the system's */
  readonly nowS?: number;
}

/** A TURN server as `rtcConfiguration.iceServers` takes it, at both ends. */
export interface TurnCredentials {
  /** As they were given. */
  urls: string[];
  /** `<end, in Unix seconds>:<user>` */
  username: string;
  /** In base64. */
  credential: string;
}

const TTL_S = 3_600;
/** RFC 8656 names no longest; nobody should give out for years what is called short-lived. */
const LONGEST_TTL_S = 30 * 24 * 3_600;

/**
 * Issues credentials for a TURN server.
 *
 * ```ts
 * import { turnCredentials } from "rtcbot";
 *
 * const server = turnCredentials({
 *   secret: "north",
 *   urls: "turn:turn.example.org",
 *   user: "alice",
 *   ttlS: 600,
 *   nowS: 1_700_000_000,
 * });
 * server.username; // "1700000600:alice"
 * ```
 *
 * @throws {TypeError} when there is no secret or no URL
 * @throws {RangeError} when the user's name has a colon, or the time is none
 */
export function turnCredentials(options: TurnCredentialsOptions): TurnCredentials {
  const { secret, ttlS = TTL_S, user = "rtcbot", nowS = Date.now() / 1_000 } = options;
  const urls = [options.urls].flat() as string[];
  if (typeof secret !== "string" || secret === "") {
    throw new TypeError("Cannot issue TURN credentials: the secret is empty; give the server's");
  }
  if (urls.length === 0 || !urls.every((url) => /^turns?:/i.test(url))) {
    throw new TypeError(
      'Cannot issue TURN credentials: a URL does not begin with "turn:" or "turns:"; ' +
        "a STUN server needs none",
    );
  }
  // deno-lint-ignore no-control-regex
  if (user === "" || user.length > 128 || /[:\s\x00-\x1f]/.test(user)) {
    throw new RangeError(
      "Cannot issue TURN credentials: the user's name is empty, long, or has a colon or a space",
    );
  }
  if (!(ttlS >= 1 && ttlS <= LONGEST_TTL_S) || !Number.isFinite(nowS)) {
    throw new RangeError(
      "Cannot issue TURN credentials: they last from a second to 30 days, from now on",
    );
  }
  const username = `${Math.floor(nowS + ttlS)}:${user}`;
  const credential = createHmac("sha1", secret).update(username).digest("base64");
  return { urls, username, credential };
}
