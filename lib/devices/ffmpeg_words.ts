/** What ffmpeg said, as a sentence of ours: without secrets, and with what can be done about it. */

const HIDDEN = "***";
/** Names of values in addresses that open doors. */
const SECRET_KEYS =
  /([?&;](?:[a-z_-]*(?:pass|pwd|token|secret|key|auth|sig)[a-z_-]*|user(?:name)?)=)[^&#;\s"']*[^&#;\s"':]/gi;

/**
 * Makes a function that takes the secrets of an input out of any text: user and password of its
 * addresses, wherever they appear, and values such as `?token=…`.
 */
export function masker(inputs: readonly string[]): (text: string) => string {
  const secrets = new Set<string>();
  for (const input of inputs) {
    // As ffmpeg reads it: up to the last @ before the path, so that a password may contain one.
    for (const [, login] of input.matchAll(/[a-z][a-z0-9+.-]*:\/\/([^/?#\s]*)@/gi)) {
      const colon = login!.indexOf(":");
      secrets.add(login!);
      if (colon < 0) continue;
      for (const secret of [login!.slice(colon + 1), decoded(login!.slice(colon + 1))]) {
        if (secret.length > 2) secrets.add(secret); // shorter ones would hide half of every word
      }
    }
  }
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  return (text) => {
    for (const secret of longestFirst) text = text.replaceAll(secret, HIDDEN);
    return text
      .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/?#\s"']*@/gi, `$1${HIDDEN}@`)
      .replace(SECRET_KEYS, `$1${HIDDEN}`);
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What ffmpeg adds when the reason has been said. */
const NOISE =
  /^(To ignore this|Error opening (input|output) files?\b|Conversion failed|Exiting normally|Terminating|Last message repeated)/;

/** The lines that tell most, oldest first, without the addresses in memory that ffmpeg prints. */
export function lastWords(lines: readonly string[], count = 2): string {
  const plain = lines
    .map((line) => line.replace(/^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+/i, "").trim())
    .filter((line) => line !== "");
  const telling = plain.filter((line) => !NOISE.test(line));
  const chosen = (telling.length > 0 ? telling : plain).slice(-count);
  return [...new Set(chosen)].join(" / ");
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/already exists/, "choose another name, or set overwrite: true"],
  [/401 Unauthorized|403 Forbidden/, "put user and password into the address"],
  [/No such file or directory/, "check the path or the address"],
  [/No such device|No such process|Input\/output error/, "check that it is plugged in"],
  [/Device or resource busy/, "close the program that has it"],
  [/Permission denied|Operation not permitted/, "check who may use it"],
  [/Connection refused|timed out|No route to host|Network is unreachable/, "check the address"],
  [/Failed to resolve|Name or service not known/, "check the name in the address"],
  [/Protocol not found|Unknown input format/, 'see "ffmpeg -protocols" and "ffmpeg -devices"'],
  [/Unknown encoder|Encoder not found/, 'see "ffmpeg -encoders" for what this ffmpeg has'],
  [/matches no streams/, "subscribe only to what the input has"],
  [/unknown timestamp/, 'give inputArgs: ["-fflags", "+genpts"]'],
  [/Invalid data found|moov atom not found/, "check that it is whole and of the stated format"],
  [/No space left/, "make room on the disk"],
];

/** What can be done about it. */
export function hintFor(words: string): string {
  const hint = HINTS.find(([pattern]) => pattern.test(words));
  return hint?.[1] ?? "try the same with the ffmpeg command";
}
