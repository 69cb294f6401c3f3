/** The page library as text, to be served as `/rtcbot.js`. */

import { classicScript, moduleScript } from "../browser/rtcbot.generated.ts";

/** Options of {@linkcode getRTCBotJS}. */
export interface RTCBotJSOptions {
  /**
   * Gives an ES module (`import { RTCConnection } from "/rtcbot.mjs"`) instead of a script that makes the
   * global `rtcbot`.
   * @default false
   */
  module?: boolean;
}

/**
 * The text of the page library. It is part of the program: no file is read and no permission needed.
 * Serve it with the type `text/javascript`.
 *
 * ```ts
 * import { getRTCBotJS } from "rtcbot";
 *
 * const reply = new Response(getRTCBotJS(), { headers: { "content-type": "text/javascript" } });
 * console.log(reply.status); // 200
 * ```
 *
 * RTCBot: `rtcbot.getRTCBotJS`.
 */
export function getRTCBotJS(options: RTCBotJSOptions = {}): string {
  return options.module ? moduleScript : classicScript;
}
