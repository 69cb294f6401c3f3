/** A robot that stays at a service: `robot.ts <url>`. Says what happens, one JSON line each. */
import { ReachableRobot, RTCConnection } from "../../mod.ts";
import { SimulatedRobot } from "../../lib/testing.ts";

const body = new SimulatedRobot({ width: 320, height: 240, fps: 15 });
let count = 0;

/** The clock is the machine's, which all hosts of a test share. */
function say(what: string, more: object = {}): void {
  console.log(JSON.stringify({ what, at: Date.now(), ...more }));
}

await RTCConnection.warmUp();
const robot = new ReachableRobot(Deno.args[0]!, {
  secret: "a secret of sixteen or more",
  connect({ iceServers }) {
    const which = ++count;
    const conn = new RTCConnection({ rtcConfiguration: { iceServers: iceServers ?? [] } });
    conn.video.putSubscription(body.camera);
    conn.control.subscribe((command) => say("drive", { which, command }));
    conn.onReady(async () => {
      const { kind, sentences } = await conn.describeRoute();
      say("connected", { which, kind, sentences });
    });
    conn.onError((error) => say("lost", { which, why: error.message }));
    conn.onClose(() =>
      queueMicrotask(() => say("closed", { which, left: robot.connections.length }))
    );
    return conn;
  },
});
robot.onState((state) => say(state));
robot.onReady(() => say("ready"));
