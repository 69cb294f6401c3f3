/// <reference lib="dom" />
/** The few words beside the state that say which way the connection took, and the sentences behind them. */

import type { RTCConnection } from "../index.ts";
import { type Route, routeInShort } from "../../wire/route.ts";

/** A path hardly ever changes, and reading it costs the browser some work. */
const READ_EVERY_MS = 2000;

/** Keeps `#route` and the list `#route-why` up to date. */
export class RouteLine {
  readonly #words: HTMLElement;
  readonly #list: HTMLElement;
  readonly #whyNot: HTMLElement;
  #told = "";

  /** @param conn gives the present connection */
  constructor(root: Document, conn: () => RTCConnection | null) {
    const part = (id: string) => root.getElementById(id)!;
    this.#words = part("route");
    this.#list = part("route-why");
    this.#whyNot = part("why-not");
    const read = () => {
      // A route that cannot be read is told again by the next one that can.
      void conn()?.describeRoute().then((route) => this.#show(route)).catch(() => {});
    };
    setInterval(read, READ_EVERY_MS);
    for (const button of [this.#words, this.#whyNot]) button.addEventListener("click", read);
  }

  #show(route: Route): void {
    const told = route.sentences.join("\n");
    if (told === this.#told) return;
    this.#told = told;
    this.#words.hidden = route.kind === "none";
    this.#words.textContent = routeInShort(route);
    this.#words.title = told;
    this.#whyNot.hidden = route.kind !== "none" || route.paths.length === 0;
    this.#list.replaceChildren(...route.sentences.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }));
  }
}
