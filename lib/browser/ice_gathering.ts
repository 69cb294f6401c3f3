/// <reference lib="dom" />
/**
 * Descriptions carry all candidates (RTCBot's signaling has no trickle), so the offer has to wait for
 * them. A STUN server that does not answer would keep gathering busy for about 10 s in Chromium (up to
 * 39.5 s by RFC 8489, 6.2.1), long after every candidate that matters is known.
 */

/** How long to wait for more, once there is a candidate: a STUN answer takes one round trip. */
const PATIENCE_MS = 1000;
/** With a TURN server: allocating with authentication takes three round trips or more, over TCP and TLS too. */
const PATIENCE_WITH_TURN_MS = 3000;

/** Resolves when gathering is complete, or can be taken as such. Rejects when `signal` aborts. */
export function gatherCandidates(pc: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  const patienceMs = usesTurn(pc) ? PATIENCE_WITH_TURN_MS : PATIENCE_MS;
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const finish = () => {
      clearTimeout(timer);
      pc.removeEventListener("icecandidate", onCandidate);
      pc.removeEventListener("icegatheringstatechange", onState);
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    const onState = () => {
      if (pc.iceGatheringState === "complete") finish();
    };
    const onCandidate = (event: RTCPeerConnectionIceEvent) => {
      if (event.candidate === null) finish();
      else if (event.candidate.candidate) timer ??= setTimeout(finish, patienceMs);
    };
    const onAbort = () => {
      finish();
      reject(signal.reason);
    };
    pc.addEventListener("icecandidate", onCandidate);
    pc.addEventListener("icegatheringstatechange", onState);
    signal.addEventListener("abort", onAbort);
  });
}

function usesTurn(pc: RTCPeerConnection): boolean {
  const servers = pc.getConfiguration().iceServers ?? [];
  return servers.some(({ urls }) => [urls].flat().some((url) => /^turns?:/i.test(url)));
}
