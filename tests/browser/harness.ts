/**
 * Real Chromium for tests. One browser a test file, one fresh profile context a test; whatever a page
 * logs as an error fails its test, unless the test has said that it expects it.
 *
 * ```ts
 * const browser = chromium();
 * browser.test("a page says hello", async ({ serve, open }) => {
 *   const site = serve({ "/": "<p>hello" });
 *   const page = await open(site.origin);
 *   await page.waitForFunction(() => document.body.innerText === "hello");
 * });
 * ```
 */

import {
  type Browser,
  type BrowserContextOptions,
  chromium as driver,
  type Page,
} from "playwright-core";
import { existsSync } from "node:fs";

const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser's program: `$CHROMIUM`, or the first of the usual places; null if there is none. */
export function findChromium(): string | null {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  return USUAL_PLACES.find((path) => existsSync(path)) ?? null;
}

/** How the browser is started. */
export interface ChromiumOptions {
  /**
   * Chromium hides the machine's addresses behind names that only multicast DNS resolves. False gives
   * plain addresses, as most tests need where there is no multicast.
   * @default false
   */
  mdns?: boolean;
  /** More command line arguments. */
  args?: readonly string[];
}

/** What a route answers: HTML, another reply, or a handler. */
export type Route = string | Response | ((request: Request) => Response | Promise<Response>);

/** A web server on 127.0.0.1, stopped when the test ends. */
export interface Site {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** May be changed while it runs. */
  readonly routes: Record<string, Route>;
}

/** What a test is given; everything that it makes is closed at its end. */
export interface Kit {
  /** Serves pages by their paths; what is not there is given to `"*"`, or else 404. */
  serve(routes: Record<string, Route>): Site;
  /** Opens a page in a fresh profile, the same one for all pages of a test. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Says that errors with this text will be logged, and are right. */
  expectError(text: RegExp): void;
}

/** A browser for the tests of one file. */
export interface ChromiumTests {
  /** Registers a test; without a browser it is ignored, and its title says what is missing. */
  test(name: string, run: (kit: Kit) => Promise<void>): void;
}

const DEADLINE_MS = 15_000;
/** A function evaluated in a page has no deadline of its own. */
const TEST_DEADLINE_MS = 90_000;

/** Starts the browser before the file's first test and closes it after the last. */
export function chromium(options: ChromiumOptions = {}): ChromiumTests {
  const executablePath = findChromium();
  let browser: Browser | null = null;
  Deno.test.afterAll(async () => {
    await browser?.close();
    browser = null;
  });
  return {
    test(name, run) {
      Deno.test({
        name: executablePath ? name : `${name} (install chromium, or set CHROMIUM to its path)`,
        ignore: executablePath === null,
        // The browser's pipes live longer than a test.
        sanitizeOps: false,
        sanitizeResources: false,
        async fn() {
          browser ??= await launch(executablePath ?? "", options);
          await withKit(browser, run);
        },
      });
    },
  };
}

/** Starts a browser with a profile of its own; whoever starts it closes it. */
export function launch(executablePath: string, options: ChromiumOptions = {}): Promise<Browser> {
  const disabled = ["MediaRouter", ...(options.mdns ? [] : ["WebRtcHideLocalIpsWithMdns"])];
  return driver.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
      `--disable-features=${disabled.join(",")}`,
      ...(options.args ?? []),
    ],
  });
}

async function withKit(browser: Browser, run: (kit: Kit) => Promise<void>): Promise<void> {
  const errors: string[] = [];
  const expected: RegExp[] = [];
  const closers: (() => Promise<void>)[] = [];
  let context: ReturnType<Browser["newContext"]> | null = null;
  const kit: Kit = {
    serve(routes) {
      const site = servePages(routes);
      closers.push(() => site.close());
      return site;
    },
    async open(url, contextOptions) {
      context ??= browser.newContext(contextOptions);
      const page = await (await context).newPage();
      page.setDefaultTimeout(DEADLINE_MS);
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      await page.goto(url);
      return page;
    },
    expectError: (text) => void expected.push(text),
  };
  try {
    await within(TEST_DEADLINE_MS, run(kit));
  } finally {
    await (await context as Awaited<ReturnType<Browser["newContext"]>> | null)?.close();
    for (const close of closers) await close();
  }
  const unexpected = errors.filter((text) => !expected.some((pattern) => pattern.test(text)));
  if (unexpected.length > 0) throw new Error(`The page logged errors:\n${unexpected.join("\n")}`);
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The test is not done after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Serves pages on 127.0.0.1, on a free port. */
export function servePages(routes: Record<string, Route>): Site & { close(): Promise<void> } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const route = routes[new URL(request.url).pathname] ?? routes["*"];
    if (route === undefined) return new Response("not found", { status: 404 });
    if (typeof route === "function") return route(request);
    if (route instanceof Response) return route.clone();
    return new Response(route, { headers: { "content-type": "text/html; charset=utf-8" } });
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    routes,
    close: () => server.shutdown(),
  };
}

/** A reply with JavaScript. */
export function script(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/javascript; charset=utf-8" } });
}
