/**
 * OpenSSL's libcrypto for what each packet needs: AES-128 in GCM and counter mode, and HMAC-SHA1. A
 * packet of 1200 bytes costs 1 to 3 µs; through `node:crypto` it is 30, because that makes new objects
 * for each. It is there wherever `openssl` or `curl` are installed; without it use `node:crypto`.
 *
 * ```c
 * int EVP_EncryptInit_ex(EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const u8 *key, const u8 *iv);
 * int EVP_EncryptUpdate(EVP_CIPHER_CTX *, u8 *out, int *outlen, const u8 *in, int inlen);
 *     // out == NULL: `in` is additional data (EVP_EncryptInit(3), "AEAD Interface"); in place is allowed
 * int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *, int type, int size, void *data);
 * ```
 */
import { type LibrarySpec, openLibrary } from "./loader.ts";

const LIBCRYPTO: LibrarySpec = {
  name: "libcrypto",
  candidates: {
    linux: ["libcrypto.so.3", "libcrypto.so.1.1"],
    darwin: [], // Homebrew's moves, and Apple's own aborts the process when it is loaded by name
    windows: [],
  },
  install: {
    linux: "install it with: sudo apt install libssl3",
    darwin: "nothing is lost but some speed",
    windows: "nothing is lost but some speed",
  },
};

const SYMBOLS = {
  EVP_aes_128_gcm: { parameters: [], result: "pointer" },
  EVP_aes_128_ctr: { parameters: [], result: "pointer" },
  EVP_sha1: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "buffer"], result: "i32" },
  EVP_EncryptInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  },
  EVP_EncryptUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_EncryptFinal_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  EVP_DecryptInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  },
  EVP_DecryptUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_DecryptFinal_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  HMAC_CTX_new: { parameters: [], result: "pointer" },
  HMAC_CTX_free: { parameters: ["pointer"], result: "void" },
  // int HMAC_Init_ex(HMAC_CTX *, const void *key, int size, const EVP_MD *, ENGINE *);
  HMAC_Init_ex: { parameters: ["pointer", "buffer", "i32", "pointer", "pointer"], result: "i32" },
  HMAC_Update: { parameters: ["pointer", "buffer", "usize"], result: "i32" },
  HMAC_Final: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

// <openssl/evp.h>
const EVP_CTRL_AEAD_GET_TAG = 0x10, EVP_CTRL_AEAD_SET_TAG = 0x11;

/** Bytes that GCM adds behind what it sealed. */
export const GCM_TAG_BYTES = 16;

type Bytes = Uint8Array<ArrayBuffer>;
type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

let shared: Library | null | undefined;

/** Opened once and kept: opening costs 5 ms, since Deno compiles a trampoline for each function. */
function library(): Library | null {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return null;
  if (shared === undefined) {
    try {
      shared = openLibrary(LIBCRYPTO, SYMBOLS);
    } catch {
      shared = null;
    }
  }
  return shared;
}

/** The ciphers of one connection. Nothing may be used after {@linkcode close}. */
export class PacketCrypto implements Disposable {
  #library: Library | null;
  readonly #free: (() => void)[] = [];
  readonly #length = new Uint8Array(4); // int outlen: known beforehand, never read

  private constructor(library: Library) {
    this.#library = library;
  }

  /** `null` without libcrypto, or when `--allow-ffi` was not given; never asks for a permission. */
  static open(): PacketCrypto | null {
    const opened = library();
    return opened && new PacketCrypto(opened);
  }

  /** AES-128-GCM with one key, for sealing. */
  gcmSealer(key: Bytes): GcmSealer {
    const ssl = this.#symbols(), context = this.#cipher();
    check(ssl.EVP_EncryptInit_ex(context, ssl.EVP_aes_128_gcm(), null, key, null));
    return (nonce, additional, buffer, start, end) => {
      if (this.#library === null) return false;
      const inside = buffer.subarray(start, end);
      return ssl.EVP_EncryptInit_ex(context, null, null, null, nonce) === 1 &&
        ssl.EVP_EncryptUpdate(context, null, this.#length, additional, additional.length) === 1 &&
        ssl.EVP_EncryptUpdate(context, inside, this.#length, inside, inside.length) === 1 &&
        ssl.EVP_EncryptFinal_ex(context, inside, this.#length) === 1 &&
        ssl.EVP_CIPHER_CTX_ctrl(
            context,
            EVP_CTRL_AEAD_GET_TAG,
            GCM_TAG_BYTES,
            buffer.subarray(end, end + GCM_TAG_BYTES),
          ) === 1;
    };
  }

  /** AES-128-GCM with one key, for opening what was sealed. */
  gcmOpener(key: Bytes): GcmOpener {
    const ssl = this.#symbols(), context = this.#cipher();
    check(ssl.EVP_DecryptInit_ex(context, ssl.EVP_aes_128_gcm(), null, key, null));
    return (nonce, additional, buffer, start, end) => {
      if (this.#library === null || end - start < GCM_TAG_BYTES) return false;
      const inside = buffer.subarray(start, end - GCM_TAG_BYTES);
      const tag = buffer.subarray(end - GCM_TAG_BYTES, end);
      return ssl.EVP_DecryptInit_ex(context, null, null, null, nonce) === 1 &&
        ssl.EVP_DecryptUpdate(context, null, this.#length, additional, additional.length) === 1 &&
        ssl.EVP_DecryptUpdate(context, inside, this.#length, inside, inside.length) === 1 &&
        ssl.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, tag) === 1 &&
        ssl.EVP_DecryptFinal_ex(context, inside, this.#length) === 1;
    };
  }

  /** AES-128 in counter mode with one key: encrypts and decrypts. */
  ctr(key: Bytes): CtrCipher {
    const ssl = this.#symbols(), context = this.#cipher();
    check(ssl.EVP_EncryptInit_ex(context, ssl.EVP_aes_128_ctr(), null, key, null));
    return (counter, buffer, start, end) => {
      if (this.#library === null) return false;
      const inside = buffer.subarray(start, end);
      return ssl.EVP_EncryptInit_ex(context, null, null, null, counter) === 1 &&
        ssl.EVP_EncryptUpdate(context, inside, this.#length, inside, inside.length) === 1;
    };
  }

  /** HMAC-SHA1 with one key; the result is 20 bytes and overwritten by the next call. */
  hmacSha1(key: Bytes): Hmac {
    const ssl = this.#symbols(), context = ssl.HMAC_CTX_new();
    this.#free.push(() => ssl.HMAC_CTX_free(context));
    check(ssl.HMAC_Init_ex(context, key, key.length, ssl.EVP_sha1(), null));
    const out = new Uint8Array(20);
    return (...parts) => {
      if (this.#library === null) return null;
      let ok = ssl.HMAC_Init_ex(context, null, 0, null, null) === 1;
      for (const part of parts) {
        ok &&= ssl.HMAC_Update(context, part, BigInt(part.length)) === 1;
      }
      return ok && ssl.HMAC_Final(context, out, this.#length) === 1 ? out : null;
    };
  }

  /** Frees all ciphers; from then on each says false. Idempotent. */
  close(): void {
    if (this.#library === null) return;
    this.#library = null;
    for (const free of this.#free) free();
  }

  /** As {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #symbols(): Library["symbols"] {
    if (this.#library === null) {
      throw new TypeError("Cannot make a cipher: PacketCrypto is closed; open another");
    }
    return this.#library.symbols;
  }

  #cipher(): Deno.PointerValue {
    const ssl = this.#symbols();
    const context = ssl.EVP_CIPHER_CTX_new();
    this.#free.push(() => ssl.EVP_CIPHER_CTX_free(context));
    return context;
  }
}

/**
 * Encrypts `buffer[start, end)` in place and writes the tag to the 16 bytes behind; the nonce has 12.
 *
 * @returns false if libcrypto refused; the buffer is then of no use
 */
export type GcmSealer = (
  nonce: Bytes,
  additional: Bytes,
  buffer: Bytes,
  start: number,
  end: number,
) => boolean;

/**
 * Decrypts `buffer[start, end)`, whose last 16 bytes are the tag, in place.
 *
 * @returns false if it is not authentic; the buffer is then of no use
 */
export type GcmOpener = GcmSealer;

/** Encrypts or decrypts `buffer[start, end)` in place; the first counter block has 16 bytes. */
export type CtrCipher = (counter: Bytes, buffer: Bytes, start: number, end: number) => boolean;

/** The code of all parts in a row, or `null` if libcrypto refused. */
export type Hmac = (...parts: Bytes[]) => Bytes | null;

function check(result: number): void {
  if (result !== 1) throw new TypeError("Cannot make a cipher: libcrypto refused the key");
}
