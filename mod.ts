export * from "./lib/errors.ts";
export * from "./lib/subscriptions/mod.ts";
export * from "./lib/connection/rtc_connection.ts";
export * from "./lib/media/video_frame.ts";
