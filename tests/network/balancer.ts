/** A load balancer: `balancer.ts <port> <port>…` listens on 8080 and passes each connection to the next that lives. */
const ports = Deno.args.map(Number);
let next = 0;

async function reach(): Promise<Deno.TcpConn> {
  for (let tries = 0; tries < ports.length; tries++) {
    const port = ports[next++ % ports.length]!;
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch {
      // this one is dead
    }
  }
  throw new Error("none lives");
}

async function pass(client: Deno.TcpConn): Promise<void> {
  const instance = await reach().catch(() => client.close());
  if (!instance) return;
  const both = [
    client.readable.pipeTo(instance.writable),
    instance.readable.pipeTo(client.writable),
  ];
  await Promise.allSettled(both);
}

const listener = Deno.listen({ port: 8080 });
console.log("balancing");
for await (const client of listener) void pass(client);
