/** An embedded store in a separate process on TCP, for tests that need its address before it runs. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeProgram, tcpUri } from "@souk/embedded-mongo";
import { freePort } from "../../../souk/testing/free-port.ts";

export interface TcpStore {
  readonly script: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly uri: string;
  remove(): Promise<void>;
}

/** @param parent folder for its data and password; a temporary one that {@link TcpStore.remove} takes away unless told */
export async function tcpStore(parent?: string): Promise<TcpStore> {
  const dir = parent ?? (await mkdtemp(join(tmpdir(), "souk-tcp-store-")));
  const port = await freePort();
  const password = randomBytes(24).toString("base64url");
  const file = join(dir, "store-password");
  await writeFile(file, password, { mode: 0o600 });
  return {
    script: storeProgram,
    args: [
      ...["--dir", join(dir, "mongo"), "--host", "127.0.0.1", "--port", String(port)],
      ...["--password-file", file],
    ],
    port,
    uri: tcpUri(password, `127.0.0.1:${port}`),
    async remove() {
      if (parent === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}
