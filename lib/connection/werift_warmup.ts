/**
 * The first connection of a process takes ten times as long as the others, since all code that it runs
 * is read and compiled on the way. So a connection of the process with itself is made beforehand.
 */
import type * as Werift from "werift";

/** It is given up when it takes longer; nothing depends on it. */
const PATIENCE_MS = 5_000;
const CHANNEL = { negotiated: true, id: 1 } as const;

let warming: Promise<void> | undefined;

/**
 * Connects two ends of this process over the loopback interface, once, and closes them: a third of a
 * second of CPU and two UDP sockets for that time. Never rejects.
 */
export function warmUp(werift: typeof Werift): Promise<void> {
  return warming ??= connectToItself(werift).catch(() => {});
}

async function connectToItself(werift: typeof Werift): Promise<void> {
  await werift.RTCDtlsTransport.SetupCertificate();
  const ends = [0, 1].map(() =>
    new werift.RTCPeerConnection({
      iceServers: [],
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      codecs: { video: [werift.useVP8()], audio: [] },
    })
  ) as [Werift.RTCPeerConnection, Werift.RTCPeerConnection];
  const [offerer, answerer] = ends;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<void>((done) => timer = setTimeout(done, PATIENCE_MS));
    const opened = ends.map((end) => {
      const channel = end.createDataChannel("", CHANNEL);
      return new Promise<void>((done) =>
        channel.stateChanged.subscribe((state) => state === "open" && done())
      );
    });
    offerer.addTransceiver("video", { direction: "recvonly" });
    await offerer.setLocalDescription(await offerer.createOffer());
    await answerer.setRemoteDescription(offerer.localDescription!);
    await answerer.setLocalDescription(await answerer.createAnswer());
    await offerer.setRemoteDescription(answerer.localDescription!);
    await Promise.race([Promise.all(opened), late]);
  } finally {
    clearTimeout(timer);
    await Promise.all(ends.map((end) => end.close()));
  }
}
