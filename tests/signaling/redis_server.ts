/** A Redis of the test's own. */
/** Whether Debian's redis-server is here. */
export const isRedisHere: boolean = await (async () => {
  try {
    const { success } = await new Deno.Command("redis-server", { args: ["--version"] }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
})();

/** Registers a test that is ignored, with the reason in its title, where Redis is missing. */
export function testRedis(name: string, fn: () => Promise<void>): void {
  const title = isRedisHere ? name : `${name} (install redis-server)`;
  Deno.test({ name: title, ignore: !isRedisHere, fn });
}

/** A running server, ended with the block. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Kills it without a word. */
  kill(): Promise<void>;
  /** Runs it again on the same port, empty. */
  restart(): Promise<void>;
}

/** Starts Redis on a free port of the loopback interface, in memory only. */
export async function startRedis(): Promise<RedisServer> {
  let child: Deno.ChildProcess;
  let port = 0;
  const run = async () => {
    child = new Deno.Command("redis-server", {
      args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const said = child.stdout.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const part of said.values({ preventCancel: true })) {
      text += part;
      if (/Ready to accept connections/.test(text)) break;
      if (/bind: Address already in use/.test(text)) throw new Deno.errors.AddrInUse(text);
    }
    said.pipeTo(new WritableStream()).catch(() => {}); // it must not block on what it says
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await child.status;
  };
  for (let attempt = 0;; attempt++) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    port = listener.addr.port;
    listener.close();
    try {
      await run();
      break;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || attempt > 5) throw error;
    }
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    restart: run,
    [Symbol.asyncDispose]: kill,
  };
}
