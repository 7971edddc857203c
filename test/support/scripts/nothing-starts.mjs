/**
 * A preload: any attempt to write a file, open a connection or start something ends the process with {@link STARTED}.
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import module from "node:module";
import net from "node:net";
import workerThreads from "node:worker_threads";

const STARTED = 99;

/** @param {Record<string, unknown>} of @param {string[]} names */
function forbid(of, names) {
  for (const name of names)
    // A function, since it may be called with `new`.
    of[name] = function forbidden() {
      process._rawDebug(`${name} was called\n${new Error().stack}`);
      process.exit(STARTED);
    };
}

const WRITES = ["appendFile", "chmod", "copyFile", "cp", "mkdir", "mkdtemp", "rename", "rm", "unlink", "writeFile"];
forbid(fs, [...WRITES, ...WRITES.map((it) => `${it}Sync`), "createWriteStream"]);
forbid(fs.promises, WRITES);
forbid(childProcess, ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"]);
forbid(net.Server.prototype, ["listen"]);
forbid(net.Socket.prototype, ["connect"]);
forbid(workerThreads, ["Worker"]);
module.syncBuiltinESMExports();
