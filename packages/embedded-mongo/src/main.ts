/**
 * The store as a process: `node src/main.ts --dir data/mongo [--socket path | --port 27017 --host 127.0.0.1]`. On
 * TCP, clients log in. The file `uri` in the data folder has the password, for its user alone.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { withoutPassword } from "./kept-uri.ts";
import { runStore } from "./run.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string" },
    socket: { type: "string" },
    host: { type: "string" },
    port: { type: "string" },
    "password-file": { type: "string" },
    sync: { type: "string" },
    readers: { type: "string" },
  },
});

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const { dir, socket, host, port, sync, readers } = values;
if (dir === undefined)
  fail(
    "usage: node main.ts --dir DIR [--socket PATH | --host HOST --port PORT [--password-file FILE]] " +
      "[--sync full|normal] [--readers N]",
  );
if (sync !== undefined && sync !== "full" && sync !== "normal")
  fail(`--sync must be full or normal, not ${sync}`);
if (port !== undefined && !/^\d{1,5}$/.test(port)) fail(`--port must be a number, not ${port}`);
if (readers !== undefined && !/^\d{1,2}$/.test(readers)) fail(`--readers must be a number, not ${readers}`);

// All files of this process are for its user alone.
process.umask(0o077);

function tcp() {
  if (host === undefined && port === undefined) return undefined;
  const file = values["password-file"];
  const password = file === undefined ? undefined : readFileSync(file, "utf8").trim();
  return {
    host: host ?? "127.0.0.1",
    port: Number(port ?? 27017),
    ...(password === undefined ? {} : { password }),
  };
}

try {
  const listen = socket !== undefined ? { socket } : tcp();
  const threads = readers === undefined ? undefined : Number(readers);
  const running = await runStore({ dir, listen, sync, readers: threads }, (error) => {
    fail(`the embedded store stopped: ${error instanceof Error ? error.message : error}`);
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      running.close().then(
        () => process.exit(0),
        (error: unknown) => fail(`the embedded store did not close cleanly: ${error}`),
      );
    });
  }
  process.stdout.write(`${withoutPassword(running.uri)}\n`);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
