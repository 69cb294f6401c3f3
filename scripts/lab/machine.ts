/** The lab's machine: its devices, and a run of one command in it. */
import type { Image } from "./image.ts";

/** Whoever stops us stops the machine. */
const STOPPING = ["SIGINT", "SIGTERM"] as const;

/** How a run went. */
export interface Outcome {
  /** Of the command; `null` when the machine ended, or was ended, before the command did. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  /** What the kernel said, last. */
  readonly console: string;
}

/** QEMU's arguments. `folder` is for this run alone. */
export function machine({ kernel, initrd }: Image, folder: string, kvm: boolean): string[] {
  return [
    ..."-nodefaults -no-user-config -display none -no-reboot -machine q35 -smp 2 -m 2560".split(
      " ",
    ),
    ...["-accel", kvm ? "kvm" : "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off"],
    ...["-kernel", kernel, "-initrd", initrd, "-append"],
    // Four serial ports; no checks of a clock that is emulated; none of what protects from neighbours.
    "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check " +
    "random.trust_cpu=on 8250.nr_uarts=4",
    ...["-object", "rng-random,id=random,filename=/dev/urandom"],
    ...["-device", "virtio-rng-pci,rng=random"],
    ...files("host", "/", "readonly=on,"),
    ...files("control", folder, ""),
    ...["-chardev", `file,id=console,path=${folder}/console`, "-serial", "chardev:console"],
    // What the command prints.
    ...["-chardev", "stdio,id=output,signal=off", "-device", "virtio-serial-pci"],
    ...["-device", "virtserialport,chardev=output,name=output"],
    // ttyS1 and ttyS2: two ends of a cable.
    ...cable("uart", folder),
    ...["-serial", "chardev:uart0", "-serial", "chardev:uart1"],
    // ttyUSB0 and ttyUSB1: two FTDI adapters, joined as well.
    ...cable("ftdi", folder),
    ...["-device", "qemu-xhci"],
    ...["-device", "usb-serial,chardev=ftdi0,always-plugged=on"],
    ...["-device", "usb-serial,chardev=ftdi1,always-plugged=on"],
  ];
}

function files(tag: string, path: string, options: string): string[] {
  return [
    ...["-fsdev", `local,id=${tag},path=${path},${options}security_model=none,multidevs=remap`],
    ...["-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
}

function cable(name: string, folder: string): string[] {
  return [0, 1].flatMap((
    end,
  ) => ["-chardev", `socket,id=${name}${end},path=${folder}/${name}${end}`]);
}

/**
 * Joins the two ends of a cable. QEMU could do it alone, but its USB adapters block the whole machine while a
 * socket is full; here everything is taken at once.
 */
function joinCable(name: string, folder: string): Disposable {
  const ends = [0, 1].map((end) =>
    Deno.listen({ transport: "unix", path: `${folder}/${name}${end}` })
  );
  const join = async () => {
    const [a, b] = await Promise.all(ends.map((end) => end.accept()));
    const pass = (from: Deno.Conn, to: Deno.Conn) =>
      from.readable
        .pipeThrough(new TransformStream({}, undefined, { highWaterMark: Infinity }))
        .pipeTo(to.writable);
    await Promise.all([pass(a!, b!), pass(b!, a!)]);
  };
  join().catch(() => {}); // the machine is off
  return { [Symbol.dispose]: () => ends.forEach((end) => end.close()) };
}

/** The command as the text of a script. */
export function script(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  return `${variables.join("")}cd ${quote(cwd)} || exit 126\nexec ${
    command.map(quote).join(" ")
  }\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Boots, runs the script, and turns the machine off; it prints to our standard output. */
export async function runInMachine(
  image: Image,
  text: string,
  { limitMs, kvm }: { limitMs: number; kvm: boolean },
): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "rtcbot-lab-" });
  try {
    await Deno.writeTextFile(`${folder}/command.sh`, text);
    using _uart = joinCable("uart", folder);
    using _ftdi = joinCable("ftdi", folder);
    const child = new Deno.Command("qemu-system-x86_64", {
      args: machine(image, folder, kvm),
      stdin: "piped", // never written to; but at its end QEMU would take the output for closed, too
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, limitMs);
    const stop = () => child.kill("SIGKILL");
    for (const signal of STOPPING) Deno.addSignalListener(signal, stop);
    await child.status;
    await child.stdin.close().catch(() => {});
    for (const signal of STOPPING) Deno.removeSignalListener(signal, stop);
    clearTimeout(timer);
    const read = (name: string) => Deno.readTextFile(`${folder}/${name}`).catch(() => "");
    const exitCode = await read("exit_code");
    return {
      exitCode: exitCode === "" ? null : Number(exitCode),
      timedOut,
      console: (await read("console")).trim().split("\n").slice(-20).join("\n"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
