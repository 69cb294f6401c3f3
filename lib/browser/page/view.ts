/// <reference lib="dom" />
/** What the page shows besides the picture. Writes to the document only what has changed. */

import type { DriveCommand } from "../index.ts";
import type { Phase } from "./session.ts";

/** What is to be shown about the connection. */
export interface ConnectionView {
  phase: Phase;
  /** Whether there was a connection before. */
  again: boolean;
  problem: string;
  robotAway: boolean;
  tokenWanted: boolean;
  retryInMs: number;
  moving: boolean;
}

/** The document's parts, by their ids. */
export class View {
  readonly #root: HTMLElement;
  readonly #parts = new Map<string, HTMLElement>();
  #wakeLock: Promise<WakeLockSentinel | null> | null = null;

  constructor(root: HTMLElement) {
    this.#root = root;
    for (const part of document.querySelectorAll<HTMLElement>("[id]")) {
      this.#parts.set(part.id, part);
    }
    // The browser ends the lock when the page is hidden.
    document.addEventListener("visibilitychange", () => {
      const open = root.dataset.state === "open" || root.dataset.state === "still";
      this.#keepAwake(!document.hidden && open);
    });
  }

  /** The state in the corner and, while there is none, the card in the middle. */
  showConnection(view: ConnectionView): void {
    const open = view.phase === "open";
    const state = open && !view.moving ? "still" : view.phase;
    if (this.#root.dataset.state !== state) {
      this.#root.dataset.state = state;
      this.#keepAwake(open);
    }
    this.#root.toggleAttribute("data-again", view.again && !view.robotAway && !view.tokenWanted);
    this.#write(
      "status",
      open ? (view.moving ? "Connected" : "Connected, no picture") : statusOf(view),
    );
    if (open) return;
    this.#write("card-title", titleOf(view));
    this.#write("card-text", view.problem);
    const seconds = Math.max(1, Math.ceil(view.retryInMs / 1000));
    const waiting = view.phase === "waiting";
    this.#write("card-next", waiting ? `Trying again in ${seconds} s` : "Trying now");
    this.#part("card-next").hidden = !view.problem || view.tokenWanted;
    this.#part("retry").hidden = !view.problem || view.tokenWanted;
    this.#part("token-form").hidden = !view.tokenWanted;
    this.#part("retry").toggleAttribute("disabled", !waiting);
  }

  /** Round-trip time, how old the picture is, and frame rate. */
  showNumbers(rttMs: number | null, pictureAgeMs: number | null, fps: number): void {
    this.#write("rtt", rttMs === null ? "–" : rttMs < 10 ? rttMs.toFixed(1) : rttMs.toFixed(0));
    this.#write("age", pictureAgeMs === null ? "–" : pictureAgeMs.toFixed(0));
    this.#part("age-chip").hidden = pictureAgeMs === null;
    this.#write("fps", fps === 0 ? "–" : String(fps));
  }

  /** Where the robot believes to be. Whatever is not a number is not shown. */
  showPose(pose: unknown): void {
    const { x, y, headingDeg } = (pose ?? {}) as Record<string, unknown>;
    if (!isNumber(x) || !isNumber(y)) return;
    this.#part("pose").hidden = false;
    this.#write("pose-x", metres(x));
    this.#write("pose-y", metres(y));
    this.#part("pose-heading-group").hidden = !isNumber(headingDeg);
    if (isNumber(headingDeg)) this.#write("pose-heading", `${Math.round(headingDeg)}°`);
  }

  /** The stick moves and the keys light up, whichever of them is driving. */
  showCommand(command: DriveCommand, heldKeys: readonly string[]): void {
    const stick = this.#part("stick");
    if (!stick.hasAttribute("data-active")) {
      stick.style.setProperty("--x", String(command.leftright));
      stick.style.setProperty("--y", String(-command.forward));
    }
    for (const cap of this.#root.querySelectorAll<HTMLElement>("[data-keys]")) {
      const codes = cap.dataset.keys?.split(" ") ?? [];
      cap.toggleAttribute("data-held", codes.some((code) => heldKeys.includes(code)));
    }
  }

  /** The sign that a controller is connected. */
  showGamepad(connected: boolean): void {
    this.#part("pad").hidden = !connected;
  }

  /** Shows the button where the browser can do it (an iPhone cannot). */
  offerFullscreen(button: HTMLElement): void {
    button.hidden = !document.fullscreenEnabled;
    button.addEventListener("click", () => {
      const done = document.fullscreenElement
        ? document.exitFullscreen()
        : document.documentElement.requestFullscreen({ navigationUI: "hide" });
      done.catch(() => {}); // refused: the page stays as it is, which the user sees
    });
  }

  /** A phone must not go dark while it drives. Not to be had over plain HTTP, and not needed to drive. */
  #keepAwake(wanted: boolean): void {
    if (wanted) {
      this.#wakeLock ??= navigator.wakeLock?.request("screen").catch(() => null) ?? null;
    } else {
      void this.#wakeLock?.then((lock) => lock?.release());
      this.#wakeLock = null;
    }
  }

  #part(id: string): HTMLElement {
    const part = this.#parts.get(id);
    if (!part) throw new Error(`The page has no #${id}`);
    return part;
  }

  #write(id: string, text: string): void {
    const part = this.#part(id);
    if (part.textContent !== text) part.textContent = text;
  }
}

/** It does not change with each attempt, of which a screen reader would tell. */
function statusOf({ again, robotAway, tokenWanted, problem }: ConnectionView): string {
  if (again && !robotAway && !tokenWanted) return "Reconnecting…";
  return problem ? "Not connected" : "Connecting";
}

function titleOf(view: ConnectionView): string {
  if (view.robotAway) return "No robot here yet";
  if (view.tokenWanted) return "This robot is locked";
  if (view.again) return "Reconnecting…";
  return view.problem ? "Not connected" : "Connecting to the robot";
}

function metres(value: number): string {
  return `${value.toFixed(2).replace("-", "−")} m`;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
