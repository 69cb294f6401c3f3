/**
 * Pages of other sites. A browser lets any page post to any address and open any websocket, those of a
 * robot on the visitor's own network included; what it asks of us is to look at `Origin`.
 */
import { RtcbotError } from "../errors.ts";

/** Whose pages may connect. */
export interface OriginBounds {
  /**
   * Pages of which other origins may connect, such as `"https://example.com"`, or `"*"` for any. A robot's
   * own pages may always, and so may programs that are no browser.
   * @default {[]}
   */
  origins?: string | readonly string[];
}

/** A page of another origin has asked; Hono replies 403 with the sentence. */
export class ForeignPage extends RtcbotError {
  /** The class's name. */
  override readonly name: string = "ForeignPage";

  /** One sentence, for the page's visitor. */
  constructor() {
    super(
      "Cannot connect: this page is of another origin than the robot; open the robot's own page, or " +
        'let its owner name this one in "origins"',
    );
  }

  /** What Hono replies. */
  getResponse(): Response {
    return new Response(this.message, { status: 403 });
  }
}

/** Whether a page sent this which is neither our own nor one of those that may. */
export function isForeign(headers: Headers, { origins = [] }: OriginBounds): boolean {
  const origin = headers.get("origin");
  const known = [origins].flat();
  if (origin === null || known.includes("*") || known.includes(origin)) return false;
  // None of the three can be written by a page of another origin. Proxies rewrite the last two.
  if (headers.get("sec-fetch-site") === "same-origin") return false;
  const host = URL.parse(origin)?.host;
  const ours = `${headers.get("host")},${headers.get("x-forwarded-host")}`.split(/, */);
  return !host || !ours.includes(host);
}
