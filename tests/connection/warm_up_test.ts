import assert from "node:assert/strict";

Deno.test("RTCConnection.warmUp() connects the process with itself, and lets it end", async () => {
  const program = new URL("./warm_up_program.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net", "--allow-ffi", program],
    signal: AbortSignal.timeout(30_000), // else it would live for ever
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stdout), "true\noffer\n");
});
