/** A load balancer in front of the gateways: checks their health, and distributes requests. No retries. */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const CHECK_EVERY_MS = 200;
const CHECK_TIMEOUT_MS = 2_000;

export interface Balancer {
  readonly url: string;
  close(): Promise<void>;
}

interface Backend {
  readonly url: URL;
  readonly agent: Agent;
  healthy: boolean;
}

/** @param urls of the gateways, whether they are up already or not */
export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  const backends = urls.map(
    (it): Backend => ({ url: new URL(it), agent: new Agent({ keepAlive: true }), healthy: false }),
  );
  let turn = 0;
  const next = (): Backend | undefined => {
    const healthy = backends.filter((it) => it.healthy);
    // If none is known to be healthy, each may be tried, as balancers do.
    const from = healthy.length > 0 ? healthy : backends;
    return from[turn++ % from.length];
  };
  const server = createServer((req, res) => {
    const backend = next();
    if (backend) pass(backend, req, res);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const checks = backends.map((it) => {
    const check = async () => {
      it.healthy = await isHealthy(it);
    };
    void check();
    return setInterval(check, CHECK_EVERY_MS);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const it of checks) clearInterval(it);
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      for (const { agent } of backends) agent.destroy();
      await closed;
    },
  };
}

async function isHealthy({ url }: Backend): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    // On a separate connection, because an open one says nothing about new ones.
    const reply = await fetch(new URL("/health/ready", url), { signal, headers: { connection: "close" } });
    await reply.arrayBuffer();
    return reply.ok;
  } catch {
    return false;
  }
}

function pass({ url, agent }: Backend, req: IncomingMessage, res: ServerResponse): void {
  const { host: _, connection: __, ...headers } = req.headers;
  const { hostname, port } = url;
  const up = request({ hostname, port, agent, method: req.method, path: req.url, headers }, (reply) => {
    const { connection: ___, "keep-alive": ____, ...replied } = reply.headers;
    res.writeHead(reply.statusCode ?? 502, replied);
    reply.pipe(res);
  });
  up.on("error", (error: NodeJS.ErrnoException) => {
    if (res.headersSent) res.destroy();
    else res.writeHead(502, { "content-type": "text/plain" }).end(`${port}: ${error.code ?? error.message}`);
  });
  req.pipe(up);
}
