/** A PulseAudio of the test's own: its devices are simulated, and it touches nobody else's. */

import assert from "node:assert/strict";
import { PulseList } from "../../lib/devices/sound_pulse.ts";

async function works(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, {
      ...{ args: ["--version"], stdin: "null", stdout: "null", stderr: "null" },
    }).output()).success;
  } catch {
    return false;
  }
}

export const HAS_PULSE: boolean = await works("pulseaudio") && await works("pactl");
const INSTALL = "(install PulseAudio: sudo apt install pulseaudio pulseaudio-utils)";

/** The title of a test that needs {@linkcode startPulse}. */
export function pulseTitle(title: string): string {
  return HAS_PULSE ? title : `${title} ${INSTALL}`;
}

/** A sink named `out` that nobody hears; what is played to it can be recorded from `out.monitor`. */
export const SINK = ["module-null-sink", "sink_name=out", "norewinds=1", "rate=48000"];
/** A source that hears 440 Hz on one channel. */
export const SINE = [
  ...["module-sine-source", "source_name=sine", "frequency=440", "rate=48000"],
];

/** A running server, ended with the block. */
export interface PulseServer extends AsyncDisposable {
  /** Where it listens. */
  readonly address: string;
  /** Loads a module. @returns its number */
  load(...module: readonly string[]): Promise<string>;
  unload(number: string): Promise<void>;
  /** Puts a source to sleep, or wakes it. */
  suspend(source: string, asleep: boolean): Promise<void>;
  /** Sends it a signal; resolves at once, or when it is gone after SIGKILL. */
  signal(signal: Deno.Signal): Promise<void>;
}

/** Starts it, and waits until it answers. */
export async function startPulse(): Promise<PulseServer> {
  const folder = await Deno.makeTempDir({ prefix: "pulse-" });
  const socket = `${folder}/native`;
  const address = `unix:${socket}`;
  const env = {
    ...{ HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder },
    ...{ PULSE_RUNTIME_PATH: folder, PULSE_STATE_PATH: folder },
    DBUS_SESSION_BUS_ADDRESS: "disabled:",
  };
  const child = new Deno.Command("pulseaudio", {
    args: [
      ...["--daemonize=no", "--exit-idle-time=-1", "--system=no", "--use-pid-file=no", "-n"],
      ...["--realtime=no", "--high-priority=no", "--log-target=stderr"],
      ...["-L", `module-native-protocol-unix auth-anonymous=1 socket=${socket}`],
    ],
    ...{ env, stdin: "null", stdout: "null", stderr: "piped" },
  }).spawn();
  let said = "";
  const listening = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said += text;
  })();
  const pactl = async (...args: string[]): Promise<string> => {
    const { success, stdout, stderr } = await new Deno.Command("pactl", {
      args: ["-s", address, ...args],
      ...{ env, stdin: "null" },
    }).output();
    assert.ok(success, `pactl ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout).trim();
  };
  const signal = async (which: Deno.Signal) => {
    try {
      child.kill(which);
    } catch {
      // it is gone
    }
    if (which === "SIGKILL") await child.status;
  };
  const dispose = async () => {
    await signal("SIGKILL");
    await listening;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await answers(address, () => said);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ...{ address, signal, [Symbol.asyncDispose]: dispose },
    load: (...module) => pactl("load-module", ...module),
    unload: async (number) => void await pactl("unload-module", number),
    suspend: async (source, asleep) =>
      void await pactl("suspend-source", source, asleep ? "1" : "0"),
  };
}

async function answers(address: string, said: () => string): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    let list: PulseList | null = null;
    try {
      list = new PulseList("record", address);
      while (list.poll() === null) {
        assert.ok(performance.now() < end, `PulseAudio does not answer; it said:\n${said()}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return;
    } catch (error) {
      if (performance.now() > end) {
        throw new Error(`no PulseAudio; it said:\n${said()}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      list?.close();
    }
  }
}
