/**
 * The errors of the outside world. Wrong arguments are the built-in `TypeError`, `RangeError` and
 * `SyntaxError`; everything that the world can do to a robot is an {@linkcode RtcbotError}.
 *
 * Sentences read *Cannot <action>: <state>; <how to mend it>*.
 */

/** What all errors of this library have in common, so that one `instanceof` tells them from bugs. */
export class RtcbotError extends Error {
  /** The class's name, also when the code was minified. */
  override readonly name: string = "RtcbotError";
}

/** No such device: not plugged in, or another number, name or path is meant. */
export class DeviceMissing extends RtcbotError {
  override readonly name: string = "DeviceMissing";
}

/** The device is there, and somebody else has it. */
export class DeviceBusy extends RtcbotError {
  override readonly name: string = "DeviceBusy";
}

/** A shared library (libvpx, libyuv …) is not on this machine; the message names the package. */
export class LibraryMissing extends RtcbotError {
  override readonly name: string = "LibraryMissing";
}

/** A call into the kernel or a native library failed. */
export class SystemCallError extends RtcbotError {
  override readonly name: string = "SystemCallError";
  /** The symbolic code, such as `EACCES` or `VPX_CODEC_MEM_ERROR`. */
  readonly code: string;

  /** @param message the whole sentence @param code the symbolic code, such as `EACCES` */
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An offer or answer could not be understood, or the two ends have nothing in common. */
export class NegotiationError extends RtcbotError {
  override readonly name: string = "NegotiationError";
}

/** The other end sent something that its protocol does not allow. */
export class RemoteProtocolError extends RtcbotError {
  override readonly name: string = "RemoteProtocolError";
}

/** The object was closed; the message names its class. */
export class SubscriptionClosed extends RtcbotError {
  override readonly name: string = "SubscriptionClosed";
}

/** The connection to the other end was lost: it vanished, or the network between did. */
export class ConnectionLost extends RtcbotError {
  override readonly name: string = "ConnectionLost";
}

/** More was sent than the other end takes; wait until it has caught up, or send less. */
export class BufferFull extends RtcbotError {
  override readonly name: string = "BufferFull";
}
