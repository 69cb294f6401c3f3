/** Sound, inputs, serial ports and the screen. */
import { lookAround } from "../../ffi/directories.ts";
import { startSdl, stopSdl, usableSize } from "../../ffi/sdl2.ts";
import { DeviceMissing, LibraryMissing } from "../../lib/errors.ts";
import { evdevBackend } from "../../lib/devices/input_evdev.ts";
import type { InputBackend, InputInfo } from "../../lib/devices/input_port.ts";
import { Microphone } from "../../lib/devices/microphone.ts";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import type { SerialPortInfo } from "../../lib/devices/serial_port.ts";
import type { SoundDevice } from "../../lib/devices/sound_port.ts";
import { Speaker } from "../../lib/devices/speaker.ts";
import { mayUse } from "./access.ts";
import { type Finding, unknown } from "./finding.ts";

const DENIED = "permission denied";
const SYSTEMS = { pulse: "PulseAudio", alsa: "ALSA", ffmpeg: "ffmpeg" } as const; // PipeWire is a PulseAudio

/** What hears and what plays, and whether the sound card itself may be used. */
export async function sound(
  list: Pick<typeof Microphone, "list">["list"] = () => Microphone.list(),
  listSpeakers: typeof list = () => Speaker.list(),
  cards: () => string[] = soundCards,
  may: (path: string) => boolean = mayUse,
): Promise<Finding[]> {
  const findings = [
    ...await heard("microphone", list),
    ...await heard("speaker", listSpeakers),
  ];
  const denied = cards().filter((card) => !may(card));
  // With a sound server nobody needs the card.
  if (denied.length > 0 && !findings.some(({ detail }) => detail.includes(SYSTEMS.pulse))) {
    findings.push({
      ...{ name: "sound card", state: "denied", detail: DENIED, mend: { group: "audio" } },
    });
  }
  return findings;
}

function soundCards(): string[] {
  if (Deno.build.os !== "linux") return [];
  return lookAround(({ list }) => list("/dev/snd"))
    .filter((name) => /^pcm/.test(name)).map((name) => `/dev/snd/${name}`);
}

async function heard(name: string, list: () => Promise<SoundDevice[]>): Promise<Finding[]> {
  try {
    const devices = (await list()).filter(isHardware);
    if (devices.length === 0) return [{ name, state: "none", detail: "none found; plug one in" }];
    return devices.map((device) => ({ name, state: "here", detail: soundDetail(device) }));
  } catch (error) {
    if (!(error instanceof DeviceMissing)) return [unknown(name, error)];
    return [{ name, state: "none", detail: "no sound server and no sound card" }];
  }
}

/** ALSA lists each card in a dozen ways, and its converters, which are there without any card. */
function isHardware({ system, name, monitor }: SoundDevice): boolean {
  return !monitor && (system !== "alsa" || name.startsWith("plughw:"));
}

function soundDetail({ system, name, description, channels, default: usual }: SoundDevice): string {
  const words = system === "alsa" ? [description.split(", ")[0]!, name] : [description];
  if (channels !== null) words.push(channels === 1 ? "mono" : `${channels} channels`);
  if (usual) words.push("the usual one");
  return `${words.join(", ")} (${SYSTEMS[system]})`;
}

/** Gamepads, keyboards and mice. */
export async function inputs(backend: InputBackend = evdevBackend): Promise<Finding[]> {
  const { found, denied } = await backend.scan();
  const findings: Finding[] = found.filter(({ kinds }) => kinds.length > 0).map((info) => ({
    ...{ name: info.kinds.join(" and "), state: "here", detail: inputDetail(info) },
  }));
  const order = ["gamepad", "keyboard", "mouse"];
  const place = ({ name }: Finding) => order.findIndex((kind) => name.startsWith(kind));
  findings.sort((a, b) => place(a) - place(b));
  if (denied.length > 0) {
    const detail = `${DENIED} for ${denied[0]}` +
      (denied.length > 1 ? ` and ${denied.length - 1} more` : "");
    findings.push({ name: "inputs", state: "denied", detail, mend: { group: "input" } });
  }
  return findings;
}

function inputDetail({ path, name, rumble }: InputInfo): string {
  return `${path}  ${name}${rumble ? ", rumbles" : ""}`;
}

/** Serial ports. None is opened, which would reset an Arduino. */
export async function serialPorts(
  list: () => Promise<SerialPortInfo[]> = () => SerialConnection.list(),
  may: (path: string) => boolean = mayUse,
): Promise<Finding[]> {
  return (await list()).map(({ url, id, name }) => {
    const detail = [name, id].filter((word) => word !== null).join("  ") || "of the machine itself";
    if (may(url)) return { name: url, state: "here", detail };
    return {
      ...{ name: url, state: "denied", detail: `${detail}: ${DENIED}` },
      mend: { group: "dialout" },
    };
  });
}

/** Whether windows can be shown, and how large the screen is. */
export function screen(start = startSdl): Finding[] {
  const name = "windows";
  try {
    const sdl = start();
    const size = usableSize(sdl);
    stopSdl(sdl);
    return [{ name, state: "here", detail: size === null ? "yes" : `${size.join("x")}` }];
  } catch (error) {
    if (error instanceof LibraryMissing) {
      return [{ name, state: "none", detail: "SDL 2 is missing" }];
    }
    if (!(error instanceof DeviceMissing)) throw error;
    const why = /\((.*)\)/.exec(error.message)?.[1] ?? "";
    return [{ name, state: "none", detail: `no screen (${why})` }];
  }
}
