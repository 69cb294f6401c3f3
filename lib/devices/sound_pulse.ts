/** Sound through PulseAudio or PipeWire. */

import { PulseClient, type PulseDevice } from "../../ffi/pulse_client.ts";
import { PulseStream } from "../../ffi/pulse_stream.ts";
import { DeviceBusy, DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import {
  chooseDevice,
  named,
  NoSoundSystem,
  type SoundDevice,
  type SoundDirection,
  type SoundInput,
  type SoundOutput,
  type SoundPort,
  type SoundPortOptions,
  WORDS,
} from "./sound_port.ts";

/** Connects, looks for the device, opens the stream: one step after the other, none of which waits. */
class PulsePort implements SoundPort {
  readonly #direction: SoundDirection;
  readonly #options: SoundPortOptions;
  readonly #client: PulseClient;
  #asked = false;
  #found: SoundDevice[] | null = null;
  #stream: PulseStream | null = null;
  #open = false;
  #device: SoundDevice | null = null;
  #channels = 0;

  constructor(direction: SoundDirection, options: SoundPortOptions) {
    this.#direction = direction;
    this.#options = options;
    const action = `open ${named(direction, options.device)}`;
    this.#client = connect(options.server, action);
  }

  poll(): boolean {
    return this.guarded(() => {
      const connected = this.#client.iterate();
      if (this.#stream !== null) return this.#open = this.#stream.open;
      if (connected && !this.#asked) {
        this.#asked = true;
        this.#client.requestDevices(this.#direction, (devices) => this.#found = listed(devices));
      }
      if (this.#found !== null) this.#begin(this.#found);
      return false;
    });
  }

  get device(): SoundDevice {
    return this.#device!;
  }

  get channels(): number {
    return this.#channels;
  }

  get suspended(): boolean {
    return this.#stream?.suspended ?? false;
  }

  get latencyMs(): number | null {
    return this.stream.latencyMs;
  }

  close(): void {
    this.#stream?.free();
    this.#client.free();
  }

  /** For the two directions. */
  protected get stream(): PulseStream {
    return this.#stream!;
  }

  /** Runs it, and tells in our words what PulseAudio failed with. */
  protected guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #begin(found: readonly SoundDevice[]): void {
    const { device, channels, sampleRateHz, bufferSamples } = this.#options;
    this.#device = chooseDevice(found, this.#direction, device);
    this.#channels = channels ?? this.#device.channels ?? 2;
    this.#stream = new PulseStream(this.#client, {
      direction: this.#direction,
      device: device === null ? null : this.#device.name,
      channels: this.#channels,
      sampleRateHz,
      bufferSamples,
      action: `open ${named(this.#direction, device)}`,
    });
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof SystemCallError)) return error;
    const { use } = WORDS[this.#direction];
    const { code } = error;
    if (code === "PA_ERR_BUSY") {
      return new DeviceBusy(
        `Cannot open ${named(this.#direction, this.#options.device)}: somebody else has it; ` +
          `close the program that has it`,
        { cause: error },
      );
    }
    if (!this.#open) {
      const nobody = this.#device === null && NOBODY.has(code);
      return nobody
        ? new NoSoundSystem(`PulseAudio does not answer (${code})`, { cause: error })
        : error;
    }
    const ended = code === "PA_ERR_CONNECTIONTERMINATED";
    const [state, mend] = ended
      ? ["the sound server has ended", "start it again"]
      : ["it was unplugged", "plug it in again"];
    return new DeviceMissing(
      `Cannot ${use} "${this.#device!.description}": ${state}; ${mend}, ` +
        "or set reopen: true to go on when it is back",
      { cause: error },
    );
  }
}

/** What tells that no server is there, and not that it refused. */
const NOBODY: ReadonlySet<string> = new Set([
  ...["PA_ERR_CONNECTIONREFUSED", "PA_ERR_CONNECTIONTERMINATED", "PA_ERR_INVALIDSERVER"],
  ...["PA_ERR_TIMEOUT", "PA_ERR_NOENTITY"],
]);

/** @throws {NoSoundSystem} when there is no libpulse, or nobody listens */
function connect(server: string | null, action: string): PulseClient {
  try {
    return new PulseClient(server, action);
  } catch (error) {
    if (error instanceof LibraryMissing) {
      throw new NoSoundSystem("libpulse is not on this machine", { cause: error });
    }
    if (error instanceof SystemCallError && NOBODY.has(error.code)) {
      throw new NoSoundSystem(`PulseAudio does not answer (${error.code})`, { cause: error });
    }
    throw error;
  }
}

/** A recording of PulseAudio's. */
export class PulseInput extends PulsePort implements SoundInput {
  /** Begins to open it. */
  constructor(options: SoundPortOptions) {
    super("record", options);
  }

  read(): { samples: Float32Array<ArrayBuffer>; lost: boolean } {
    return this.guarded(() => this.stream.read());
  }
}

/** A playback of PulseAudio's. */
export class PulseOutput extends PulsePort implements SoundOutput {
  /** Begins to open it. */
  constructor(options: SoundPortOptions) {
    super("playback", options);
  }

  get room(): number {
    return this.stream.room;
  }

  write(samples: Float32Array<ArrayBuffer>): void {
    this.guarded(() => this.stream.write(samples));
  }

  start(): void {
    this.stream.trigger();
  }

  ranDry(): boolean {
    return this.stream.ranDry();
  }
}

/** Asks for the list of devices: give it to `poll` until it is not null. */
export class PulseList {
  readonly #client: PulseClient;
  readonly #direction: SoundDirection;
  #asked = false;
  #found: SoundDevice[] | null = null;

  /** Begins to connect. @throws {NoSoundSystem} when there is no PulseAudio */
  constructor(direction: SoundDirection, server: string | null) {
    this.#direction = direction;
    this.#client = connect(server, `list ${WORDS[direction].what}s`);
  }

  /** The devices, or `null` if they are not here yet. */
  poll(): SoundDevice[] | null {
    const connected = this.#client.iterate();
    if (connected && !this.#asked) {
      this.#asked = true;
      this.#client.requestDevices(this.#direction, (devices) => this.#found = listed(devices));
    }
    return this.#found;
  }

  /** Frees it. */
  close(): void {
    this.#client.free();
  }
}

/** Microphones first, what only hears speakers after them. */
function listed(devices: readonly PulseDevice[]): SoundDevice[] {
  return [...devices.filter(({ monitor }) => !monitor), ...devices.filter(({ monitor }) => monitor)]
    .map((device, index) => ({
      index,
      name: device.name,
      description: device.description,
      channels: device.channels,
      default: device.default,
      monitor: device.monitor,
      system: "pulse",
    }));
}
