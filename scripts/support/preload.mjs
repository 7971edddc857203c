/**
 * Runs before each script, on any Node. If that Node is too old, the script runs on the one that npm has installed
 * for this purpose (packages/node-for-linux). If there is none, it prints that. A server begins anew with its memory
 * settings. Compiled code is cached for quick starts.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { limitHeaps, memoryEnvironment } from "./memory-settings.mjs";

const MIN_MAJOR = 24;
const packaged = new URL(
  `../../node_modules/node-${process.platform}-${process.arch}/bin/node`,
  import.meta.url,
);

const environment = memoryEnvironment(process.argv, process.env, process.execArgv);
if (Number(process.versions.node.split(".")[0]) < MIN_MAJOR) await runOn(fileURLToPath(packaged));
if (isMainThread) {
  if (environment !== process.env) beginAnew();
  limitHeaps(process.argv);
}
module.enableCompileCache?.();

/** Replaces this process by one with that environment, which takes 40 ms. Windows can't. */
function beginAnew() {
  if (process.platform === "win32" || !process.execve) return;
  const { execPath, execArgv, argv } = process;
  process.execve(execPath, [execPath, ...execArgv, ...argv.slice(1)], environment);
}

/** Runs this command line on another Node, and ends as that does. */
function runOn(node) {
  if (!existsSync(node)) refuse();
  const env = { ...environment, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => {
      // The terminal sends Ctrl-C to the child too.
      if (signal === "SIGTERM") child.kill(signal);
    });
  child.once("error", refuse);
  child.once("exit", (code) => process.exit(code ?? 1));
  return new Promise(() => undefined);
}

function refuse() {
  console.error(
    `Souk needs Node.js ${MIN_MAJOR} or newer; this is ${process.version}. In a clone of Souk on Linux with glibc, npm ci brings another one.`,
  );
  process.exit(1);
}
