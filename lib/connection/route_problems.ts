/** Why a STUN or TURN server was of no use: errors, and the words for a person that follow "it is of no use:". */

/** A server said no. */
export class RefusedByServer extends Error {
  /** RFC 8489, section 14.8, and RFC 8656, section 19. */
  readonly code: number;

  constructor(code: number, text: string) {
    super(refusal(code, text));
    this.code = code;
  }
}

/** A server said nothing. */
export class ServerSilent extends Error {
  constructor() {
    super("it did not answer");
  }
}

const REFUSALS: Readonly<Record<number, string>> = {
  300: "it asks to use another server",
  400: "it does not understand us, or does not accept the user name and credential", // Pion says so
  401: "it does not accept the user name and credential",
  403: "it may not send to that address",
  437: "it forgot the relay",
  441: "it does not accept the user name and credential",
  442: "it does not relay UDP",
  486: "this user has as many relays as are allowed",
  508: "it has no relay left",
};

function refusal(code: number, text: string): string {
  // What a server says is for a person too, but may be anything.
  const said = String(text).replace(/[^\x20-\x7e]/g, "").slice(0, 80);
  return `${REFUSALS[code] ?? "it refused"} (${[code || "", said].join(" ").trim()})`;
}

const CODES: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name could not be looked up",
  ECONNREFUSED: "nothing listens at its port",
  ETIMEDOUT: "it cannot be reached",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  ECONNRESET: "it closed the connection",
};

/** The words for any error on the way to a server. */
export function wordsFor(error: unknown): string {
  if (error instanceof RefusedByServer || error instanceof ServerSilent) return error.message;
  const { code, message } = error as { code?: string; message?: string };
  const known = CODES[code ?? ""];
  if (known) return `${known} (${code})`;
  if (/certificate/i.test(message ?? "")) {
    return `its certificate is not trusted (${message}); name its authority in DENO_CERT`;
  }
  if (/timed out/.test(message ?? "")) return "it cannot be reached";
  return message || String(error);
}
