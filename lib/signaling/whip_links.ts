/** ICE servers in `Link` headers (RFC 9725, section 4.6). */

/** A STUN or TURN server, as in the standard's `RTCIceServer`. */
export interface LinkedIceServer {
  /** `stun:host`, `turn:host?transport=udp` … */
  urls: string | string[];
  /** TURN only. */
  username?: string;
  /** TURN only. */
  credential?: string;
}

/** A value of a `Link` header for each URL. */
export function linksOf(servers: readonly LinkedIceServer[]): string[] {
  return servers.flatMap(({ urls, username, credential }) =>
    [urls].flat().map((url) =>
      [
        `<${url}>; rel="ice-server"`,
        ...(username === undefined ? [] : [`username=${quoted(username)}`]),
        ...(credential === undefined
          ? []
          : [`credential=${quoted(credential)}`, `credential-type="password"`]),
      ].join("; ")
    )
  );
}

/** RFC 9110, section 5.6.4. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
