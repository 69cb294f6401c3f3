/**
 * The lab's kernel and first file system, made of Debian's packages and kept in the user's cache:
 * `vmlinux`, `initrd`, and `recipe`, which says what they were made of.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { apt, LabError, run } from "./host.ts";

/** Where they lie. */
export interface Image {
  readonly kernel: string;
  readonly initrd: string;
}

/** Raised when this file makes something else of the same packages. */
const RECIPE = 1;
const INIT = new URL("./init.sh", import.meta.url);

/** All that init.sh loads; what they need themselves is found in modules.dep. */
export const MODULES: readonly string[] = [
  ...["virtio_pci", "virtio_console", "9p", "9pnet_virtio", "overlay"],
  ...["vivid", "evdev", "joydev", "uinput", "snd-aloop"],
  ...["xhci-pci", "ftdi_sio", "dummy_hcd", "cdc-acm", "g_serial", "usb_f_acm", "usb_f_serial"],
];

/** Makes the image, or finds it made. */
export async function prepareImage(cache: string, say: (line: string) => void): Promise<Image> {
  const image = { kernel: `${cache}/vmlinux`, initrd: `${cache}/initrd` };
  const recipe = createHash("sha256").update(await Deno.readTextFile(INIT)).update(MODULES.join())
    .update(String(RECIPE)).digest("hex");
  if (await Deno.readTextFile(`${cache}/recipe`).catch(() => "") === recipe) return image;

  await Deno.mkdir(cache, { recursive: true });
  const work = await Deno.makeTempDir({ dir: cache });
  try {
    say("Getting Debian's kernel (about 70 MB) and making the lab's first file system ...");
    await unpackPackages(work);
    await Deno.writeFile(`${work}/vmlinux`, await unpackKernel(work));
    await makeInitrd(work);
    for (const name of ["vmlinux", "initrd"]) {
      await Deno.rename(`${work}/${name}`, `${cache}/${name}`);
    }
    await Deno.writeTextFile(`${cache}/recipe`, recipe);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return image;
}

/** Into `packages/`. */
async function unpackPackages(work: string): Promise<void> {
  const kernel = async () =>
    /Depends: (linux-image-\S+)/.exec(await run("apt-cache", ["depends", "linux-image-amd64"]))
      ?.[1];
  let name = await kernel().catch(() => undefined);
  const download = async () => {
    name ??= await kernel();
    if (name === undefined) {
      throw new LabError("Cannot get a kernel: Debian has no linux-image-amd64");
    }
    await run("apt-get", ["download", name, "busybox-static"], { cwd: work });
  };
  try {
    await download();
  } catch {
    await apt("update"); // the list is missing, or older than what the server still has
    name = undefined;
    await download();
  }
  for await (const { name } of Deno.readDir(work)) {
    if (name.endsWith(".deb")) await run("dpkg-deb", ["-x", name, "packages"], { cwd: work });
  }
}

/** The kernel without its compression: undoing that in an emulated machine takes longer than to boot. */
async function unpackKernel(work: string): Promise<Uint8Array> {
  const folder = `${work}/packages/boot`;
  const name = [...Deno.readDirSync(folder)].find(({ name }) => name.startsWith("vmlinuz-"))?.name;
  const packed = await Deno.readFile(`${folder}/${name}`);
  const start = Buffer.from(packed.buffer).indexOf(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]));
  if (start < 0) return packed; // the machine can do it too
  const xz = new Deno.Command("xz", {
    args: ["-dcq"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  const child = xz.spawn();
  const writer = child.stdin.getWriter();
  // What follows the compressed kernel is no more xz: it complains, when all is out.
  writer.write(packed.subarray(start)).then(() => writer.close()).catch(() => {});
  const { stdout } = await child.output();
  return stdout[1] === 0x45 && stdout[2] === 0x4c && stdout[3] === 0x46 ? stdout : packed; // "ELF"
}

/** busybox, init.sh, and the modules. */
async function makeInitrd(work: string): Promise<void> {
  const busybox = `${work}/packages/bin/busybox`;
  const from = `${work}/packages/lib/modules`;
  const [version] = [...Deno.readDirSync(from)].map(({ name }) => name);
  if (version === undefined) throw new LabError("Cannot make the lab: the kernel has no modules");
  await run(busybox, ["depmod", "-b", `${work}/packages`, version]);
  const dependencies = await Deno.readTextFile(`${from}/${version}/modules.dep`);

  const root = `${work}/root`;
  const to = `${root}/lib/modules/${version}`;
  for (const folder of ["bin", "proc", "sys", "dev", "ctl", "host", "overlay", "newroot"]) {
    await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  }
  for (const path of withDependencies(MODULES, dependencies)) {
    await Deno.mkdir(`${to}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await Deno.copyFile(`${from}/${version}/${path}`, `${to}/${path}`);
  }
  for (const list of ["modules.order", "modules.builtin"]) {
    await Deno.copyFile(`${from}/${version}/${list}`, `${to}/${list}`);
  }
  await run(busybox, ["depmod", "-b", root, version]);
  await Deno.copyFile(busybox, `${root}/bin/busybox`);
  await Deno.copyFile(INIT, `${root}/init`);
  for (const program of ["bin/busybox", "init"]) await Deno.chmod(`${root}/${program}`, 0o755);
  const pack = `find . | ${busybox} cpio -o -H newc >../initrd`;
  await run("sh", ["-c", pack], { cwd: root });
}

/**
 * The files of these modules and of all that they need. A line of modules.dep reads
 * `kernel/drivers/a.ko: kernel/lib/b.ko kernel/lib/c.ko` (man 5 modules.dep).
 */
export function withDependencies(modules: readonly string[], dependencies: string): Set<string> {
  const lines = dependencies.trim().split("\n").map((line) =>
    line.split(/:? +|:$/).filter(Boolean)
  );
  const plain = (name: string) => name.replaceAll("-", "_");
  const byName = new Map(
    lines.map((
      [path, ...needs],
    ) => [plain(/([^/]+)\.ko/.exec(path!)?.[1] ?? ""), [path!, ...needs]]),
  );
  return new Set(modules.flatMap((name) => {
    const files = byName.get(plain(name));
    if (files === undefined) {
      throw new LabError(`Cannot make the lab: this kernel has no module ${name}`);
    }
    return files;
  }));
}
