/** Two ends of this process, joined over a relay only; says how. Run by turn_test.ts. */
import { RTCConnection } from "../../mod.ts";
import { join } from "./pair.ts";

const [urls = "", username = "", credential = ""] = Deno.args;
const options = {
  rtcConfiguration: {
    iceServers: [{ urls, username, credential }],
    iceTransportPolicy: "relay",
  },
} as const;
await using a = new RTCConnection(options);
await using b = new RTCConnection(options);
try {
  await join(a, b);
  console.log((await a.describeRoute()).sentences[0]);
} catch (error) {
  console.log((error as Error).message);
}
