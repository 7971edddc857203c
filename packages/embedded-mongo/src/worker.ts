/** The store as a worker thread of a process: started by `index.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { type RunOptions, runStore } from "./run.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread only");

try {
  const running = await runStore(workerData as RunOptions, (error) => {
    // Thrown outside any handler: the thread ends with the error, and its parent gets it.
    setImmediate(() => {
      throw error;
    });
  });
  port.once("message", async () => {
    await running.close();
    port.postMessage({ closed: true });
    port.close();
  });
  port.postMessage({ uri: running.uri });
} catch (error) {
  port.postMessage({ failed: error instanceof Error ? error.message : String(error) });
  port.close();
}
