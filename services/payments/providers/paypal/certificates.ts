/**
 * The certificates that sign PayPal's webhooks. A webhook names the address of its certificate, so anyone could name
 * any. Only PayPal's hosts are asked, over TLS, which proves that the certificate is PayPal's. A redirect is an
 * error.
 */
import { type KeyObject, X509Certificate } from "node:crypto";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { createSingleFlightCache } from "../../../../broker/resilience/single-flight-cache.ts";
import { providerFailed, WebhookRejected } from "../provider.ts";
import { boundedBody } from "../support/bounded-body.ts";

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64_000;
const KEEP = 16;
/** A time to live of 0: what is at an address of a certificate does not change. */
const FOR_EVER = 0;
const PATH = "/v1/notifications/certs/";
const LOOPBACK = new Set(["localhost", "127.0.0.1"]);

export interface Certificates {
  /**
   * The key of a certificate that is valid now.
   * @throws {WebhookRejected} for another host, without asking it; SoukError PROVIDER_FAILED when it can't be fetched
   * now
   */
  keyAt(url: string): Promise<KeyObject>;
  /** @throws {WebhookRejected} */
  check(url: string): void;
}

/** @param hosts additional hosts, as `host` or `host:port`; over plain HTTP on this machine only */
export function createCertificates(hosts: readonly string[], clock: Clock): Certificates {
  const kept = createSingleFlightCache<X509Certificate>(FOR_EVER, KEEP);

  function trusted(text: string): URL {
    if (!URL.canParse(text)) throw new WebhookRejected("the certificate's address is none");
    const url = new URL(text);
    const { protocol, host, hostname, port, username, password, pathname } = url;
    const listed = hosts.includes(host);
    const paypals = hostname.endsWith(".paypal.com") && port === "";
    const safe = protocol === "https:" || (protocol === "http:" && listed && LOOPBACK.has(hostname));
    if (!safe || !(listed || paypals) || username !== "" || password !== "" || !pathname.startsWith(PATH))
      throw new WebhookRejected(`the certificate's address is not PayPal's: ${host.slice(0, 100)}`);
    return url;
  }

  async function fetched(url: URL): Promise<X509Certificate> {
    let pem: string;
    try {
      const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.status === 404) throw new WebhookRejected("there is no such certificate");
      if (!response.ok) throw new Error(`status ${response.status}`);
      pem = await boundedBody(response, MAX_BYTES);
    } catch (error) {
      if (error instanceof WebhookRejected) throw error;
      throw providerFailed("paypal's certificate can't be had", error);
    }
    try {
      return new X509Certificate(pem);
    } catch (cause) {
      throw new WebhookRejected("what is at the certificate's address is none", { cause });
    }
  }

  return {
    check: (url) => void trusted(url),
    async keyAt(text) {
      const url = trusted(text);
      const certificate = await kept.get(url.href, () => fetched(url));
      const now = clock.now();
      if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo))
        throw new WebhookRejected("the certificate is not valid now");
      const { publicKey } = certificate;
      const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
      if (publicKey.asymmetricKeyType !== "rsa" || bits < 2_048)
        throw new WebhookRejected("the certificate's key is too weak");
      return publicKey;
    },
  };
}
