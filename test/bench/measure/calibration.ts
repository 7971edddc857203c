/** What this machine can do without Souk, so that figures of two machines can be set side by side. */
import { createHash } from "node:crypto";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import { type Figure, more } from "./figure.ts";

const SAMPLE_MS = 300;
const QUEUE = "calibration";
/** Unconfirmed at once. */
const WINDOW = 256;

/** @param rabbit URL of RabbitMQ, where there is one */
export async function calibrate(rabbit: string | undefined): Promise<Figure[]> {
  return [
    more("JSON and SHA-256 of a document of 2 KB, one thread", "/s", jsonAndHashes()),
    more("fdatasync after 8 KB, one after the other", "/s", flushes()),
    more("amqplib, confirms of 1 KB to a quorum queue", "/s", rabbit ? await confirms(rabbit) : null),
  ];
}

function perSecond(work: () => void): number {
  const started = performance.now();
  let count = 0;
  let elapsed = 0;
  for (; elapsed < SAMPLE_MS; elapsed = performance.now() - started, count++) work();
  return (count / elapsed) * 1_000;
}

function jsonAndHashes(): number {
  const lines = Array.from({ length: 20 }, (_, n) => ({
    sku: `SKU-${n}`,
    name: `Product ${n}`,
    price: { amount: n * 101, currency: "USD" },
  }));
  const text = JSON.stringify({ id: "calibration", lines });
  const work = () =>
    createHash("sha256")
      .update(JSON.stringify(JSON.parse(text)))
      .digest("hex");
  // V8 compiles it first.
  perSecond(work);
  return perSecond(work);
}

function flushes(): number {
  const dir = mkdtempSync(join(tmpdir(), "souk-calibration-"));
  const file = openSync(join(dir, "log"), "w");
  const page = Buffer.alloc(8_192, 1);
  try {
    return perSecond(() => {
      writeSync(file, page);
      fdatasyncSync(file);
    });
  } finally {
    closeSync(file);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function confirms(url: string): Promise<number> {
  const connection = await connectToAny(url);
  try {
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(QUEUE, { durable: true, arguments: { "x-queue-type": "quorum" } });
    const content = Buffer.alloc(1_024, 1);
    const publish = async (until: number): Promise<number> => {
      let count = 0;
      while (performance.now() < until) {
        await new Promise<void>((resolve, reject) => {
          channel.publish("", QUEUE, content, { persistent: true }, (error) =>
            error ? reject(error) : resolve(),
          );
        });
        count++;
      }
      return count;
    };
    const inWindow = async (ms: number): Promise<number> => {
      const started = performance.now();
      const counts = await Promise.all(Array.from({ length: WINDOW }, () => publish(started + ms)));
      const sent = counts.reduce((sum, it) => sum + it, 0);
      return (sent / (performance.now() - started)) * 1_000;
    };
    await inWindow(SAMPLE_MS);
    const result = await inWindow(3 * SAMPLE_MS);
    await channel.deleteQueue(QUEUE);
    return result;
  } finally {
    await connection.close();
  }
}
