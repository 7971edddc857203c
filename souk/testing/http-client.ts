/** A small HTTP client for tests: JSON in and out, below /api/v1, with the headers that a caller always sends. */
import assert from "node:assert/strict";

export interface Reply<T = unknown> {
  status: number;
  headers: Headers;
  body: T;
}

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
}

export class HttpClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#url = url;
    this.#headers = headers;
  }

  /** The same client with more headers on every request. */
  with(headers: Record<string, string>): HttpClient {
    return new HttpClient(this.#url, { ...this.#headers, ...headers });
  }

  as(accessToken: string): HttpClient {
    return this.with({ authorization: `Bearer ${accessToken}` });
  }

  /** `path` is below /api/v1, unless it is a whole URL or starts with `//`, which means the root. */
  async request<T = unknown>(
    method: string,
    path: string,
    { body, headers }: RequestOptions = {},
  ): Promise<Reply<T>> {
    const url = path.startsWith("http")
      ? path
      : path.startsWith("//")
        ? this.#url + path.slice(1)
        : `${this.#url}/api/v1${path}`;
    const reply = await fetch(url, {
      method,
      redirect: "manual",
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...this.#headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = /json(?!l)/.test(reply.headers.get("content-type") ?? "");
    return { status: reply.status, headers: reply.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }

  /** Like {@link request}, but fails for any other status, with the answer in the message. */
  async expect<T = unknown>(
    status: number,
    method: string,
    path: string,
    options?: RequestOptions,
  ): Promise<T> {
    const reply = await this.request<T>(method, path, options);
    assert.equal(reply.status, status, `${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
}
