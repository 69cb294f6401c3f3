/** Offers that no friend sends: every one is to be answered or refused, and to cost nothing. */
import { mutate, seeded } from "../wire/feed.ts";

/** An offer that somebody else's software made; `name` is a file in fixtures. */
export function readOffer(name: "chromium" | "aiortc"): string {
  const path = new URL(`./fixtures/${name}_offer.txt`, import.meta.url);
  return Deno.readTextFileSync(path).replaceAll("\n", "\r\n");
}

/** What is posted, and what it is called when a test fails. */
export interface Hostile {
  readonly name: string;
  readonly body: string;
}

/** More than a hundred offers, the same in every run. */
export function hostileOffers(): Hostile[] {
  const good = readOffer("chromium");
  const found: Hostile[] = [];
  const add = (name: string, sdp: unknown) =>
    found.push({ name, body: JSON.stringify({ type: "offer", sdp }) });
  const next = seeded(7);
  for (let i = 0; i < 30; i++) {
    const end = next() % good.length;
    add(`cut after ${end} characters`, good.slice(0, end));
  }
  for (let i = 0; i < 30; i++) add(`mutated, ${i}`, mutate(good, next, 1 + i));
  for (let i = 0; i < 10; i++) add(`shuffled, ${i}`, shuffled(good, next));
  for (const [name, change] of Object.entries(CHANGES)) add(name, change(good));
  const bodies = ["", "{", "null", "1", "[]", '{"type":"offer"}', "\0", "x".repeat(200_000)];
  for (const body of bodies) found.push({ name: `body ${body.slice(0, 20)}`, body });
  return found;
}

const CANDIDATE = "a=candidate:526762515 1 udp 2113937151 192.0.2.2 41756 typ host";

/** Each changes a good offer into a bad one, or into one that is merely odd. */
const CHANGES: Record<string, (sdp: string) => string> = {
  "200 good candidates": (s) =>
    behind(s, "a=mid:0", ...range(200, (i) => CANDIDATE.replace("41756", `${i + 1_024}`))),
  "250 candidates of names": (s) =>
    behind(s, "a=mid:0", ...range(250, (i) => CANDIDATE.replace("192.0.2.2", `${i}.local`))),
  "candidates of every wrong kind": (s) =>
    behind(
      s,
      "a=mid:0",
      CANDIDATE.replace("host", "prflx"),
      CANDIDATE.replace("41756", "99999"),
      CANDIDATE.replace("udp", "tcp"),
      CANDIDATE.replace("192.0.2.2", "nowhere"),
      CANDIDATE.replace("192.0.2.2", "224.0.0.1"),
      "a=candidate:",
      "a=candidate",
      "a=end-of-candidates",
    ),
  "hidden candidates only, and their end": (s) =>
    behind(without(s, "a=candidate"), "a=mid:0", "a=candidate:1 1 udp 1 x.local 9 typ host")
      .replaceAll("a=ice-options", "a=end-of-candidates\r\na=ice-options"),
  "nearly as long as allowed": (s) => s + `a=x:${"y".repeat(4_000)}\r\n`.repeat(14),
  "longer than allowed": (s) => s + "a=x:y\r\n".repeat(10_000),
  "one endless line": (s) => `${s}a=x:${"y".repeat(30_000)}\r\n`,
  "40 media sections": (s) => s + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:9\r\n".repeat(40),
  "20 further videos": (s) => s + range(20, (i) => furtherVideo(s, `v${i}`)).join(""),
  "fingerprint too short": (s) => s.replaceAll(/(a=fingerprint:sha-256) .*/g, "$1 00:11"),
  "fingerprint of no hash": (s) => s.replaceAll("a=fingerprint:sha-256", "a=fingerprint:md9"),
  "fingerprint without a value": (s) => s.replaceAll(/(a=fingerprint:sha-256) .*/g, "$1"),
  "fingerprint without anything": (s) => s.replaceAll(/(a=fingerprint:).*/g, "$1"),
  "fingerprint of something else": (s) => s.replaceAll("8E:28:BB", "00:00:00"),
  "setup of no kind": (s) => s.replaceAll("a=setup:actpass", "a=setup:banana"),
  "setup from a prototype": (s) => s.replaceAll("a=setup:actpass", "a=setup:constructor"),
  "setup holdconn": (s) => s.replaceAll("a=setup:actpass", "a=setup:holdconn"),
  "setup active": (s) => s.replaceAll("a=setup:actpass", "a=setup:active"),
  "setup passive": (s) => s.replaceAll("a=setup:actpass", "a=setup:passive"),
  "no setup": (s) => without(s, "a=setup"),
  "two setups": (s) => s.replace("a=setup:actpass", "a=setup:active\r\na=setup:passive"),
  "no codec that we have": (s) => s.replaceAll("VP8/", "VP0/"),
  "codecs without names": (s) => without(s, "a=rtpmap"),
  "payload types that are none": (s) => s.replace(/(m=video \d+ \S+) .*/, "$1 999 -1 x 96.5"),
  "no payload types": (s) => s.replace(/(m=video \d+ \S+) .*/, "$1 "),
  "parameters of an unknown codec": (s) => behind(s, "a=mid:0", "a=fmtp:77 x=y", "a=fmtp:"),
  "attributes without values": (s) =>
    behind(s, "a=mid:0", "a=rtpmap", "a=fmtp", "a=extmap", "a=ssrc", "a=rid", "a=rtcp", "a=mid"),
  "attributes with half values": (s) =>
    behind(
      s,
      "a=mid:0",
      "a=rtpmap:96",
      "a=extmap:1",
      "a=ssrc:1",
      "a=rid:x",
      "a=ssrc-group:",
      "a=rtcp-fb:96",
    ),
  "extensions of every number": (s) =>
    behind(s, "a=mid:0", ...range(300, (i) => `a=extmap:${i} urn:x:${i}`)),
  "simulcast": (s) =>
    behind(s, "a=mid:0", "a=rid:a recv", "a=rid:b send", "a=simulcast:recv a;b send ~c"),
  "no data section": (s) =>
    s.slice(0, s.indexOf("m=application")).replace("BUNDLE 0 1", "BUNDLE 0"),
  "data section only": (s) => withoutSection(s, "m=video").replace("BUNDLE 0 1", "BUNDLE 1"),
  "sound only": (s) =>
    withoutSection(s, "m=application").replace("m=video", "m=audio").replaceAll(
      "VP8/90000",
      "opus/48000/2",
    ),
  "text": (s) => s.replace("m=video", "m=text"),
  "two data sections": (s) => s + s.slice(s.indexOf("m=application")).replace("a=mid:1", "a=mid:2"),
  "media line that is none": (s) => s.replace("m=video 41756 ", "m=video "),
  "media line in lower case": (s) => s.replace("UDP/TLS/RTP/SAVPF", "udp/tls/rtp/savpf"),
  "rejected sections": (s) =>
    s.replace("m=video 41756", "m=video 0").replace("m=application 51014", "m=application 0"),
  "rejected data section": (s) => s.replace("m=application 51014", "m=application 0"),
  "ports that are none": (s) => s.replace("m=video 41756", "m=video 99999999999"),
  "the same mid twice": (s) => s.replace("a=mid:1", "a=mid:0"),
  "no mids": (s) => without(s, "a=mid"),
  "mids from a prototype": (s) =>
    s.replace("a=mid:1", "a=mid:__proto__").replace("BUNDLE 0 1", "BUNDLE 0 __proto__"),
  "a mid of 4000 characters": (s) => s.replaceAll("a=mid:0", `a=mid:${"0".repeat(4_000)}`),
  "bundle of unknown mids": (s) => s.replace("BUNDLE 0 1", "BUNDLE 7 8 9"),
  "bundle of nothing": (s) => s.replace("BUNDLE 0 1", "BUNDLE"),
  "no bundle": (s) => without(s, "a=group"),
  "two bundles": (s) => s.replace("BUNDLE 0 1", "BUNDLE 0\r\na=group:BUNDLE 1"),
  "sections with keys of their own": (s) => {
    const at = s.indexOf("m=application");
    return s.slice(0, at) + s.slice(at).replace(/a=ice-ufrag:.*/, "a=ice-ufrag:Zzzz");
  },
  "no bundle, and keys of their own": (s) =>
    CHANGES["sections with keys of their own"]!(without(s, "a=group")),
  "data port of zero": (s) => s.replace("a=sctp-port:5000", "a=sctp-port:0"),
  "data port that is none": (s) => s.replace("a=sctp-port:5000", "a=sctp-port:x"),
  "data port too large": (s) => s.replace("a=sctp-port:5000", "a=sctp-port:70000"),
  "no data port": (s) => without(s, "a=sctp-port"),
  "messages of no size": (s) => s.replace("max-message-size:262144", "max-message-size:x"),
  "messages of negative size": (s) => s.replace("max-message-size:262144", "max-message-size:-1"),
  "no size of messages": (s) => without(s, "a=max-message-size"),
  "empty name and password": (s) => s.replaceAll(/(a=ice-(ufrag|pwd):).*/g, "$1"),
  "password of 4000 characters": (s) => s.replaceAll(/(a=ice-pwd:).*/g, `$1${"x".repeat(4_000)}`),
  "a lite agent": (s) => s.replace("a=extmap-allow-mixed", "a=ice-lite"),
  "connection lines that are none": (s) => s.replaceAll(/c=IN.*/g, "c=IN IP9 ..."),
  "carriage returns in lines": (s) => s.replace("a=mid:0", "a=mid:0\ra=x\rm=audio 0 x 0"),
  "only line feeds": (s) => s.replaceAll("\r\n", "\n"),
  "a zero byte": (s) => s.replace("a=mid:0", "a=mid:\0"),
  "not in ASCII": (s) => s.replaceAll("a=mid:0", "a=mid:ü🤖\ud800"),
  "directions that contradict": (s) =>
    behind(s, "a=mid:0", "a=inactive", "a=sendrecv", "a=sendonly"),
};

function range<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function behind(sdp: string, line: string, ...more: string[]): string {
  return sdp.replace(`${line}\r\n`, () => [line, ...more].join("\r\n") + "\r\n");
}

function without(sdp: string, beginning: string): string {
  return sdp.split("\r\n").filter((line) => !line.startsWith(beginning)).join("\r\n");
}

function withoutSection(sdp: string, beginning: string): string {
  return sdp.split(/(?=^m=)/m).filter((section) => !section.startsWith(beginning)).join("");
}

function furtherVideo(sdp: string, mid: string): string {
  const video = sdp.slice(sdp.indexOf("m=video"), sdp.indexOf("m=application"));
  return video.split("\r\n").filter((line) =>
    /^(m=|c=|a=(ice|finger|setup|recvonly|rtcp-mux|rtpmap:96))/.test(line)
  ).concat(`a=mid:${mid}`, "").join("\r\n");
}

function shuffled(sdp: string, next: () => number): string {
  const [head, ...lines] = sdp.trimEnd().split("\r\n");
  for (let i = lines.length - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [lines[i], lines[j]] = [lines[j]!, lines[i]!];
  }
  return [head, ...lines].join("\r\n") + "\r\n";
}
