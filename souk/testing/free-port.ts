import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports of outgoing connections, which could otherwise take the port before its use. */
const [FROM, TO] = [20_000, 32_000];

/** A port of the loopback interface that is free now, and so are the `count - 1` ports after it. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO - count);
    if (await areFree(port, count)) return port;
  }
}

async function areFree(from: number, count: number): Promise<boolean> {
  for (let port = from; port < from + count; port++) if (!(await isFree(port))) return false;
  return true;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}
