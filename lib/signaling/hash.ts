/** Secrets and tokens are kept and compared as hashes only. */

const utf8 = new TextEncoder();

/** SHA-256 of a text in UTF-8, as 64 hexadecimal digits; what a robot gives as `tokenHash`. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8.encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Compares in a time that does not tell where the first difference is. */
export function sameHash(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
