/** What the media sections of a description say that routing packets needs (RFC 8866, 8843, 5576). */

/** A section that begins with `m=`. */
export interface MediaSection {
  /** `video`, `audio` or `application`. */
  readonly kind: string;
  /** Its name, by `a=mid`; null when it has none. */
  readonly mid: string | null;
  /** Whether the description's author sends in it. */
  readonly sends: boolean;
  /** Whether the description's author receives in it. */
  readonly receives: boolean;
  /** The streams it announces, in its order, without those of retransmissions. */
  readonly ssrcs: readonly number[];
  /** Streams of retransmissions (`a=ssrc-group:FID`), and what they repeat. */
  readonly retransmits: ReadonlyMap<number, number>;
  /** Payload types, those that the author likes best first. */
  readonly payloadTypes: readonly number[];
  /** The name of the stream that its track is of, by `a=msid` (RFC 8830); null when it has none. */
  readonly streamId: string | null;
}

/** So many streams are remembered of one section. */
const MAX_STREAMS = 16;

/** Reads the sections in their order; what makes no sense is left out. */
export function readMediaSections(sdp: string): MediaSection[] {
  return sdp.split(/^m=/m).slice(1).map((text) => readSection(text.split(/\r?\n/)));
}

/**
 * The description without its places for data channels, and without their names in the bundle (RFC 9143).
 *
 * @param sdp lines that end in CR LF
 */
export function withoutData(sdp: string): string {
  const [session = "", ...sections] = sdp.split(/^m=/m);
  const kept = sections.filter((section) => !section.startsWith("application "));
  const gone = sections.filter((section) => !kept.includes(section))
    .map((section) => /^a=mid:(\S+)/m.exec(section)?.[1]);
  const bundle = (names: string) =>
    names.split(" ").filter((name) => !gone.includes(name)).join(" ");
  return [
    session.replace(
      /^(a=group:BUNDLE )(.*?)(\r?)$/m,
      (_, head, names, end) => head + bundle(names) + end,
    ),
    ...kept,
  ].join("m=");
}

function readSection(lines: readonly string[]): MediaSection {
  const [kind = "", port = "0", , ...formats] = lines[0]!.trim().split(" ");
  const value = (name: string): string | null =>
    lines.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3).trim() ?? null;
  const direction = lines.map((line) => line.trim())
    .find((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line))?.slice(2) ?? "sendrecv";
  const open = port !== "0" || lines.some((line) => line.trim() === "a=bundle-only"); // RFC 9143
  const retransmits = new Map<number, number>();
  const ssrcs = new Set<number>();
  for (const line of lines) {
    const pair = /^a=ssrc-group:FID (\d+) (\d+)/.exec(line);
    if (pair && retransmits.size < MAX_STREAMS) retransmits.set(Number(pair[2]), Number(pair[1]));
    const single = /^a=ssrc:(\d+)/.exec(line);
    if (single && ssrcs.size < 2 * MAX_STREAMS) ssrcs.add(Number(single[1]));
  }
  return {
    kind,
    mid: value("mid"),
    sends: open && (direction === "sendrecv" || direction === "sendonly"),
    receives: open && (direction === "sendrecv" || direction === "recvonly"),
    ssrcs: [...ssrcs].filter((ssrc) => !retransmits.has(ssrc)),
    retransmits,
    payloadTypes: formats.map(Number),
    streamId: streamIdOf(value("msid")),
  };
}

/** RFC 8830, section 2: `-` is no stream. */
function streamIdOf(msid: string | null): string | null {
  const id = msid?.split(" ")[0];
  return id && id !== "-" ? id : null;
}
