/**
 * Looks at the STUN and TURN servers that a user named, when he names them: the engine passes over what
 * it cannot read, and the robot would be alone without a word.
 */
import type { IceServer } from "./peer.ts";

/** RFC 7064 section 3.1 and RFC 7065 section 3.1; an IPv6 address stands in brackets. */
const URL_FORM =
  /^(stuns?|turns?):(\[[0-9a-f:.]+\]|[^\s@:/?[\]]+)(:\d{1,5})?(\?transport=(udp|tcp))?$/i;

/**
 * @throws {SyntaxError} when a URL is none of STUN or TURN
 * @throws {TypeError} when a TURN server has no user name or credential
 */
export function checkIceServers(servers: readonly IceServer[]): void {
  servers.forEach((server, i) => {
    const urls: unknown[] = [server?.urls].flat();
    for (const url of urls) {
      // The URL is not repeated, for people write passwords into it.
      const found = typeof url === "string" ? URL_FORM.exec(url.trim()) : null;
      const [, scheme = "", , , query] = found ?? [];
      const isTurn = /^turn/i.test(scheme);
      if (!found || (query && !isTurn) || /^turns\b.*=udp$/i.test(found[0])) {
        throw new SyntaxError(
          `Cannot use ICE server ${i + 1}: its URL is not of the form "stun:host:port", ` +
            `"turn:host:port?transport=udp" or "turns:host:port"; user name and credential stand beside it`,
        );
      }
      if (isTurn && !(isSecret(server.username) && isSecret(server.credential))) {
        throw new TypeError(
          `Cannot use ICE server ${i + 1}: a TURN server wants to know who asks; ` +
            "give username and credential",
        );
      }
    }
  });
}

function isSecret(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
