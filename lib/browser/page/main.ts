/// <reference lib="dom" />
/** The program of the robot's page: joins the session, the picture, the controls and what is shown. */

import type { Drive, DriveCommand, RTCConnection } from "../index.ts";
import { Picture } from "./picture.ts";
import { RouteLine } from "./route_line.ts";
import { Session } from "./session.ts";
import { View } from "./view.ts";

declare const rtcbot: typeof import("../index.ts");

/** What the server has written into the page. */
interface PageConfig {
  connectPath: string;
  icePath: string | null;
  rtcConfiguration: RTCConfiguration | null;
}

/** A robot that restarts may have given the page but not the library. */
const RELOAD_AFTER_MS = 3000;

function element<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}`);
  return found;
}

function start(): void {
  const config = JSON.parse(element("#config").textContent ?? "") as PageConfig;
  const stick = element<HTMLElement>("#stick");
  const video = element<HTMLVideoElement>("#view");
  const picture = new Picture(
    element<HTMLElement>("#robot"),
    video,
    element<HTMLCanvasElement>("#last"),
    element<HTMLCanvasElement>("#glow"),
  );
  const drive: Drive = new rtcbot.Drive({ joystick: stick });
  const view = new View(element<HTMLElement>("#robot"));
  let telemetry: Record<string, unknown> = {};

  const session = new Session({
    ...config,
    onConnection(conn: RTCConnection) {
      conn.video.subscribe((stream) => picture.show(stream));
      conn.onClose(() => picture.freeze());
      conn.watchPicture(video);
      conn.subscribe((message) => {
        if (typeof message !== "object" || message === null) return;
        telemetry = { ...telemetry, ...message };
        view.showPose(telemetry.pose);
      });
    },
    onChange: () => refresh(),
  });

  drive.subscribe((command: DriveCommand) => {
    session.open?.control.put_nowait(command);
    view.showCommand(command, drive.heldKeys);
  });

  function refresh(): void {
    view.showConnection({
      phase: session.phase,
      again: session.wasOpen,
      problem: session.problem,
      robotAway: session.robotAway,
      tokenWanted: session.tokenWanted,
      retryInMs: session.retryAtMs - performance.now(),
      moving: picture.moving,
    });
    const conn = session.open;
    view.showNumbers(conn?.rttMs ?? null, conn?.pictureAgeMs ?? null, picture.fps);
    view.showGamepad([...(navigator.getGamepads?.() ?? [])].some((pad) => pad?.connected));
  }
  setInterval(refresh, 250);
  new RouteLine(document, () => session.conn);

  element("#retry").addEventListener("click", () => session.retryNow());
  element("#token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    session.useToken(element<HTMLInputElement>("#token").value);
  });
  element("#fit").addEventListener("click", () => picture.toggleFit());
  view.offerFullscreen(element<HTMLElement>("#fullscreen"));
  // Pinching would zoom while driving (Safari does not look at the viewport's user-scalable).
  document.addEventListener("gesturestart", (event) => event.preventDefault());

  expose(session, drive, picture, () => telemetry);
}

/** `window.robot`, for tests and for the curious. */
function expose(
  session: Session,
  drive: Drive,
  picture: Picture,
  telemetry: () => Record<string, unknown>,
): void {
  const value = {
    drive,
    get conn() {
      return session.conn;
    },
    get state() {
      return session.conn?.state ?? "connecting";
    },
    get telemetry() {
      return telemetry();
    },
    get frames() {
      return picture.frames;
    },
    get fps() {
      return picture.fps;
    },
  };
  Object.defineProperty(globalThis, "robot", { value });
}

if ("rtcbot" in globalThis) {
  start();
} else {
  element("#card-title").textContent = "The page is incomplete";
  element("#card-text").textContent = "Its library could not be loaded; the page is loaded again.";
  setTimeout(() => location.reload(), RELOAD_AFTER_MS);
}
