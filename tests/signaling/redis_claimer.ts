/** An instance for redis_broker_test.ts, which is killed while its robot thinks. */
import { RedisBroker } from "../../lib/signaling/redis_broker.ts";

const broker = new RedisBroker({ url: Deno.args[0]! });
await broker.claim("a", { stays: true, owned: false, tokenHash: null }, {
  offer: () => {
    console.log("asked");
    return new Promise(() => {});
  },
  lost() {},
});
console.log("claimed");
