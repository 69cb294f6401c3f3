import { DeviceMissing, RtcbotError } from "../errors.ts";
import { SubscriptionProducerConsumer } from "../subscriptions/producer_consumer.ts";
import { reportOnce } from "../subscriptions/callback.ts";
import { writableTo } from "../subscriptions/streams.ts";
import type { Subscription } from "../subscriptions/subscription.ts";
import type { Framer } from "../wire/framer.ts";
import { pause, settled } from "./pause.ts";
import {
  type SerialCodec,
  serialCodec,
  type SerialInput,
  type SerialOutput,
} from "./serial_messages.ts";
import { npmSerial } from "./serial_npm.ts";
import { SerialOutbox } from "./serial_outbox.ts";
import type {
  SerialBackend,
  SerialOutputs,
  SerialPort,
  SerialPortInfo,
  SerialSettings,
  SerialSignals,
} from "./serial_port.ts";
import { type SerialConnectionOptions, settingsOf, writeDelayOf } from "./serial_options.ts";
import { termiosSerial } from "./serial_termios.ts";

/** The last words have so long to be taken by the system; then it has half a second to send them. */
const LAST_WORDS_MS = 500;
/** How often is looked whether an unplugged port is back. */
const RECONNECT_MS = 250;

/**
 * A serial port with a board behind it: what the board says comes out, what is put goes to it.
 *
 * ```ts no-run
 * import { SerialConnection } from "rtcbot";
 *
 * // The Arduino has: struct { int16_t speed; uint8_t light; } __attribute__((packed));
 * await using board = new SerialConnection("/dev/ttyACM0", {
 *   readFormat: "<BH",
 *   readKeys: ["sensor", "distance"],
 *   writeFormat: "<hB",
 *   writeKeys: ["speed", "light"],
 *   packets: true, // rtcbot.h on the Arduino; false for bare structs
 * });
 * board.put_nowait({ speed: -100, light: 1 });
 * for await (const { distance } of board) console.log(distance + 1);
 * ```
 *
 * Without formats, lines come out as bytes, and bytes and text go in as they are. A bare struct stream that
 * loses a byte stays wrong; see `packets`.
 *
 * At most 1 MiB waits to be written; `put_nowait` then throws `BufferFull`, `drained()` and `writable` wait.
 * A wrong message throws where it is put; one from a source that is read is dropped, counted in `rejected`
 * and reported once, for it may come from a stranger. `close()` lets what was written go out first, half a
 * second at the most.
 *
 * On Linux it needs `--allow-ffi` and nothing else. On macOS and Windows it uses npm:serialport, which needs
 * `--allow-read --allow-env` too, and has not been tried there yet.
 *
 * It fails with `DeviceMissing` when there is no such port or it was unplugged, `DeviceBusy` when another
 * program has it, `SystemCallError` when it may not be opened or cannot do the speed, and `LibraryMissing`.
 *
 * RTCBot: `SerialConnection`.
 */
export class SerialConnection<const O extends SerialConnectionOptions = Record<never, never>>
  extends SubscriptionProducerConsumer<SerialInput<O>, SerialOutput<O>> {
  /** The port, as it was given. */
  readonly url: string;
  readonly #backend: SerialBackend;
  readonly #settings: SerialSettings;
  readonly #codec: SerialCodec;
  readonly #delayMs: number;
  readonly #reconnect: boolean;
  readonly #reportRejected: (error: unknown) => void;
  readonly #outbox = new SerialOutbox();
  readonly #closing = new AbortController();
  readonly #living: Promise<void>;
  #port: SerialPort | null = null;
  #framer: Framer | null = null;
  #skipped = 0;
  #rejected = 0;

  /**
   * Opens the port in the background: `onReady` fires when it is open.
   *
   * @param url the port, such as `/dev/ttyACM0`; {@linkcode SerialConnection.list} names them
   * @param options see {@linkcode SerialConnectionOptions}
   * @param backend where ports come from; the system, unless a test says otherwise
   * @throws {SyntaxError} when a format cannot be understood
   * @throws {RangeError | TypeError} when options do not fit together
   */
  constructor(
    url = "/dev/ttyS0",
    options: O = {} as O,
    backend: SerialBackend = systemSerial(),
  ) {
    const { defaultSubscription } = options;
    super({
      ready: false,
      ...(defaultSubscription &&
        { defaultSubscription: defaultSubscription as () => Subscription<SerialOutput<O>> }),
    });
    this.url = url;
    this.#backend = backend;
    this.#codec = serialCodec(options);
    this.#settings = settingsOf(options);
    this.#delayMs = writeDelayOf(options);
    this.#reconnect = options.reconnect ?? false;
    this.#reportRejected = reportOnce(`a message for the serial port "${url}" was dropped`);
    this.#living = this.#live();
    this.#readSource();
  }

  /** The ports that are plugged in. None of them is opened, since that resets an Arduino. */
  static list(backend: SerialBackend = systemSerial()): Promise<SerialPortInfo[]> {
    return backend.list();
  }

  /** Whether the port is open now; with `reconnect` it may be not for a while. */
  get isOpen(): boolean {
    return this.#port !== null;
  }

  /** How many bytes came that belonged to no message. */
  get skipped(): number {
    return this.#skipped + (this.#framer?.skipped ?? 0);
  }

  /** How many messages of a source were dropped because they were wrong. */
  get rejected(): number {
    return this.#rejected;
  }

  /** How many bytes wait to be written. */
  get bufferedAmount(): number {
    return this.#outbox.bytes;
  }

  /**
   * Sends a message as soon as the port takes it. If a source is being read, that is stopped.
   *
   * @throws {TypeError | RangeError} when it is not what `writeFormat` says
   * @throws {BufferFull} when 1 MiB waits already
   * @throws {SubscriptionClosed} when it is closed
   */
  override put_nowait(message: SerialInput<O>): void {
    this._refuseIfClosed("put into");
    const bytes = this.#codec.encode(message);
    this.#outbox.checkRoom(bytes.length);
    this.stopSubscription();
    this.#outbox.put(bytes);
  }

  /** Resolves when nearly all that was put is written; rejects when it closes before. */
  drained(): Promise<void> {
    this._refuseIfClosed("wait for");
    return this.#outbox.drained();
  }

  /** A new stream whose values are put, no faster than they are written. */
  override get writable(): WritableStream<SerialInput<O>> {
    this._refuseIfClosed("write a stream into");
    return writableTo((message) => this.put_nowait(message), () => this.drained());
  }

  /**
   * How the control lines are that come in.
   * @throws {SystemCallError} (rejects) when the port has none
   * @throws {DeviceMissing} (rejects) when it is not open
   */
  async signals(): Promise<SerialSignals> {
    return await this.#openPort().signals();
  }

  /**
   * Switches the control lines that go out. Dropping and raising DTR resets most Arduinos.
   * @throws {SystemCallError} (rejects) when the port has none
   * @throws {DeviceMissing} (rejects) when it is not open
   */
  async setSignals(outputs: SerialOutputs): Promise<void> {
    await this.#openPort().setSignals(outputs);
  }

  /** For the base classes: sends away who waits. */
  protected override _wake(reason: Error): void {
    super._wake(reason);
    this.#outbox.end(reason);
  }

  /** Frees the port. */
  protected override async _close(): Promise<void> {
    this.#closing.abort();
    await this.#living;
  }

  #openPort(): SerialPort {
    this._refuseIfClosed("use the control lines of");
    if (this.#port !== null) return this.#port;
    throw new DeviceMissing(
      `Cannot use the control lines of "${this.url}": it is not open; await onReady()`,
    );
  }

  /** Opens the port, serves it until it is gone, and again. Never rejects. */
  async #live(): Promise<void> {
    await null; // the constructor ends first
    const closing = this.#closing.signal;
    for (let first = true; !closing.aborted; first = false) {
      try {
        const port = await this.#backend.open(this.url, this.#settings);
        try {
          if (!closing.aborted) await this.#serve(port);
        } finally {
          this.#port = null;
          this.#skipped += this.#framer?.skipped ?? 0;
          this.#framer = null;
          await port.close();
        }
      } catch (error) {
        const passes = this.#reconnect && error instanceof RtcbotError && !(first && !this.ready);
        if (!passes && !closing.aborted) return this.#failAfter(error);
      }
      await pause(RECONNECT_MS, closing);
    }
  }

  /** `_setError` waits for `#living`, so it is called when that has ended. */
  #failAfter(error: unknown): void {
    queueMicrotask(() => this._setError(error));
  }

  /** Until the port is gone, which rejects, or we are closed. */
  async #serve(port: SerialPort): Promise<void> {
    this.#port = port;
    this.#framer = this.#codec.framer();
    this._setReady();
    const over = new AbortController();
    const end = Promise.withResolvers<void>();
    const closing = this.#closing.signal;
    closing.addEventListener("abort", () => end.resolve(), { signal: over.signal });
    const reading = this.#read(port, this.#framer);
    const writing = this.#write(port, over.signal);
    try {
      await Promise.race([reading, writing, end.promise]);
    } finally {
      over.abort();
      if (closing.aborted) await settled(writing, LAST_WORDS_MS);
      await port.close();
      await Promise.allSettled([reading, writing]);
    }
  }

  async #read(port: SerialPort, framer: Framer): Promise<void> {
    for (;;) {
      const bytes = await port.read();
      if (bytes === null || this.closed) return;
      for (const message of framer.push(bytes)) {
        this._put_nowait(this.#codec.decode(message) as SerialOutput<O>);
      }
    }
  }

  async #write(port: SerialPort, over: AbortSignal): Promise<void> {
    if (this.#delayMs > 0) {
      await pause(this.#delayMs, over);
      if (over.aborted) return;
    }
    await this.#outbox.writeTo(port, over);
  }

  /**
   * Takes from what was put by `putSubscription`, each value when all before it is written: of a source that
   * keeps the newest only, nothing old waits here while a board is stuck.
   */
  async #readSource(): Promise<void> {
    try {
      for (;;) {
        const message = await this._get();
        try {
          this.#outbox.put(this.#codec.encode(message));
        } catch (error) {
          this.#rejected++;
          this.#reportRejected(error);
        }
        await this.#outbox.emptied();
      }
    } catch {
      // it was closed
    }
  }
}

/** The ports of the system we run on. */
export function systemSerial(): SerialBackend {
  return Deno.build.os === "linux" ? termiosSerial : npmSerial();
}
