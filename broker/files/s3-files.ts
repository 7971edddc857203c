/** Files in a bucket of any store that speaks S3. */
import type { S3mini } from "s3mini";
import { checkName, type Files } from "./files.ts";

export interface BucketSettings {
  /** With the bucket: `https://s3.example/souk`. */
  url: string;
  region: string;
  accessKey: string;
  secretKey: string;
}

const PAGE = 1_000;

export function s3Files({ url, region, accessKey, secretKey }: BucketSettings): Files {
  let opening: Promise<S3mini> | undefined;

  /** The client is loaded at its first use. */
  function bucket(): Promise<S3mini> {
    opening ??= import("s3mini").then(
      (it) => new it.S3mini({ endpoint: url, region, accessKeyId: accessKey, secretAccessKey: secretKey }),
    );
    return opening;
  }

  return {
    async put(name, bytes, type = "application/octet-stream") {
      const reply = await (await bucket()).putObject(checkName(name), Buffer.from(bytes), type);
      if (!reply.ok) throw new Error(`the bucket answered ${reply.status}`);
    },

    async get(name) {
      const bytes = await (await bucket()).getObjectArrayBuffer(checkName(name));
      return bytes === null ? undefined : Buffer.from(bytes);
    },

    async remove(name) {
      await (await bucket()).deleteObject(checkName(name));
    },

    async *list(prefix) {
      const client = await bucket();
      let after: string | undefined;
      do {
        const page = await client.listObjectsPaged("/", prefix, PAGE, after);
        for (const { Key } of page?.objects ?? []) yield Key;
        after = page?.nextContinuationToken;
      } while (after !== undefined);
    },
  };
}
