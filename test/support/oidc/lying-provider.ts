/** A provider whose ID tokens are as a test wants them: unsigned, of somebody else, for somebody else. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

export interface LyingProvider {
  readonly issuer: string;
  /** What is wrong with its next ID token. */
  lie: "none" | "unsigned" | "key" | "nonce" | "issuer" | "audience" | "expired";
  /** Of the last authorization request: a provider knows it. */
  nonce: string;
  close(): void;
}

export async function startLyingProvider(clientId: string): Promise<LyingProvider> {
  const [own, other] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "rsa", use: "sig", alg: "RS256" };
  const server = createServer((req, res) => {
    const answer = async () => {
      if (req.url === "/.well-known/openid-configuration")
        return {
          issuer,
          authorization_endpoint: `${issuer}/auth`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          id_token_signing_alg_values_supported: ["RS256", "none"],
          code_challenge_methods_supported: ["S256"],
        };
      if (req.url === "/jwks") return { keys: [jwk] };
      return { access_token: "access", token_type: "Bearer", id_token: await idToken() };
    };
    answer().then(
      (body) => res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
      () => res.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const lying: LyingProvider = {
    issuer,
    lie: "none",
    nonce: "",
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  async function idToken(): Promise<string> {
    const { lie, nonce } = lying;
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: lie === "issuer" ? "https://accounts.google.com" : issuer,
      aud: lie === "audience" ? "another shop" : clientId,
      sub: "liar",
      iat: now,
      exp: lie === "expired" ? now - 3_600 : now + 60,
      nonce: lie === "nonce" ? "of another sign-in" : nonce,
      email: "liar@example.com",
      email_verified: true,
    };
    if (lie === "unsigned") return new UnsecuredJWT(claims).encode();
    const key = lie === "key" ? other.privateKey : own.privateKey;
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "rsa" }).sign(key);
  }
  return lying;
}
