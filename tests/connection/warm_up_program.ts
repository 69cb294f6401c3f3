/** For warm_up_test.ts: must end by itself. */
import { RTCConnection } from "../../mod.ts";

const first = RTCConnection.warmUp();
console.log(first === RTCConnection.warmUp());
await first;
const conn = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
console.log((await conn.getLocalDescription()).type);
conn.close();
