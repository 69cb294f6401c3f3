import assert from "node:assert/strict";
import { RemoteProtocolError } from "../../lib/errors.ts";
import { ChannelTable, type SctpLink } from "../../lib/connection/channels.ts";
import type { PeerChannel, PeerChannelListener } from "../../lib/connection/peer.ts";
import { DCEP_ACK, encodeDcepOpen, parseDcepOpen, PPID } from "../../lib/wire/dcep.ts";

interface Sent {
  streamId: number;
  ppid: number;
  data: Uint8Array;
  ordered: boolean;
  maxRetransmits: number | null;
}

/** An association that goes nowhere, and remembers what it was asked for. */
class FakeLink implements SctpLink {
  readonly sent: Sent[] = [];
  readonly resets: number[][] = [];
  waiting = new Map<number, number>();

  send(
    streamId: number,
    ppid: number,
    data: Uint8Array,
    options: { ordered: boolean; maxRetransmits: number | null },
  ): void {
    const { ordered, maxRetransmits } = options;
    this.sent.push({ streamId, ppid, data: new Uint8Array(data), ordered, maxRetransmits });
  }
  bufferedAmount(streamId: number): number {
    return this.waiting.get(streamId) ?? 0;
  }
  reset(streamIds: number[]): void {
    this.resets.push(streamIds);
  }
}

const ORDERED = { label: "a", ordered: true, maxRetransmits: null } as const;
const UNORDERED = { label: "u", ordered: false, maxRetransmits: 0 } as const;

/** Writes down what a channel tells. */
function listen(channel: PeerChannel): string[] {
  const log: string[] = [];
  const listener: PeerChannelListener = {
    opened: () => log.push("opened"),
    message: ({ bytes, text }) => log.push(`${text ? "text" : "binary"} ${[...bytes]}`),
    drained: () => log.push("drained"),
    closed: () => log.push("closed"),
  };
  channel.listener = listener;
  return log;
}

function established(dtlsClient = true): { table: ChannelTable; link: FakeLink } {
  const link = new FakeLink();
  const table = new ChannelTable(link);
  table.handleEstablished(dtlsClient);
  return { table, link };
}

function remoteOpen(table: ChannelTable, streamId: number, label: string): void {
  const open = { label, protocol: "", ordered: true, maxRetransmits: null };
  table.handleMessage(streamId, PPID.dcep, encodeDcepOpen(open) as Uint8Array<ArrayBuffer>);
}

Deno.test("ChannelTable gives even streams to the DTLS client and odd ones to the server", () => {
  for (const [client, wanted] of [[true, [0, 2, 4]], [false, [1, 3, 5]]] as const) {
    const link = new FakeLink();
    const table = new ChannelTable(link);
    table.create(ORDERED);
    table.create(ORDERED);
    assert.deepEqual(link.sent, []); // nothing before the association stands
    table.handleEstablished(client);
    table.create(ORDERED);
    assert.deepEqual(link.sent.map(({ streamId }) => streamId), wanted);
  }
});

Deno.test("ChannelTable uses no stream that is taken, and no number twice in a row", () => {
  const { table, link } = established();
  table.create({ ...UNORDERED, negotiatedId: 2 });
  const first = table.create(ORDERED);
  first.close();
  table.create(ORDERED);
  assert.deepEqual(link.sent.map(({ streamId }) => streamId), [0, 4]);
});

Deno.test("ChannelTable begins with the first streams again after the last", () => {
  const { table, link } = established(false);
  const kept = table.create(ORDERED);
  for (let i = 0; i < 40_000; i++) table.create(ORDERED).close();
  assert.equal(kept.state, "open");
  const used = link.sent.map(({ streamId }) => streamId);
  assert.ok(used.every((id) => id % 2 === 1 && id <= 65_534));
  assert.equal(used.filter((id) => id === 1).length, 1);
  assert.equal(used.filter((id) => id === 3).length, 2);
});

Deno.test("ChannelTable opens a negotiated channel without a word", () => {
  const link = new FakeLink();
  const table = new ChannelTable(link);
  const channel = table.create({ ...UNORDERED, negotiatedId: 254 });
  const log = listen(channel);
  assert.equal(channel.state, "connecting");
  table.handleEstablished(true);
  assert.equal(channel.state, "open");
  assert.deepEqual(log, ["opened"]);
  assert.deepEqual(link.sent, []);
  channel.send({ bytes: Uint8Array.of(1), text: false });
  assert.deepEqual(link.sent, [{
    streamId: 254,
    ppid: PPID.binary,
    data: Uint8Array.of(1),
    ordered: false,
    maxRetransmits: 0,
  }]);
});

Deno.test("ChannelTable opens an ordered channel in-band, and sends on it at once", () => {
  const { table, link } = established();
  const channel = table.create({ ...ORDERED, label: "früh", protocol: "p", maxRetransmits: 3 });
  const [open] = link.sent;
  assert.equal(open!.ppid, PPID.dcep);
  assert.equal(open!.ordered, true);
  assert.equal(open!.maxRetransmits, null); // the message that opens it is not to be lost
  assert.deepEqual(parseDcepOpen(open!.data), {
    label: "früh",
    protocol: "p",
    ordered: true,
    maxRetransmits: 3,
  });
  assert.equal(channel.state, "open");
  channel.send({ bytes: Uint8Array.of(7), text: true });
  assert.equal(link.sent[1]!.ppid, PPID.string);
  assert.equal(link.sent[1]!.maxRetransmits, 3);
});

Deno.test("ChannelTable opens an unordered channel when it is acknowledged, once", () => {
  const { table } = established();
  const channel = table.create(UNORDERED);
  const log = listen(channel);
  assert.equal(channel.state, "connecting");
  assert.throws(
    () => channel.send({ bytes: Uint8Array.of(1), text: true }),
    /^Error: Cannot send on channel "u": it is connecting$/,
  );
  table.handleMessage(0, PPID.dcep, new Uint8Array(DCEP_ACK));
  table.handleMessage(0, PPID.dcep, new Uint8Array(DCEP_ACK));
  assert.equal(channel.state, "open");
  assert.deepEqual(log, ["opened"]);
});

Deno.test("ChannelTable takes a message before the acknowledgement for one", () => {
  const { table } = established();
  const log = listen(table.create(UNORDERED));
  table.handleMessage(0, PPID.string, Uint8Array.of(65));
  table.handleMessage(0, PPID.dcep, new Uint8Array(DCEP_ACK));
  assert.deepEqual(log, ["opened", "text 65"]);
});

Deno.test("ChannelTable carries empty messages, text and binary, both ways", () => {
  const { table, link } = established();
  const channel = table.create(ORDERED);
  const log = listen(channel);
  link.sent.length = 0;
  channel.send({ bytes: new Uint8Array(0), text: true });
  channel.send({ bytes: new Uint8Array(0), text: false });
  assert.deepEqual(link.sent.map(({ ppid, data }) => [ppid, ...data]), [
    [PPID.stringEmpty, 0],
    [PPID.binaryEmpty, 0],
  ]);
  for (const { ppid, data } of link.sent) {
    table.handleMessage(0, ppid, data as Uint8Array<ArrayBuffer>);
  }
  assert.deepEqual(log, ["text ", "binary "]);
});

Deno.test("ChannelTable ignores messages of unknown kinds and on unknown streams", () => {
  const { table, link } = established();
  const log = listen(table.create(ORDERED));
  table.handleMessage(0, 999, Uint8Array.of(1));
  table.handleMessage(77, PPID.string, Uint8Array.of(1));
  table.handleMessage(77, PPID.dcep, new Uint8Array(DCEP_ACK));
  table.handleMessage(77, PPID.dcep, Uint8Array.of(9, 9));
  table.handleMessage(77, PPID.dcep, new Uint8Array(0));
  assert.deepEqual(log, []);
  assert.equal(link.sent.length, 1);
});

Deno.test("ChannelTable accepts a channel of the other end: acknowledged first, then announced", () => {
  const { table, link } = established();
  const labels: string[] = [];
  table.onChannel = (channel) => {
    labels.push(channel.label);
    assert.equal(channel.state, "open");
    channel.send({ bytes: Uint8Array.of(1), text: true });
  };
  remoteOpen(table, 1, "theirs");
  remoteOpen(table, 1, "again"); // its acknowledgement was lost on the way
  assert.deepEqual(labels, ["theirs"]);
  assert.deepEqual(link.sent.map(({ ppid }) => ppid), [PPID.dcep, PPID.string, PPID.dcep]);
  assert.deepEqual(link.sent[0]!.data, DCEP_ACK);
});

Deno.test("ChannelTable throws RemoteProtocolError for an opening that is none", () => {
  const { table, link } = established();
  table.onChannel = () => assert.fail("nothing was opened");
  assert.throws(() => table.handleMessage(1, PPID.dcep, Uint8Array.of(3, 0)), RemoteProtocolError);
  assert.deepEqual(link.sent, []);
});

Deno.test("ChannelTable lets the other end open 256 channels; ours do not count", () => {
  const { table, link } = established();
  const opened: PeerChannel[] = [];
  table.onChannel = (channel) => opened.push(channel);
  for (let i = 0; i < 300; i++) table.create(ORDERED);
  link.sent.length = 0;
  for (let i = 0; i < 256; i++) remoteOpen(table, 2 * i + 1, `${i}`);
  assert.equal(opened.length, 256);
  assert.equal(link.sent.length, 256);
  remoteOpen(table, 1_001, "one too many");
  assert.equal(opened.length, 256);
  assert.equal(link.sent.length, 256); // what is refused is not acknowledged
  assert.deepEqual(link.resets, [[1_001]]);
  opened[0]!.close();
  remoteOpen(table, 1_003, "in its place");
  assert.equal(opened.length, 257);
});

Deno.test("PeerChannel.close() resets the stream once, and tells the listener", () => {
  const { table, link } = established();
  const channel = table.create(ORDERED);
  const log = listen(channel);
  channel.close();
  channel.close();
  assert.deepEqual(log, ["closed"]);
  assert.deepEqual(link.resets, [[0]]);
  table.handleMessage(0, PPID.string, Uint8Array.of(1)); // was on its way
  table.handleReset([0]); // the other end's half
  assert.deepEqual(log, ["closed"]);
  assert.deepEqual(link.resets, [[0]]);
  assert.throws(
    () => channel.send({ bytes: Uint8Array.of(1), text: true }),
    /^Error: Cannot send on channel "a": it is closed$/,
  );
});

Deno.test("PeerChannel.close() before the association stands resets nothing", () => {
  const link = new FakeLink();
  const table = new ChannelTable(link);
  const channels = [table.create(ORDERED), table.create({ ...UNORDERED, negotiatedId: 254 })];
  const logs = channels.map(listen);
  for (const channel of channels) channel.close();
  table.handleEstablished(true);
  assert.deepEqual(logs, [["closed"], ["closed"]]);
  assert.deepEqual([link.sent, link.resets], [[], []]);
});

Deno.test("ChannelTable.handleReset() closes the channels, and resets our half of them together", () => {
  const { table, link } = established();
  const channels = [table.create(ORDERED), table.create(ORDERED), table.create(ORDERED)];
  const logs = channels.map(listen);
  table.handleReset([0, 4, 99]);
  assert.deepEqual(link.resets, [[0, 4]]);
  assert.deepEqual(logs, [["closed"], [], ["closed"]]);
  table.handleReset([99]);
  assert.equal(link.resets.length, 1);
});

Deno.test("ChannelTable.handleDrain() tells every channel; a listener may close them", () => {
  const { table, link } = established();
  const channels = [table.create(ORDERED), table.create(ORDERED)];
  link.waiting.set(2, 500);
  assert.deepEqual(channels.map((channel) => channel.bufferedAmount), [0, 500]);
  const logs = channels.map(listen);
  channels[0]!.listener!.drained = () => channels.forEach((channel) => channel.close());
  table.handleDrain();
  assert.deepEqual(logs, [["closed"], ["closed"]]);
});

Deno.test("ChannelTable.handleClosed() closes every channel without resetting anything", () => {
  const { table, link } = established();
  const logs = [table.create(ORDERED), table.create(UNORDERED)].map(listen);
  table.handleClosed();
  table.handleClosed();
  assert.deepEqual(logs, [["closed"], ["closed"]]);
  assert.deepEqual(link.resets, []);
});

Deno.test("PeerChannel.maxMessageSize is what the other end said", () => {
  const { table } = established();
  const channel = table.create(ORDERED);
  assert.equal(channel.maxMessageSize, 65_536); // RFC 8841, section 6.1
  table.maxMessageSize = 262_144;
  assert.equal(channel.maxMessageSize, 262_144);
});
