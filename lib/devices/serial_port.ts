/** What a SerialConnection needs of the system beneath it: termios, npm:serialport, or a fake board. */

/** How bytes go over the wire; both ends must mean the same. */
export interface SerialSettings {
  /** Bits a second. */
  readonly baudrate: number;
  /** Bits of a byte. */
  readonly dataBits: 5 | 6 | 7 | 8;
  /** The bit that checks a byte. */
  readonly parity: "none" | "even" | "odd";
  /** Bits that end a byte. */
  readonly stopBits: 1 | 2;
  /** Whether the lines RTS and CTS say who may send. */
  readonly flowControl: "none" | "hardware";
}

/** A serial port that was found. */
export interface SerialPortInfo {
  /** Where the system has it, such as `/dev/ttyUSB0`; after the next start it may be another one. */
  readonly url: string;
  /** A path that stays the same for this very device, or `null` where there is none. */
  readonly id: string | null;
  /** What the device calls itself, or `null`. */
  readonly name: string | null;
}

/** The control lines that come in. */
export interface SerialSignals {
  /** The other end is ready to take. */
  readonly cts: boolean;
  /** The other end is there. */
  readonly dsr: boolean;
  /** The other end hears a carrier. */
  readonly dcd: boolean;
  /** It rings. */
  readonly ri: boolean;
}

/** The control lines that go out; those that are left out stay as they are. */
export interface SerialOutputs {
  /** "I am here". A change of it resets most Arduinos. */
  readonly dtr?: boolean;
  /** "I am ready to take". */
  readonly rts?: boolean;
}

/** One open port. */
export interface SerialPort {
  /**
   * The bytes that came: at least one, or `null` once it is closed. One call at a time.
   * @throws {DeviceMissing} (rejects) when it was unplugged
   */
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  /**
   * Resolves when the system has taken all bytes; never blocks. One call at a time.
   * @throws {DeviceMissing} (rejects) when it was unplugged, or closed meanwhile
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** How the incoming control lines are. */
  signals(): Promise<SerialSignals>;
  /** Switches the outgoing control lines. */
  setSignals(outputs: SerialOutputs): Promise<void>;
  /** Ends `read` and `write`, lets the last bytes go out for half a second, and frees it. Idempotent. */
  close(): Promise<void>;
}

/** Where serial ports come from. */
export interface SerialBackend {
  /**
   * Opens a port and drops what came in before.
   * @throws {DeviceMissing} (rejects) when there is none of this name
   * @throws {DeviceBusy} (rejects) when somebody else has it
   * @throws {SystemCallError} (rejects) when it may not be opened, or cannot be set so
   */
  open(url: string, settings: SerialSettings): Promise<SerialPort>;
  /** What is plugged in, without opening any of it. */
  list(): Promise<SerialPortInfo[]>;
}
