/**
 * The signaling service, where robots and viewers find each other; see `.github/SIGNALING.md`.
 *
 * ```ts no-assert
 * import { createSignaling, serveSignaling } from "rtcbot";
 *
 * const serve = () => serveSignaling(createSignaling({ log: console.log }), { port: 8080 });
 * ```
 *
 * @module
 */
export type {
  AskOptions,
  Broker,
  Claim,
  ClaimOptions,
  Holder,
  OfferMessage,
  OfferReply,
  Presence,
  SecretStore,
} from "./broker.ts";
export type { Clock } from "./clock.ts";
export { MemoryBroker, MemorySecrets, type MemorySecretsOptions } from "./memory_broker.ts";
export type { SignalingIceServer } from "./protocol.ts";
export { RedisBroker } from "./redis_broker.ts";
export type { RedisOptions } from "./redis_link.ts";
export { RedisSecrets } from "./redis_secrets.ts";
export type { SignalingLimits } from "./service/limits.ts";
export * from "./service/server.ts";
export type { IceClient, SignalingEvent, SignalingOptions } from "./service/settings.ts";
export { createSignaling, type Signaling } from "./service/signaling.ts";
