/** Who asks: the key under which limits count. */

/** What `Deno.serve` gives a handler besides the request, and Hono passes on as `c.env`. */
export interface RequestInfo {
  /** The other end of the connection. */
  readonly remoteAddr?: { readonly hostname?: string };
}

/**
 * The address that a request is counted under.
 *
 * @param proxies so many proxies of our own stand in front; each adds who asked it to the end of
 * `X-Forwarded-For`, and whatever stands before was written by strangers
 */
export function addressOf(headers: Headers, info: unknown, proxies: number): string {
  const direct = (info as RequestInfo | undefined)?.remoteAddr?.hostname ?? "unknown";
  if (proxies === 0) return addressKey(direct);
  const forwarded = (headers.get("x-forwarded-for") ?? "").split(",").map((part) => part.trim());
  const stated = forwarded.at(-proxies) ?? "";
  return addressKey(stated.length > 0 && stated.length <= 64 ? stated : direct);
}

/** An IPv4 address as it is; of an IPv6 address the /64 that one customer has (RFC 6177). */
export function addressKey(address: string): string {
  const bare = address.replace(/^\[|\](:\d+)?$/g, "").toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1];
  if (mapped) return mapped;
  if (!bare.includes(":")) return bare;
  const v4WithPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(bare)?.[1];
  if (v4WithPort) return v4WithPort;
  const [head = "", tail] = bare.replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array(gap).fill("0"), ...after];
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
