/**
 * Compiles the Arduino sketches in `tutorials/arduino/examples` for an Uno, with Debian's packages (`apt
 * install gcc-avr avr-libc arduino-core-avr`).
 *
 *     deno run -A scripts/arduino_build.ts [FOLDER]
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const CORE = "/usr/share/arduino/hardware/arduino/avr/cores/arduino";
const VARIANT = "/usr/share/arduino/hardware/arduino/avr/variants/standard";
const LIBRARY = fileURLToPath(new URL("../tutorials/arduino/", import.meta.url));
const CLOCK = fileURLToPath(new URL("arduino/emulated_clock.cpp", import.meta.url));

/** As in the core's platform.txt for a board "uno", but for the link-time optimisation, which is slow. */
const FLAGS = [
  ...["-mmcu=atmega328p", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_AVR_UNO"],
  ...["-DARDUINO_ARCH_AVR", "-Os", "-g", "-w", "-ffunction-sections", "-fdata-sections"],
  // The float.h of gcc 5, which Debian has for AVR, hides it from C++.
  ...["-DDECIMAL_DIG=__DECIMAL_DIG__", `-I${CORE}`, `-I${VARIANT}`, `-I${join(LIBRARY, "src")}`],
];
const CPP_FLAGS = ["-std=gnu++11", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics"];

/** The names of the sketches. */
export const SKETCHES: readonly string[] = [...Deno.readDirSync(join(LIBRARY, "examples"))]
  .map(({ name }) => name).sort();

/** What is missing to compile, as the end of a sentence, or `null`. */
export async function missingToCompile(): Promise<string | null> {
  const found = await new Deno.Command("avr-g++", { args: ["--version"], stdout: "null" }).output()
    .then(({ success }) => success, () => false);
  const core = await Deno.stat(CORE).then(() => true, () => false);
  return found && core ? null : "needs apt install gcc-avr avr-libc arduino-core-avr";
}

/** A compiled core, to which sketches are linked. */
export class ArduinoBuild {
  readonly #folder: string;
  readonly #core: string[] = [];

  /** @param folder where everything that is made goes */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Compiles the core, with the clock of the emulator or, for a real board, without. */
  async core(options: { emulated: boolean }): Promise<void> {
    const sources = [...Deno.readDirSync(CORE)].map(({ name }) => name)
      .filter((name) => /\.(c|cpp|S)$/.test(name)).map((name) => join(CORE, name));
    if (options.emulated) sources.push(CLOCK);
    const rest = sources.values();
    await Promise.all(Array.from({ length: 2 }, async () => {
      for (const source of rest) this.#core.push(await this.#compile(source));
    }));
  }

  /** Compiles a sketch, and gives the path of the program (ELF). */
  async sketch(name: string): Promise<string> {
    // As the Arduino IDE does: the sketch is C++ that knows the core and its own functions beforehand.
    const code = await Deno.readTextFile(join(LIBRARY, "examples", name, `${name}.ino`));
    const prototypes = [...code.matchAll(/^(\w[\w ]* \**\w+\([^()]*\)) \{/gm)]
      .map(([, head]) => `${head};`);
    const source = join(this.#folder, `${name}.cpp`);
    const types = "#include <Arduino.h>\n";
    await Deno.writeTextFile(source, `${types}${prototypes.join("\n")}\n#line 1\n${code}`);
    const object = await this.#compile(source);
    const program = join(this.#folder, `${name}.elf`);
    await run("avr-g++", [
      ...["-mmcu=atmega328p", "-Os", "-Wl,--gc-sections", "-o", program, object, ...this.#core],
    ]);
    return program;
  }

  async #compile(source: string): Promise<string> {
    const object = join(this.#folder, `${basename(source)}.o`);
    const cpp = source.endsWith(".cpp");
    await run(cpp ? "avr-g++" : "avr-gcc", [
      ...[...FLAGS, ...(cpp ? CPP_FLAGS : []), "-c", source, "-o", object],
    ]);
    return object;
  }
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(`${command} failed:\n${text.decode(stderr)}`);
}

if (import.meta.main) {
  const missing = await missingToCompile();
  if (missing !== null) {
    console.error(`Cannot compile: it ${missing}`);
    Deno.exit(1);
  }
  const folder = Deno.args[0] ?? await Deno.makeTempDir({ prefix: "arduino" });
  const build = new ArduinoBuild(folder);
  await build.core({ emulated: false });
  for (const name of SKETCHES) {
    console.log(await run("avr-size", [await build.sketch(name)]));
  }
}
