/**
 * An internet of our own in network namespaces: a server in the middle, a robot and a viewer at home, each
 * behind a NAT that lets nobody in. Needs root; nothing of it can be seen from outside.
 *
 * ```text
 * robot 192.168.1.2 ── robotGate ┐                       ┌ viewerGate ── 192.168.2.2 viewer
 *            203.0.113.1 ├── net ┴ 203.0.113.10 server ──┘ 203.0.113.2
 * ```
 */
import { type Browser, chromium as driver, type Page } from "playwright-core";
import { findChromium } from "../browser/harness.ts";

/** Who is there. */
export type Host = "net" | "server" | "robotGate" | "viewerGate" | "robot" | "viewer";
const HOSTS: readonly Host[] = ["net", "server", "robotGate", "viewerGate", "robot", "viewer"];

/** The address of the server. */
export const SERVER = "203.0.113.10";
const ROOT = new URL("../../", import.meta.url);
/** On a busy machine a program takes its time. */
const PATIENCE_MS = 60_000;

/** Why there can be no such world on this machine; empty if there can. */
export const MISSING: string = await findMissing();

async function findMissing(): Promise<string> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return " (run it as root on Linux)";
  for (
    const [program, packageName] of [["ip", "iproute2"], ["nft", "nftables"], [
      "turnserver",
      "coturn",
    ]]
  ) {
    if (!await has(program!)) return ` (install ${packageName})`;
  }
  if (!findChromium()) return " (install chromium)";
  const name = `rtcbot-try-${Deno.pid}`;
  const made = await run("ip", ["netns", "add", name]);
  const rules = made.success &&
    await run("ip", ["netns", "exec", name, "nft", natRules("wan", {})]);
  await run("ip", ["netns", "del", name]);
  return rules && rules.success ? "" : " (allow network namespaces and nftables)";
}

async function has(program: string): Promise<boolean> {
  return (await run("which", [program])).success;
}

async function run(program: string, args: string[]): Promise<{ success: boolean; text: string }> {
  const command = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function must(program: string, args: string[]): Promise<void> {
  const { success, text } = await run(program, args);
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${text}`);
}

/** How the NATs are. */
export interface WorldOptions {
  /** Each connection leaves by another port, so that STUN's answer is of no use. */
  symmetric?: boolean;
  /** UDP passes to and from the server only. */
  blocked?: boolean;
}

/** What a home's NAT does, for nft(8). */
function natRules(outside: string, { symmetric, blocked }: WorldOptions): string {
  return `
    table ip nat { chain post { type nat hook postrouting priority 100 ;
      oifname "${outside}" masquerade ${symmetric ? "fully-random" : ""} ; } ; } ;
    table ip filter {
      chain in { type filter hook input priority 0 ; iifname "${outside}" ct state new drop ; } ;
      chain through { type filter hook forward priority 0 ;
        iifname "${outside}" ct state new drop ;
        ${
    blocked ? `ip saddr != ${SERVER} ip daddr != ${SERVER} meta l4proto udp drop ;` : ""
  } } ; } ;`;
}

/** A program that runs at a host. */
export interface Program {
  /** All that it has said. */
  output(): string;
  /** Waits until it says so, counting from an earlier length of the output. */
  said(what: RegExp, from?: number): Promise<RegExpExecArray>;
  /** Ends it without a word. */
  kill(): Promise<void>;
}

/** The world; everything in it ends with the block. */
export class World implements AsyncDisposable {
  readonly #prefix = `rtcbot-${Deno.pid}-${count++}-`;
  readonly #programs = new Set<Program>();
  readonly #folder = Deno.makeTempDirSync();
  #browser: Browser | null = null;

  private constructor() {}

  /** Makes the hosts and the NATs. */
  static async make(options: WorldOptions = {}): Promise<World> {
    const world = new World();
    try {
      await world.#build(options);
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #build(options: WorldOptions): Promise<void> {
    for (const host of HOSTS) await must("ip", ["netns", "add", this.#prefix + host]);
    const link = (a: Host, nameA: string, b: Host, nameB: string) =>
      must("ip", [
        ...["link", "add", nameA, "netns", this.#prefix + a, "type", "veth"],
        ...["peer", "name", nameB, "netns", this.#prefix + b],
      ]);
    // What is for nobody goes to the bridge, which passes nothing on. Without a way for it coturn would end
    // the relays of whoever tries an address of somebody's home.
    await this.ip("net", "link add bridge type bridge", "link set bridge up");
    await this.ip("net", "address add 203.0.113.254/24 dev bridge");
    for (const [host, address] of [["server", 10], ["robotGate", 1], ["viewerGate", 2]] as const) {
      await link(host, "wan", "net", host);
      await this.ip("net", `link set ${host} master bridge up`);
      await this.ip(
        host,
        "link set lo up",
        `address add 203.0.113.${address}/24 dev wan`,
        "link set wan up",
        "route add default via 203.0.113.254",
      );
    }
    for (
      const [host, gate, net] of [["robot", "robotGate", 1], ["viewer", "viewerGate", 2]] as const
    ) {
      await link(host, "eth0", gate, "lan");
      await this.ip(gate, `address add 192.168.${net}.1/24 dev lan`, "link set lan up");
      await this.ip(
        host,
        "link set lo up",
        `address add 192.168.${net}.2/24 dev eth0`,
        "link set eth0 up",
      );
      await this.ip(host, `route add default via 192.168.${net}.1`);
      await this.#at(gate, "sysctl", "-qw", "net.ipv4.ip_forward=1");
      await this.#at(gate, "nft", natRules("wan", options));
    }
  }

  /** Changes addresses, links and routes of a host; each line is one of ip(8)'s. */
  async ip(host: Host, ...lines: string[]): Promise<void> {
    for (const line of lines) await must("ip", ["-n", this.#prefix + host, ...line.split(" ")]);
  }

  /** Starts a program at a host. */
  start(host: Host, program: string, args: string[], env: Record<string, string> = {}): Program {
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", this.#prefix + host, program, ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const made = new Running(
      `${program} ${args.join(" ")}`,
      child,
      () => this.#programs.delete(made),
    );
    this.#programs.add(made);
    return made;
  }

  /** Starts one of the project's scripts at a host. */
  startScript(
    host: Host,
    script: string,
    args: string[],
    env: Record<string, string> = {},
  ): Program {
    return this.start(host, Deno.execPath(), ["run", "-A", "--quiet", script, ...args], env);
  }

  /** STUN and TURN at the server; the secret is "north". */
  async startCoturn(): Promise<void> {
    const coturn = this.start("server", "turnserver", [
      ...["-n", "--no-cli", "--log-file=stdout", "--simple-log", "--verbose", "--pidfile="],
      ...[`--listening-ip=${SERVER}`, `--relay-ip=${SERVER}`, "--no-tls", "--no-dtls"],
      ...["--use-auth-secret", "--static-auth-secret=north", "--realm=test"],
      ...["--relay-threads=1", `--userdb=${this.#folder}/users`],
    ]);
    await coturn.said(/Total auth threads|IPv4\. UDP listener opened/);
  }

  /** The signaling service at the server. */
  async startSignaling(
    { port = 8080, turn = true, joined = [] as string[] } = {},
  ): Promise<Program> {
    const coturn = `${SERVER}:3478`;
    const signaling = this.startScript("server", "scripts/signaling.ts", [
      ...["--quiet", "--host", "0.0.0.0", "--port", String(port), "--requests", "100"],
      ...["--stun", `stun:${coturn}`, ...(turn ? ["--turn", `turn:${coturn}`] : []), ...joined],
    ], { SIGNALING_TURN_SECRET: "north" });
    await signaling.said(/meet at/);
    return signaling;
  }

  /** Opens a page in a browser at the viewer. */
  async open(path: string): Promise<Page> {
    this.#browser ??= await this.#launch();
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`http://${SERVER}:8080${path}`);
    return page;
  }

  async #launch(): Promise<Browser> {
    // The driver speaks through pipes, which a program in another namespace inherits.
    const path = `${this.#folder}/browser`;
    const command = ["ip", "netns", "exec", `${this.#prefix}viewer`, findChromium()!].join(" ");
    await Deno.writeTextFile(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    return await driver.launch({
      executablePath: path,
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
    });
  }

  async #at(host: Host, program: string, ...args: string[]): Promise<void> {
    await must("ip", ["netns", "exec", this.#prefix + host, program, ...args]);
  }

  /** Ends all that runs in it, then itself; also what was made by half. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser?.close().catch(() => {});
    await Promise.all([...this.#programs].map((program) => program.kill()));
    for (const host of HOSTS) {
      const { success, text } = await run("ip", ["netns", "pids", this.#prefix + host]);
      if (!success) continue;
      for (const pid of text.split("\n").filter(Boolean)) {
        try {
          Deno.kill(Number(pid), "SIGKILL");
        } catch {
          // it has ended meanwhile
        }
      }
      await run("ip", ["netns", "del", this.#prefix + host]);
    }
    await Deno.remove(this.#folder, { recursive: true });
  }
}

let count = 0;

class Running implements Program {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #heard: Promise<unknown>;
  readonly #gone: () => void;
  readonly #waiting = new Set<() => void>();
  #text = "";
  #over = false;

  constructor(name: string, child: Deno.ChildProcess, gone: () => void) {
    this.#name = name;
    this.#child = child;
    this.#gone = gone;
    const hear = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        this.#text += text;
        this.#waiting.forEach((look) => look());
      }
    };
    this.#heard = Promise.all([hear(child.stdout), hear(child.stderr)]).then(() => {
      this.#over = true;
      this.#waiting.forEach((look) => look());
    });
  }

  output(): string {
    return this.#text;
  }

  async said(what: RegExp, from = 0): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (why: string) =>
      reject(new Error(`${this.#name} ${why}; it said:\n${this.#text.slice(from)}`));
    const look = () => {
      const found = what.exec(this.#text.slice(from));
      if (found) resolve(found);
      else if (this.#over) fail("has ended");
    };
    const late = setTimeout(() => fail(`did not say ${what}`), PATIENCE_MS);
    this.#waiting.add(look);
    look();
    return await promise.finally(() => {
      clearTimeout(late);
      this.#waiting.delete(look);
    });
  }

  async kill(): Promise<void> {
    this.#gone();
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
    await this.#child.status;
    await this.#heard;
  }
}
