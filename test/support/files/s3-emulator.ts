/**
 * A store that speaks as much S3 as the adapter needs. Each signature is made again by another signer and compared, so a
 * wrong one is refused.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AwsV4Signer } from "aws4fetch";

export interface S3Emulator {
  /** With the bucket. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startS3(accessKeyId: string, secretAccessKey: string): Promise<S3Emulator> {
  const kept = new Map<string, Buffer>();
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(req.url ?? "/", `http://${req.headers.host}`);
    if (!(await isSigned(url, req.method ?? "", req.headers, body))) {
      res.writeHead(403).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
      return;
    }
    const key = decodeURIComponent(url.pathname.replace(/^\/souk\/?/, ""));
    if (req.method === "GET" && key === "") return void res.end(listing(url.searchParams));
    if (req.method === "PUT") kept.set(key, body);
    if (req.method === "DELETE") kept.delete(key);
    const found = kept.get(key);
    if (req.method === "DELETE") res.writeHead(204).end();
    else if (found === undefined) res.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
    else res.writeHead(200, { etag: '"x"' }).end(req.method === "GET" ? found : "");
  });

  /** Two of them in each reply, so that the adapter has to go on. */
  function listing(query: URLSearchParams): string {
    const after = query.get("continuation-token") ?? "";
    const prefix = query.get("prefix") ?? "";
    const found = [...kept.keys()].sort().filter((it) => it.startsWith(prefix) && it > after);
    const shown = found.slice(0, 2);
    const contents = shown.map(
      (it) => `<Contents><Key>${it}</Key><Size>${kept.get(it)?.length}</Size><ETag>"x"</ETag></Contents>`,
    );
    const more = found.length > shown.length;
    const next = more ? `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>` : "";
    return `<?xml version="1.0"?><ListBucketResult><Name>souk</Name><KeyCount>${shown.length}</KeyCount><IsTruncated>${more}</IsTruncated>${next}${contents.join("")}</ListBucketResult>`;
  }

  async function isSigned(
    url: URL,
    method: string,
    headers: NodeJS.Dict<string | string[]>,
    body: Buffer,
  ): Promise<boolean> {
    const given = String(headers.authorization ?? "");
    const [, region = "", names = ""] =
      /Credential=[^/]+\/\d{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+)/.exec(given) ?? [];
    const signed = Object.fromEntries(
      names
        .split(";")
        .filter((it) => it !== "host" && it !== "x-amz-date")
        .map((it) => [it, String(headers[it] ?? "")]),
    );
    const signer = new AwsV4Signer({
      url: url.href,
      method,
      headers: signed,
      body: body.length > 0 ? body : null,
      accessKeyId,
      secretAccessKey,
      service: "s3",
      region,
      datetime: String(headers["x-amz-date"]),
      allHeaders: true,
    });
    const made = (await signer.sign()).headers.get("authorization") ?? "";
    const signature = (text: string) => /Signature=([0-9a-f]{64})/.exec(text)?.[1];
    return signature(given) !== undefined && signature(given) === signature(made);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/souk`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
