import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections, one of which could take it before it is used. */
const [FROM, TO] = [20_000, 32_000];

/** A port of the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const tried = Promise.race([once(server, "listening"), once(server, "error")]);
  server.listen(port, "127.0.0.1");
  const [error] = (await tried) as [NodeJS.ErrnoException | undefined];
  if (error?.code === "EADDRINUSE") return false;
  if (error) throw error;
  server.close();
  await once(server, "close");
  return true;
}
