import assert from "node:assert/strict";
import { RTCConnection, type RTCConnectionOptions } from "../../mod.ts";
import { type TurnCredentials, turnCredentials } from "../../lib/signaling/turn_credentials.ts";
import { NO_COTURN, startCoturn } from "../connection/coturn.ts";
import { withPair } from "../connection/pair.ts";

const URLS = "turn:turn.example.org:3478?transport=udp";

Deno.test("turnCredentials() are what coturn and Pion reckon from the secret", () => {
  // printf 1700000600:alice | openssl dgst -sha1 -hmac north -binary | base64
  assert.deepEqual(
    turnCredentials({ secret: "north", urls: URLS, user: "alice", ttlS: 600, nowS: 1.7e9 }),
    { urls: [URLS], username: "1700000600:alice", credential: "gthUwOpcRoLI0MMCziCEBOWYnpo=" },
  );
});

Deno.test("turnCredentials() end an hour from now unless told otherwise", () => {
  const beforeS = Math.floor(Date.now() / 1_000);
  const { username, urls } = turnCredentials({ secret: "s", urls: [URLS, "turns:t"] });
  const [endS, user] = username.split(":");
  assert.ok(Number(endS) >= beforeS + 3_600 && Number(endS) <= beforeS + 3_660, username);
  assert.equal(user, "rtcbot");
  assert.deepEqual(urls, [URLS, "turns:t"]);
});

Deno.test("turnCredentials() refuses what no server would take", () => {
  const fine = { secret: "s", urls: URLS };
  for (
    const [wrong, name] of [
      [{ secret: "" }, "TypeError"],
      [{ urls: [] }, "TypeError"],
      [{ urls: "stun:stun.example.org" }, "TypeError"],
      [{ user: "" }, "RangeError"],
      [{ user: "a:b" }, "RangeError"],
      [{ user: "a\nb" }, "RangeError"],
      [{ ttlS: 0 }, "RangeError"],
      [{ ttlS: NaN }, "RangeError"],
      [{ ttlS: 1e9 }, "RangeError"],
      [{ nowS: Infinity }, "RangeError"],
    ] as const
  ) {
    assert.throws(() => turnCredentials({ ...fine, ...wrong }), {
      name,
      message: /^Cannot issue TURN credentials: /,
    });
  }
});

Deno.test({
  name: `coturn takes turnCredentials() of its secret, and no others${NO_COTURN}`,
  ignore: NO_COTURN !== "",
  async fn() {
    await using coturn = await startCoturn("--use-auth-secret", "--static-auth-secret=north");
    const urls = `turn:127.0.0.1:${coturn.port}`;
    const over = (server: TurnCredentials): RTCConnectionOptions => ({
      rtcConfiguration: { iceServers: [server], iceTransportPolicy: "relay" },
    });
    await withPair(
      async (a) => assert.equal((await a.describeRoute()).kind, "relayed"),
      over(turnCredentials({ secret: "north", urls, user: "alice" })),
    );
    for (
      const server of [
        turnCredentials({ secret: "south", urls }),
        turnCredentials({ secret: "north", urls, nowS: Date.now() / 1_000 - 7_200 }), // over
      ]
    ) {
      await using conn = new RTCConnection(over(server));
      await assert.rejects(conn.getLocalDescription(), {
        message: `Cannot connect over relays alone: no TURN server gives one; ${urls} is of no ` +
          "use: it does not accept the user name and credential (401 Unauthorized)",
      });
    }
  },
});
