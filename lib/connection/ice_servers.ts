/**
 * Reads the STUN and TURN servers that a user named, when he names them: one that is passed over in
 * silence would leave the robot alone without a word.
 */
import type { IceServer, RTCConfiguration } from "./peer.ts";

/** One URL of an {@linkcode IceServer}, read. */
export interface IceServerUrl {
  /** As it was written. */
  readonly url: string;
  readonly kind: "stun" | "turn";
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp" | "tls";
  /** Empty for STUN. */
  readonly username: string;
  /** Empty for STUN. */
  readonly credential: string;
}

/** RFC 7064 section 3.1 and RFC 7065 section 3.1; an IPv6 address stands in brackets. */
const URL_FORM =
  /^(stuns?|turns?):(\[[0-9a-f:.]+\]|[^\s@:/?[\]]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;
const PORT = 3478, TLS_PORT = 5349; // RFC 7064 section 3.2, RFC 7065 section 3.2

/**
 * @throws {SyntaxError} when a URL is none of STUN or TURN
 * @throws {TypeError} when a TURN server has no user name or credential
 */
export function readIceServers(servers: readonly IceServer[]): IceServerUrl[] {
  return servers.flatMap((server, i) => {
    const urls: unknown[] = [server?.urls].flat();
    return urls.map((written) => {
      // The URL is not repeated, for people write passwords into it.
      const url = typeof written === "string" ? written.trim() : "";
      const [found, scheme = "", name = "", port, query] = URL_FORM.exec(url) ?? [];
      const kind = /^turn/i.test(scheme) ? "turn" : "stun", secure = /s$/i.test(scheme);
      const udp = query?.toLowerCase() === "udp";
      if (!found || Number(port) > 65_535 || query && (kind === "stun" || udp && secure)) {
        throw new SyntaxError(
          `Cannot use ICE server ${i + 1}: its URL is not of the form "stun:host:port", ` +
            `"turn:host:port?transport=udp" or "turns:host:port"; user name and credential stand beside it`,
        );
      }
      if (kind === "turn" && !(isSecret(server.username) && isSecret(server.credential))) {
        throw new TypeError(
          `Cannot use ICE server ${i + 1}: a TURN server wants to know who asks; ` +
            "give username and credential",
        );
      }
      return {
        url,
        kind,
        host: name.replace(/^\[|\]$/g, ""),
        port: port ? Number(port) : secure ? TLS_PORT : PORT,
        // As in browsers, "stuns" is asked over UDP like "stun".
        transport: kind === "stun" ? "udp" : secure ? "tls" : query && !udp ? "tcp" : "udp",
        username: kind === "turn" ? server.username! : "",
        credential: kind === "turn" ? server.credential! : "",
      };
    });
  });
}

/**
 * Looks whether a connection could ever be made.
 *
 * @throws {SyntaxError} when a URL is none of STUN or TURN
 * @throws {TypeError} when a TURN server has no user name or credential, and when only relays are
 * allowed and no TURN server is named
 */
export function checkConfiguration(
  { iceServers = [], iceTransportPolicy }: RTCConfiguration,
): void {
  const servers = readIceServers(iceServers);
  if (iceTransportPolicy === "relay" && !servers.some(({ kind }) => kind === "turn")) {
    throw new TypeError(
      `Cannot connect over relays alone: no TURN server is named; add one to "iceServers"`,
    );
  }
}

function isSecret(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
