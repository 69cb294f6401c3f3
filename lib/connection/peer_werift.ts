/**
 * A {@linkcode Peer} on werift 0.25.2. What werift does wrong or not at all is mended here and in the
 * `werift_*.ts` files beside; nobody else knows that werift exists.
 *
 * Long because it is where all of those meet: each part of it only says which of them does what.
 */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import { ConnectionLost, NegotiationError } from "../errors.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import type { HiddenCandidate } from "../wire/candidates.ts";
import type { Description } from "../wire/description.ts";
import { type MediaSection, readMediaSections } from "../wire/media_sections.ts";
import { type RouteFindings, serverProblems } from "../wire/route.ts";
import type {
  Peer,
  PeerAudioSender,
  PeerChannel,
  PeerChannelOptions,
  PeerFactory,
  PeerListener,
  PeerState,
  PeerVideoSender,
  RTCConfiguration,
  WantedMedia,
} from "./peer.ts";
import { SctpDriver } from "./sctp_driver.ts";
import { agreeOnAudio, audioParameters, WeriftAudioSender } from "./werift_audio.ts";
import { readIceServers } from "./ice_servers.ts";
import { hostAddresses, watchAddresses } from "./werift_addresses.ts";
import { loadWerift } from "./werift_engine.ts";
import { Gathering } from "./werift_gathering.ts";
import { HiddenAddresses } from "./werift_hidden.ts";
import { probePeer } from "./werift_liveness.ts";
import {
  acceptVideo,
  agreeOnVideo,
  offerSending,
  placeSenders,
  withFurther,
} from "./werift_negotiation.ts";
import { readPaths } from "./werift_route.ts";
import { lastHeard, trafficOf } from "./werift_records.ts";
import { bypassReceiver, WeriftReceivers } from "./werift_receive.ts";
import { videoParameters, WeriftVideoSender } from "./werift_video.ts";

/** What we accept in one message, said in the description. */
const MAX_MESSAGE_SIZE = 262_144;

/** Makes a werift peer. */
export const createWeriftPeer: PeerFactory = async (configuration, listener) =>
  new WeriftPeer(await loadWerift(), configuration, listener);

class WeriftPeer implements Peer {
  readonly #werift: typeof Werift;
  readonly #pc: Werift.RTCPeerConnection;
  readonly #listener: PeerListener;
  readonly #dtls: Werift.RTCDtlsTransport;
  readonly #ice: object;
  readonly #onlyRelays: boolean;
  readonly #gathering: Gathering;
  readonly #hidden = new HiddenAddresses();
  readonly #sctp: SctpDriver;
  #state: PeerState = "new";
  #routeAtEnd: RouteFindings | null = null;
  #stopWatching = () => {};
  readonly #receivers: WeriftReceivers;
  readonly #ours = new Set<Werift.RTCRtpTransceiver>();
  readonly #videos = new Map<Werift.RTCRtpTransceiver, WeriftVideoSender>();
  readonly #videoCodecs: Werift.RTCRtpCodecParameters[];

  constructor(
    werift: typeof Werift,
    configuration: Required<RTCConfiguration>,
    listener: PeerListener,
  ) {
    this.#werift = werift;
    this.#listener = listener;
    const onlyRelays = this.#onlyRelays = configuration.iceTransportPolicy === "relay";
    const { codecs, headerExtensions } = videoParameters(werift);
    this.#videoCodecs = withFurther(werift, codecs);
    this.#pc = new werift.RTCPeerConnection({
      iceServers: [], // asked by `Gathering`
      bundlePolicy: "max-bundle",
      iceUseIpv4: false, // finding addresses itself would need --allow-sys
      iceUseIpv6: false,
      iceAdditionalHostAddresses: onlyRelays ? [] : hostAddresses(),
      maxMessageSize: MAX_MESSAGE_SIZE,
      codecs: { video: this.#videoCodecs, audio: audioParameters(werift) },
      headerExtensions: { video: headerExtensions, audio: [werift.useSdesMid()] },
    });
    // Makes the SCTP section. The channel itself never opens: the association is ours, not werift's.
    this.#pc.createDataChannel("", { negotiated: true, id: 65_534 });
    const transport = this.#pc.sctpTransport!;
    const dtls = this.#dtls = transport.dtlsTransport;
    this.#ice = dtls.iceTransport.connection;
    const servers = readIceServers(configuration.iceServers)
      .filter(({ kind }) => kind === "turn" || !onlyRelays);
    this.#gathering = new Gathering(werift, this.#ice, servers);
    this.#receivers = new WeriftReceivers(werift, dtls, () => this.#pc.getTransceivers());
    this.#sctp = this.#replaceSctp(transport);
    this.#sctp.channels.onChannel = (channel) => this.#listener.channel(channel);
    dtls.onStateChange.subscribe((state) => {
      if (state === "connected" && this.#state !== "closed") {
        if (this.hasData) this.#sctp.start(this.#pc.sctpRemotePort!);
        this.#watchAddress();
        this.#setState("connected");
      }
      if (state === "closed") this.#lost("closed");
    });
    this.#pc.connectionStateChange.subscribe((state) => {
      if (state === "connecting") this.#setState("connecting");
      if (state === "failed") this.#lost("failed");
    });
  }

  createChannel(options: PeerChannelOptions): PeerChannel {
    return this.#sctp.channels.create(options);
  }

  addVideoSender(name: string, wished: readonly VideoCodecName[]): PeerVideoSender {
    const stream = new this.#werift.MediaStream({ id: name });
    const transceiver = this.#pc.addTransceiver("video", {
      direction: "sendonly",
      streams: [stream],
    });
    this.#ours.add(transceiver);
    const sender = new WeriftVideoSender(this.#werift, transceiver, this.#dtls, wished);
    this.#videos.set(transceiver, sender);
    return sender;
  }

  addAudioSender(name: string): PeerAudioSender {
    const stream = new this.#werift.MediaStream({ id: name });
    const transceiver = this.#pc.addTransceiver("audio", {
      direction: "sendonly",
      streams: [stream],
    });
    this.#ours.add(transceiver);
    return new WeriftAudioSender(this.#werift, transceiver);
  }

  async offer(wanted: WantedMedia): Promise<Description> {
    for (const kind of ["video", "audio"] as const) {
      const senders = [...this.#ours].filter((sender) => sender.kind === kind);
      for (let i = 0; i < wanted[kind]; i++) {
        if (senders[i]) senders[i]!.setDirection("sendrecv");
        else this.#pc.addTransceiver(kind, { direction: "recvonly" });
      }
    }
    for (const [transceiver, { wished }] of this.#videos) {
      offerSending(transceiver, this.#videoCodecs, wished);
    }
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    return this.#localDescription("offer");
  }

  async answer(offer: Description): Promise<Description> {
    const sections = readMediaSections(offer.sdp);
    await this.#negotiate("the offer", async () => {
      placeSenders([...this.#ours], offer.sdp);
      await this.#pc.setRemoteDescription(offer);
      const { media } = this.#werift.SessionDescription.parse(offer.sdp);
      for (const transceiver of this.#pc.getTransceivers()) {
        const section = sections.find(({ mid }) => mid === transceiver.mid);
        if (transceiver.kind === "audio") {
          agreeOnAudio(transceiver, section, this.#ours.has(transceiver));
          continue;
        }
        const offered = media.find(({ rtp }) => rtp.muxId === transceiver.mid)?.rtp.codecs ?? [];
        const sender = this.#videos.get(transceiver);
        const agreed = agreeOnVideo(transceiver, section, offered, sender?.wished ?? null);
        if (agreed.refusal !== null && !section?.sends) throw new Error(agreed.refusal);
        sender?.agree(agreed);
      }
      await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    });
    this.#receive(sections);
    return this.#localDescription("answer");
  }

  async accept(answer: Description): Promise<void> {
    const sections = readMediaSections(answer.sdp);
    await this.#negotiate("the answer", async () => {
      await this.#pc.setRemoteDescription(answer);
      for (const [transceiver, sender] of this.#videos) {
        const section = sections.find(({ mid }) => mid === transceiver.mid);
        const agreed = acceptVideo(transceiver, section, sender.wished);
        if (agreed.refusal !== null && !section?.sends) throw new Error(agreed.refusal);
        sender.agree(agreed);
      }
    });
    this.#receive(sections);
  }

  get hasData(): boolean {
    return this.#pc.sctpRemotePort !== undefined;
  }

  get lastHeardMs(): number {
    return lastHeard(this.#dtls);
  }

  get traffic(): { bytesSent: number; bytesReceived: number } {
    return trafficOf(this.#dtls);
  }

  get route(): RouteFindings {
    return this.#routeAtEnd ?? {
      paths: readPaths(this.#ice),
      servers: this.#gathering.servers,
      names: this.#hidden.names,
    };
  }

  addHidden(candidates: readonly HiddenCandidate[]): void {
    if (this.#onlyRelays || this.#state === "closed") return;
    this.#hidden.add(this.#werift, this.#ice, candidates, hostAddresses());
  }

  probe(): void {
    probePeer(this.#dtls);
  }

  async close(): Promise<void> {
    this.#routeAtEnd = this.route;
    this.#setState("closed");
    this.#stopWatching();
    this.#gathering.close();
    this.#hidden.close();
    this.#receivers.close();
    this.#sctp.close();
    await this.#pc.close();
  }

  /** Makes receivers for the sections in which both ends have agreed that the other one sends. */
  #receive(sections: readonly MediaSection[]): void {
    const all = () => this.#pc.getTransceivers();
    for (const transceiver of all()) {
      bypassReceiver(this.#werift, transceiver, all);
      const section = sections.find(({ mid }) => mid !== null && mid === transceiver.mid);
      const receives = ["recvonly", "sendrecv"].includes(transceiver.direction);
      if (!section?.sends || !receives) continue;
      if (transceiver.kind === "video") {
        const receiver = this.#receivers.addVideo(transceiver, section);
        if (receiver) this.#listener.video(receiver);
      } else {
        const receiver = this.#receivers.addAudio(transceiver, section);
        if (receiver) this.#listener.audio(receiver);
      }
    }
  }

  #localDescription(type: Description["type"]): Description {
    const { servers } = this.route;
    if (this.#onlyRelays && servers.every(({ outcome }) => outcome === "failed")) {
      throw new ConnectionLost(
        "Cannot connect over relays alone: no TURN server gives one" + serverProblems({ servers }),
      );
    }
    return { type, sdp: this.#pc.localDescription!.sdp };
  }

  async #negotiate(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.#sctp.channels.maxMessageSize = this.#pc.sctpTransport!.remoteMaxMessageSize || Infinity;
    } catch (cause) {
      const why = (cause as Error).message;
      throw new NegotiationError(`Cannot negotiate: ${what} was refused (${why})`, { cause });
    }
  }

  /**
   * werift's association loses messages and holds commands back for a second after a lost packet, so
   * ours runs in its place, on werift's DTLS.
   */
  #replaceSctp(transport: Werift.RTCSctpTransport): SctpDriver {
    const dtls = transport.dtlsTransport;
    const driver = new SctpDriver({
      localPort: transport.port,
      maxMessageSize: MAX_MESSAGE_SIZE,
      isDtlsClient: () => dtls.role === "client",
      // A packet that cannot leave is a lost packet, and is sent again.
      sendPacket: ({ buffer, byteOffset, length }) =>
        void dtls.sendData(Buffer.from(buffer, byteOffset, length)).catch(() => {}),
      closed: (error) => this.#lost(error ? "failed" : "closed", error),
    });
    dtls.dataReceiver = (packet) => driver.receive(packet);
    transport.start = () => Promise.resolve();
    const manager = this.#pc as unknown as { sctpManager: { connectSctp(): Promise<void> } };
    manager.sctpManager.connectSctp = () => Promise.resolve();
    return driver;
  }

  #watchAddress(): void {
    const atFirst = hostAddresses();
    const local = () => this.route.paths.find(({ selected }) => selected)?.local;
    // A relay is spoken to from whichever address of ours leads there.
    const ours = () => {
      const { type, address } = local() ?? {};
      return type === "relay" || !address ? atFirst : [address];
    };
    this.#stopWatching = watchAddresses(ours, () => {
      const which = ours().join(", ");
      this.#lost(
        "failed",
        new ConnectionLost(
          `Cannot stay connected: this machine's address ${which} is gone; connect again`,
        ),
      );
    });
  }

  #setState(state: PeerState): void {
    if (this.#state === state || this.#state === "closed" || this.#state === "failed") return;
    this.#state = state;
    this.#listener.state(state);
  }

  #lost(how: "closed" | "failed", error?: Error): void {
    if (this.#state === "closed" || this.#state === "failed") return;
    this.#routeAtEnd = this.route;
    this.#state = how;
    this.#stopWatching();
    this.#sctp.channels.handleClosed();
    if (how === "closed") return this.#listener.state(how);
    this.#listener.state(
      how,
      error ?? new ConnectionLost(
        "Cannot connect: no path to the other end was found; try another network or a TURN server" +
          serverProblems(this.#routeAtEnd),
      ),
    );
  }
}
