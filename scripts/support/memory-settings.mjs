/**
 * Memory that V8 and glibc may keep for a server. Some settings only count before a process starts; the processes of a
 * cluster inherit them. Plain JavaScript, because preload.mjs also runs on an old Node.
 */
import { basename, extname } from "node:path";
import { setFlagsFromString } from "node:v8";

/**
 * MB of each half of the main thread's space for new objects. V8's own limit is 64, so that both together grow to
 * 128 MB under load.
 */
const SEMI_SPACE = "--max-semi-space-size";
const SEMI_SPACE_MB = 16;

/**
 * Old objects are collected when there is twice as much of them as was in use. By default it is four times as much, on a
 * machine with enough memory.
 */
const GROWTH = "--heap-growing-percent=100";

/** Other C libraries ignore these. */
const MALLOC = {
  // Larger blocks are given back when they are freed. By default the limit rises to the size of what was freed, and
  // each thread that has hashed a password keeps the 19 MB of it.
  MALLOC_MMAP_THRESHOLD_: "1048576",
  // A thread's arena keeps what was once needed. By default there are eight of them for each core.
  MALLOC_ARENA_MAX: "2",
};

/** Scripts whose processes live long, also as `souk start`. */
const SERVERS = ["start", "node", "cluster"];

/**
 * The environment of a server with the settings that it does not have yet. Of any other script, or with all of them:
 * `env` itself.
 */
export function memoryEnvironment(argv, env, execArgv) {
  if (!isServer(argv)) return env;
  const options = [env.NODE_OPTIONS ?? "", ...execArgv];
  const missing = Object.entries(MALLOC).filter(([name]) => env[name] === undefined);
  if (!options.some((it) => it.replaceAll("_", "-").includes(SEMI_SPACE)))
    missing.push(["NODE_OPTIONS", `${options[0]} ${SEMI_SPACE}=${SEMI_SPACE_MB}`.trim()]);
  return missing.length > 0 ? { ...env, ...Object.fromEntries(missing) } : env;
}

/** Settings for a process that runs. */
export function limitHeaps(argv) {
  if (!isServer(argv)) return;
  // The main thread has its limit by now. The flag would override those that other threads are given.
  setFlagsFromString(`${SEMI_SPACE}=0`);
  setFlagsFromString(GROWTH);
}

function isServer([, script = "", command = ""]) {
  const name = basename(script, extname(script));
  return SERVERS.includes(name === "souk" ? command : name);
}
