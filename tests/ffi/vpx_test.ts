import assert from "node:assert/strict";
import { openLibrary } from "../../ffi/loader.ts";
import { addressOf, checkVpx, LIBVPX, type Vpx } from "../../ffi/vpx.ts";
import { CONFIG, describeConfigMismatch, VPX_IMG_FMT_I420 } from "../../ffi/vpx_layout.ts";
import { LIBYUV } from "../../ffi/yuv.ts";
import { LibraryMissing } from "../../lib/errors.ts";

const DEFAULTS = {
  g_w: 320,
  g_h: 240,
  g_bit_depth: 8,
  g_timebase_num: 1,
  g_timebase_den: 30,
  rc_target_bitrate: 256,
  rc_min_quantizer: 4,
  rc_max_quantizer: 63,
  rc_buf_sz: 6000,
  rc_buf_initial_sz: 4000,
  rc_buf_optimal_sz: 5000,
  kf_mode: 1,
  kf_max_dist: 128,
} as const;

/** What checkVpx calls, as a library of this version whose configuration is moved by so many bytes. */
function fakeVpx({ version = 0x010c00, moved = 0, config = 0, strideAt = 80 } = {}): Vpx {
  return {
    vpx_codec_version: () => version,
    vpx_codec_vp8_cx: () => null,
    vpx_codec_enc_config_default(_interface: null, bytes: Uint8Array) {
      const view = new DataView(bytes.buffer);
      for (const [field, value] of Object.entries(DEFAULTS)) {
        const offset = CONFIG[field as keyof typeof DEFAULTS];
        view.setUint32(offset < 112 ? offset : offset + moved, value, true);
      }
      return config;
    },
    vpx_img_wrap(
      image: Uint8Array,
      format: number,
      width: number,
      height: number,
      _align: number,
      pixels: Uint8Array<ArrayBuffer>,
    ) {
      const view = new DataView(image.buffer);
      view.setUint32(0, format, true);
      view.setUint32(24, width, true);
      view.setUint32(28, height, true);
      for (const [plane, [offset, stride]] of [[0, 8], [64, 4], [80, 4]].entries()) {
        view.setBigUint64(48 + 8 * plane, addressOf(pixels) + BigInt(offset!), true);
        view.setInt32(strideAt + 4 * plane, stride!, true);
      }
      return null;
    },
  } as unknown as Vpx;
}

Deno.test("checkVpx() takes what is laid out as we know it, from 1.8 on", () => {
  checkVpx(fakeVpx());
  checkVpx(fakeVpx({ version: 0x010800 }));
  checkVpx(fakeVpx({ version: 0x011100 }));
});

Deno.test("checkVpx() refuses versions before 1.8 and after 1", () => {
  for (const [version, name] of [[0x010702, "1.7.2"], [0x020000, "2.0.0"]] as const) {
    assert.throws(() => checkVpx(fakeVpx({ version })), {
      name: "LibraryMissing",
      message: `Cannot use libvpx ${name}: its interface is not known to us; ` +
        "install a version from 1.8 to 1.17",
    });
  }
});

Deno.test("checkVpx() refuses a library without the VP8 encoder", () => {
  assert.throws(() => checkVpx(fakeVpx({ config: 4 })), {
    name: "LibraryMissing",
    message: "Cannot use libvpx 1.12.0: it was built without the VP8 encoder; " +
      "install a version from 1.8 to 1.17",
  });
});

Deno.test("checkVpx() refuses a library whose configuration has moved, naming the field", () => {
  assert.throws(() => checkVpx(fakeVpx({ moved: 4 })), {
    name: "LibraryMissing",
    message: "Cannot use libvpx 1.12.0: its configuration is laid out differently " +
      "(rc_target_bitrate is 0 and not 256); install a version from 1.8 to 1.17",
  });
});

Deno.test("checkVpx() refuses a library whose images have moved", () => {
  assert.throws(() => checkVpx(fakeVpx({ strideAt: 84 })), {
    message: "Cannot use libvpx 1.12.0: its images are laid out differently; " +
      "install a version from 1.8 to 1.17",
  });
});

Deno.test("describeConfigMismatch() accepts any value where the defaults changed over time", () => {
  const config = new DataView(new ArrayBuffer(1024));
  for (const [field, value] of Object.entries(DEFAULTS)) {
    config.setUint32(CONFIG[field as keyof typeof DEFAULTS], value, true);
  }
  config.setUint32(CONFIG.rc_undershoot_pct, 95, true);
  assert.equal(describeConfigMismatch(config), null);
});

Deno.test("VPX_IMG_FMT_I420 is 258, as a C program prints it", () => {
  assert.equal(VPX_IMG_FMT_I420, 258);
});

Deno.test("a missing libvpx or libyuv is named with its package", () => {
  const sentences = {
    linux: 'Cannot load libvpx: not found on this machine; install it with "sudo apt install ' +
      'libvpx7" (Debian 12; libvpx9 in Debian 13, libvpx6 in Debian 11; libvpx elsewhere)',
    darwin: 'Cannot load libvpx: not found on this machine; install it with "brew install libvpx"',
  };
  for (const host of ["linux", "darwin"] as const) {
    const candidates = { ...LIBVPX.candidates, [host]: ["libnosuch.so.1"] };
    assert.throws(() => openLibrary({ ...LIBVPX, candidates }, {}, { host }), {
      name: "LibraryMissing",
      message: sentences[host],
    });
  }
  const candidates = { ...LIBYUV.candidates, linux: [] };
  assert.throws(
    () => openLibrary({ ...LIBYUV, candidates }, {}, { host: "linux" }),
    (error) => error instanceof LibraryMissing && error.message.includes("libyuv0"),
  );
});
