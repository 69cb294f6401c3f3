/**
 * A whole page to drive a robot with: its view, the state of the connection, keyboard, touch and
 * gamepad. One HTML text without outer resources, but for the page library.
 */

import { pageScript, pageStyle } from "./robot_page.generated.ts";

/** A STUN or TURN server, as browsers take it. */
export interface PageIceServer {
  /** `stun:host:port`, `turn:host:port` or `turns:host:port`, or several of them. */
  urls: string | string[];
  /** For TURN. */
  username?: string;
  /** For TURN. */
  credential?: string;
}

/** Options of {@linkcode robotPage}. */
export interface RobotPageOptions {
  /**
   * What the robot is called.
   * @default "Robot"
   */
  title?: string;
  /**
   * Where the offer is posted: JSON `{type, sdp}`, to be answered by the same, or by a 4xx with one
   * sentence as plain text, which is shown.
   * @default "/connect"
   */
  connectPath?: string;
  /**
   * Where a signaling service says, before each offer, whether a robot is there and which ICE servers to
   * use: JSON `{iceServers}`, 404 while there is no robot, 401 when it wants a token. The token is the
   * one behind `#token=` in the page's address, or is asked for.
   * @default none, and nothing is asked
   */
  icePath?: string;
  /**
   * Where `getRTCBotJS()` is served.
   * @default "/rtcbot.js"
   */
  libraryPath?: string;
  /** The browser's RTCConfiguration; by default that of the page library: one public STUN server. */
  rtcConfiguration?: {
    iceServers?: readonly PageIceServer[];
    iceTransportPolicy?: "all" | "relay";
  };
}

/**
 * The text of the page.
 *
 * It sends `{forward, leftright}` in -1…1 on `conn.control`, repeated while not zero, and shows
 * `{pose: {x, y, headingDeg}}` that the robot sends on the default channel, in metres and degrees. It
 * connects anew whenever the connection ends. For tests it has `window.robot`, with `conn`, `drive`,
 * `state`, `telemetry`, `frames` and `fps`.
 *
 * ```ts
 * import { robotPage } from "rtcbot";
 *
 * const html = robotPage({ title: "Rover", rtcConfiguration: { iceServers: [] } });
 * console.log(html.startsWith("<!doctype html>")); // true
 * ```
 */
export function robotPage(options: RobotPageOptions = {}): string {
  const { title = "Robot", connectPath = "/connect", libraryPath = "/rtcbot.js" } = options;
  const { icePath = null, rtcConfiguration = null } = options;
  const config = { connectPath, icePath, rtcConfiguration };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, maximum-scale=1, user-scalable=no, viewport-fit=cover">
<meta name="theme-color" content="#090c11">
<meta name="mobile-web-app-capable" content="yes">
<link rel="icon" href="${ICON}">
<style>
${pageStyle}</style>
</head>
<body>
<main id="robot" data-state="connecting" data-fit="fit">
${PICTURE}
<header>
<div class="who">
<h1>${escapeHtml(title)}</h1>
<p class="state"><span class="dot"></span><span id="status" role="status" aria-live="polite">Connecting</span><button id="route" type="button" popovertarget="route-why" hidden></button></p>
</div>
${TOOLS}
</header>
${CONTROLS}
${CARD}
</main>
<script type="application/json" id="config">${scriptJson(config)}</script>
<script src="${escapeHtml(libraryPath)}"></script>
<script type="module">
${pageScript}</script>
</body>
</html>
`;
}

const PICTURE = `<canvas id="glow" width="8" height="6" aria-hidden="true"></canvas>
<video id="view" autoplay playsinline muted disablepictureinpicture disableremoteplayback aria-label="What the robot sees"></video>
<canvas id="last" width="4" height="3" role="img" aria-label="What the robot saw last"></canvas>
<div class="scrim"></div>`;

const TOOLS = `<ul class="chips">
<li class="chip sign" id="pad" title="Gamepad connected" hidden><svg viewBox="0 0 24 24" role="img" aria-label="Gamepad connected"><path d="M7.5 7h9a5 5 0 0 1 4.9 4l.9 4.6a2.6 2.6 0 0 1-4.6 2l-1.9-2.6H8.2l-1.9 2.6a2.6 2.6 0 0 1-4.6-2l.9-4.6a5 5 0 0 1 4.9-4zM8 9.8v3M6.5 11.3h3M15.5 10.3h.01M17.5 12.3h.01"/></svg></li>
<li class="chip" title="Round-trip time"><span id="rtt">–</span><small>ms</small></li>
<li class="chip" id="age-chip" title="Picture age: from the camera to this screen" hidden><small>picture age</small><span id="age">–</span><small>ms</small></li>
<li class="chip" title="Frames a second"><span id="fps">–</span><small>fps</small></li>
</ul>
<button class="tool" id="fit" type="button" title="Whole picture or full screen" aria-label="Whole picture or full screen"><svg viewBox="0 0 24 24"><rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="M8 12h8M8 12l2-2M8 12l2 2M16 12l-2-2M16 12l-2 2"/></svg></button>
<button class="tool" id="fullscreen" type="button" title="Fullscreen" aria-label="Fullscreen" hidden><svg viewBox="0 0 24 24"><path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/></svg></button>`;

const CONTROLS =
  `<dl class="pose" id="pose" hidden><div><dt>x</dt><dd id="pose-x"></dd></div><div><dt>y</dt><dd id="pose-y"></dd></div><div id="pose-heading-group"><dt>heading</dt><dd id="pose-heading"></dd></div></dl>
<div class="keys" aria-hidden="true"><kbd data-keys="KeyW ArrowUp">W</kbd><kbd data-keys="KeyA ArrowLeft">A</kbd><kbd data-keys="KeyS ArrowDown">S</kbd><kbd data-keys="KeyD ArrowRight">D</kbd><p>or the arrow keys, or a gamepad</p></div>
<div class="stick" id="stick" role="img" aria-label="Joystick: drag it to drive. With a keyboard: W A S D or the arrow keys."><svg viewBox="0 0 100 100"><path d="M46.5 11l3.5-3.5 3.5 3.5M46.5 89l3.5 3.5 3.5-3.5M11 46.5l-3.5 3.5 3.5 3.5M89 46.5l3.5 3.5-3.5 3.5"/></svg><div class="knob"></div></div>`;

const CARD = `<section class="card">
<div class="ring"></div>
<h2 id="card-title">Connecting to the robot</h2>
<p id="card-text" role="alert"></p>
<form id="token-form" hidden><input id="token" type="password" autocomplete="off" maxlength="256" aria-label="Token" placeholder="Token" required><button type="submit">Join</button></form>
<p class="next" id="card-next" hidden></p>
<button id="retry" type="button" disabled hidden>Try now</button>
<button id="why-not" type="button" popovertarget="route-why" hidden>What was tried</button>
</section>
<ul id="route-why" popover></ul>`;

/** A robot's face; without an icon browsers ask the server for one. */
const ICON = "data:image/svg+xml," + encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="4" y="9" width="24" height="18" rx="6" fill="#5fd6a4"/><circle cx="12" cy="18" r="3" fill="#090c11"/><circle cx="20" cy="18" r="3" fill="#090c11"/><path d="M16 9V4" stroke="#5fd6a4" stroke-width="3"/></svg>`,
);

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** JSON inside a script element: "</script>" must not end it. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
