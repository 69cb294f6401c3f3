// A robot that can be reached from anywhere: it stays at a signaling service, whatever its own network does.
//
//     deno run --allow-net --allow-ffi tutorials/05_robot.ts [--fake] [--service http://localhost:8080/rover]
//
// --allow-net   stays at the service and carries the connections
// --allow-ffi   the camera, the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { openCamera, ReachableRobot, RTCConnection } from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    fake: { type: "boolean" },
    service: { type: "string", default: "http://localhost:8080/rover" },
  },
});
const simulated = flags.fake ? new SimulatedRobot() : null;
const camera = simulated?.camera ?? openCamera({ width: 640, height: 480 });
const drive = simulated?.drive ?? { put_nowait: console.log }; // 04_arduino.ts has motors
camera.onError((error) => {
  console.error(`${error.message}; add --fake to drive a simulated robot`);
  Deno.exit(1);
});

// Whoever came first to the id with a secret owns it. Deno keeps what is in localStorage.
localStorage.secret ??= crypto.randomUUID();

const robot = new ReachableRobot(flags.service, {
  secret: localStorage.secret,
  connect({ iceServers }) {
    const conn = new RTCConnection(iceServers ? { rtcConfiguration: { iceServers } } : {});
    conn.video.putSubscription(camera);
    conn.control.subscribe((command) => drive.put_nowait(command));
    conn.onReady(async () => console.log((await conn.describeRoute()).sentences[0]));
    conn.onError((error) => console.log(error.message));
    return conn;
  },
});
robot.onState((state) => console.log(`signaling service: ${state}`));
robot.onError((error) => {
  console.error(error.message);
  Deno.exit(1);
});
RTCConnection.warmUp();
