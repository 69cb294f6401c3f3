/** Both channels of sound: Chromium plays and sends one, unless its own description says that it takes two. */

/** The description with `stereo=1` (RFC 7587, section 6.1) at every Opus that does not say. */
export function withStereo(sdp: string): string {
  const types = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000/gim)].map(([, type]) => type);
  return sdp.replace(/^a=fmtp:(\d+) .*$/gm, (line, type: string) => {
    const says = !types.includes(type) || /[ ;]stereo=/.test(line);
    return says ? line : `${line};stereo=1`;
  });
}
