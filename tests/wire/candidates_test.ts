import assert from "node:assert/strict";
import { hiddenCandidates, MAX_HIDDEN_CANDIDATES } from "../../lib/wire/candidates.ts";

const uuid = (n: number) => `5b6d1c2e-8d1a-4a5c-9a67-2f6f6b1d3c${(16 + n).toString(16)}`;
const line = (name: string, rest = "typ host generation 0", port = 50_000) =>
  `a=candidate:842163049 1 udp 2113937151 ${name} ${port} ${rest}`;

Deno.test("hiddenCandidates() reads what browsers hide, each once", () => {
  const lines = [
    ...["v=0", line(`${uuid(1)}.local`), line("192.0.2.7"), "m=video 9 UDP/TLS/RTP/SAVPF 96"],
    ...[line(`${uuid(1).toUpperCase()}.LOCAL`), line(`${uuid(2)}.local`)],
    line(`${uuid(1)}.local`, "typ host", 50_001),
  ];
  const common = { foundation: "842163049", priority: 2113937151 };
  assert.deepEqual(hiddenCandidates(lines), [
    { ...common, name: `${uuid(1)}.local`, port: 50_000 },
    { ...common, name: `${uuid(2)}.local`, port: 50_000 },
    { ...common, name: `${uuid(1)}.local`, port: 50_001 },
  ]);
});

Deno.test("hiddenCandidates() asks for nothing but a browser's names", () => {
  for (
    const name of [
      ...["printer.local", "local", ".local", `${uuid(1)}.example.org`, `${uuid(1)}.local.org`],
      ...[`x.${uuid(1)}.local`, `${uuid(1)}.local.`, uuid(1), "192.0.2.7", `${uuid(1)}\n.local`],
      `${uuid(1)}`.replaceAll("-", "") + ".local",
    ]
  ) assert.deepEqual(hiddenCandidates([line(name)]), [], name);
  assert.deepEqual(hiddenCandidates([line(`${uuid(1)}.local`, "typ srflx")]), []);
  assert.deepEqual(hiddenCandidates([line(`${uuid(1)}.local`, "typ host", 0)]), []);
});

Deno.test("hiddenCandidates() takes no more than MAX_HIDDEN_CANDIDATES", () => {
  const lines = Array.from({ length: 100 }, (_, n) => line(`${uuid(n)}.local`));
  assert.equal(hiddenCandidates(lines).length, MAX_HIDDEN_CANDIDATES);
});
