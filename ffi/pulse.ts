/**
 * libpulse, which speaks with PulseAudio and with PipeWire. Not its simple API, whose calls block: a read
 * that never returns because the server hangs would keep the process alive, and nothing could end it. Here
 * everything happens within {@linkcode PulseClient.iterate}, which never waits, so closing is immediate.
 *
 * ```c
 * typedef struct pa_sample_spec {       // <pulse/sample.h>, 12 bytes
 *   pa_sample_format_t format;          //  0
 *   uint32_t rate;                      //  4
 *   uint8_t channels;                   //  8
 * } pa_sample_spec;
 *
 * typedef struct pa_source_info {       // <pulse/introspect.h>, pa_sink_info is the same so far;
 *   const char *name;                   //   0                 offsets on 64-bit machines
 *   uint32_t index;                     //   8
 *   const char *description;            //  16
 *   pa_sample_spec sample_spec;         //  24
 *   ...
 *   uint32_t monitor_of_sink;           // 308, for a sink: its monitor_source
 *
 * typedef struct pa_server_info {
 *   ...
 *   const char *default_sink_name;      //  48
 *   const char *default_source_name;    //  56
 * ```
 */

import { SystemCallError } from "../lib/errors.ts";
import { homebrewPaths, type LibrarySpec, openLibrary } from "./loader.ts";

/** Where libpulse is found and how to get it. */
export const LIBPULSE: LibrarySpec = {
  name: "libpulse",
  candidates: {
    linux: ["libpulse.so.0", "libpulse.so"],
    darwin: homebrewPaths("libpulse.0.dylib", "libpulse.dylib"),
    windows: ["libpulse-0.dll"],
  },
  install: {
    linux: 'install it with "sudo apt install libpulse0"',
    darwin: 'install it with "brew install pulseaudio"',
    windows: "PulseAudio is not usual on Windows, leave it out",
  },
};

/** Symbols of {@linkcode LIBPULSE}. */
export const PULSE_SYMBOLS = {
  // const char *pa_get_library_version(void);
  pa_get_library_version: { parameters: [], result: "pointer" },
  // const char *pa_strerror(int error);
  pa_strerror: { parameters: ["i32"], result: "pointer" },

  // pa_mainloop *pa_mainloop_new(void);
  pa_mainloop_new: { parameters: [], result: "pointer" },
  // pa_mainloop_api *pa_mainloop_get_api(pa_mainloop *m);
  pa_mainloop_get_api: { parameters: ["pointer"], result: "pointer" },
  // int pa_mainloop_iterate(pa_mainloop *m, int block, int *retval);
  pa_mainloop_iterate: { parameters: ["pointer", "i32", "pointer"], result: "i32" },
  // void pa_mainloop_free(pa_mainloop *m);
  pa_mainloop_free: { parameters: ["pointer"], result: "void" },

  // pa_context *pa_context_new(pa_mainloop_api *mainloop, const char *name);
  pa_context_new: { parameters: ["pointer", "buffer"], result: "pointer" },
  // int pa_context_connect(pa_context *c, const char *server, pa_context_flags_t flags,
  //     const pa_spawn_api *api);
  pa_context_connect: { parameters: ["pointer", "buffer", "u32", "pointer"], result: "i32" },
  // pa_context_state_t pa_context_get_state(const pa_context *c);
  pa_context_get_state: { parameters: ["pointer"], result: "i32" },
  // int pa_context_errno(const pa_context *c);
  pa_context_errno: { parameters: ["pointer"], result: "i32" },
  // void pa_context_disconnect(pa_context *c);
  pa_context_disconnect: { parameters: ["pointer"], result: "void" },
  // void pa_context_unref(pa_context *c);
  pa_context_unref: { parameters: ["pointer"], result: "void" },

  // pa_operation *pa_context_get_server_info(pa_context *c, pa_server_info_cb_t cb, void *userdata);
  pa_context_get_server_info: {
    parameters: ["pointer", "function", "pointer"],
    result: "pointer",
  },
  // pa_operation *pa_context_get_source_info_list(pa_context *c, pa_source_info_cb_t cb, void *userdata);
  pa_context_get_source_info_list: {
    parameters: ["pointer", "function", "pointer"],
    result: "pointer",
  },
  // pa_operation *pa_context_get_sink_info_list(pa_context *c, pa_sink_info_cb_t cb, void *userdata);
  pa_context_get_sink_info_list: {
    parameters: ["pointer", "function", "pointer"],
    result: "pointer",
  },
  // void pa_operation_unref(pa_operation *o);
  pa_operation_unref: { parameters: ["pointer"], result: "void" },

  // pa_stream *pa_stream_new(pa_context *c, const char *name, const pa_sample_spec *ss,
  //     const pa_channel_map *map);
  pa_stream_new: { parameters: ["pointer", "buffer", "buffer", "pointer"], result: "pointer" },
  // int pa_stream_connect_record(pa_stream *s, const char *dev, const pa_buffer_attr *attr,
  //     pa_stream_flags_t flags);
  pa_stream_connect_record: { parameters: ["pointer", "buffer", "buffer", "u32"], result: "i32" },
  // int pa_stream_connect_playback(pa_stream *s, const char *dev, const pa_buffer_attr *attr,
  //     pa_stream_flags_t flags, const pa_cvolume *volume, pa_stream *sync_stream);
  pa_stream_connect_playback: {
    parameters: ["pointer", "buffer", "buffer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // int pa_stream_disconnect(pa_stream *s);
  pa_stream_disconnect: { parameters: ["pointer"], result: "i32" },
  // void pa_stream_unref(pa_stream *s);
  pa_stream_unref: { parameters: ["pointer"], result: "void" },
  // pa_stream_state_t pa_stream_get_state(const pa_stream *p);
  pa_stream_get_state: { parameters: ["pointer"], result: "i32" },
  // int pa_stream_is_suspended(const pa_stream *s);
  pa_stream_is_suspended: { parameters: ["pointer"], result: "i32" },
  // const char *pa_stream_get_device_name(const pa_stream *s);
  pa_stream_get_device_name: { parameters: ["pointer"], result: "pointer" },
  // int pa_stream_get_latency(pa_stream *s, pa_usec_t *r_usec, int *negative);
  pa_stream_get_latency: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  // int pa_stream_peek(pa_stream *p, const void **data, size_t *nbytes);
  pa_stream_peek: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  // int pa_stream_drop(pa_stream *p);
  pa_stream_drop: { parameters: ["pointer"], result: "i32" },
  // size_t pa_stream_writable_size(const pa_stream *p);
  pa_stream_writable_size: { parameters: ["pointer"], result: "usize" },
  // int pa_stream_write(pa_stream *p, const void *data, size_t nbytes, pa_free_cb_t free_cb,
  //     int64_t offset, pa_seek_mode_t seek);
  pa_stream_write: {
    parameters: ["pointer", "buffer", "usize", "pointer", "i64", "i32"],
    result: "i32",
  },
  // pa_operation *pa_stream_trigger(pa_stream *s, pa_stream_success_cb_t cb, void *userdata);
  pa_stream_trigger: { parameters: ["pointer", "pointer", "pointer"], result: "pointer" },
  // int64_t pa_stream_get_underflow_index(const pa_stream *p);
  pa_stream_get_underflow_index: { parameters: ["pointer"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of libpulse. */
export type Pulse = Deno.DynamicLibrary<typeof PULSE_SYMBOLS>["symbols"];

/** By number, <pulse/def.h> pa_error_code. */
const ERRORS: Readonly<Record<number, string>> = {
  1: "PA_ERR_ACCESS",
  3: "PA_ERR_INVALID",
  5: "PA_ERR_NOENTITY",
  6: "PA_ERR_CONNECTIONREFUSED",
  7: "PA_ERR_PROTOCOL",
  8: "PA_ERR_TIMEOUT",
  9: "PA_ERR_AUTHKEY",
  11: "PA_ERR_CONNECTIONTERMINATED",
  12: "PA_ERR_KILLED",
  13: "PA_ERR_INVALIDSERVER",
  15: "PA_ERR_BADSTATE",
  17: "PA_ERR_VERSION",
  18: "PA_ERR_TOOLARGE",
  19: "PA_ERR_NOTSUPPORTED",
  25: "PA_ERR_IO",
  26: "PA_ERR_BUSY",
};

let opened: Pulse | undefined;

/** libpulse, opened once and kept; see {@linkcode openLibrary} for what it throws. */
export function openPulse(): Pulse {
  return opened ??= openLibrary(LIBPULSE, PULSE_SYMBOLS).symbols;
}

/** Such as `16.1.0`. @throws {LibraryMissing} when libpulse is not here */
export function pulseVersion(): string {
  return text(openPulse().pa_get_library_version());
}

/** The error for a code of libpulse, negative or not; its `code` is the constant's name. */
export function pulseError(action: string, number: number): SystemCallError {
  const positive = Math.abs(number);
  const code = ERRORS[positive] ?? `PA_ERR_${positive}`;
  const said = text(openPulse().pa_strerror(positive));
  return new SystemCallError(
    `Cannot ${action}: PulseAudio says "${said}" (${code}); see what "pactl info" says`,
    code,
  );
}

/** A C string, "" for none. */
export function text(unsafeText: Deno.PointerValue): string {
  return unsafeText === null ? "" : Deno.UnsafePointerView.getCString(unsafeText);
}

/** A string as C has it; `null` stays. */
export function cString(value: string | null): Uint8Array<ArrayBuffer> | null {
  return value === null ? null : new TextEncoder().encode(`${value}\0`);
}
