/** Data channels on werift's SCTP association. */
import { Buffer } from "node:buffer";
import type { RTCSctpTransport } from "werift";
import { ChannelTable, type SctpLink } from "./channels.ts";

type Sctp = RTCSctpTransport["sctp"];
interface Inside {
  outboundQueue: { streamId: number; userData: Uint8Array }[];
  reconfigQueue: number[];
}

export function weriftChannels(transport: RTCSctpTransport, isClient: () => boolean): ChannelTable {
  const sctp: Sctp = transport.sctp;
  const inside = sctp as unknown as Inside;
  const link: SctpLink = {
    send: (streamId, ppid, data, { ordered, maxRetransmits }) => {
      sctp.send(streamId, ppid, Buffer.from(data.buffer, data.byteOffset, data.byteLength), {
        ordered,
        maxRetransmits: maxRetransmits ?? undefined,
      }).catch(() => {});
    },
    bufferedAmount: (streamId) =>
      inside.outboundQueue.reduce((n, c) => c.streamId === streamId ? n + c.userData.length : n, 0),
    reset: (ids) => {
      inside.reconfigQueue.push(...ids);
      sctp.transmitReconfigRequest().catch(() => {});
    },
  };
  const table = new ChannelTable(link);
  sctp.onReceive.allUnsubscribe();
  sctp.onReceive.subscribe((streamId, ppid, data) =>
    table.handleMessage(streamId, ppid, new Uint8Array(data))
  );
  sctp.onReconfigStreams.allUnsubscribe();
  sctp.onReconfigStreams.subscribe((ids) => table.handleReset(ids));
  sctp.stateChanged.connected.subscribe(() => table.handleEstablished(isClient()));
  sctp.stateChanged.closed.subscribe(() => table.handleClosed());
  sctp.flush.subscribe(() => table.handleDrain());
  return table;
}
