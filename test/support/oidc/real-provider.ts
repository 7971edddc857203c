/** A certified provider of OpenID Connect on this machine. Who comes is signed in at once, as the person of the moment. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

export interface ProviderPerson {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
}

export interface RealProvider {
  readonly issuer: string;
  /** Who signs in next. */
  person: ProviderPerson;
  close(): void;
}

export const CLIENT = { id: "souk", secret: "a secret of the shop at the provider" };

/** @param redirectUri where the shop takes codes */
export async function startProvider(redirectUri: string): Promise<RealProvider> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const people = new Map<string, ProviderPerson>();
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: "rsa", use: "sig", alg: "RS256" };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["a key of the provider's cookies"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: { Session: 60, Grant: 60, Interaction: 60, AccessToken: 60, IdToken: 60 },
    async findAccount(_, sub) {
      return { accountId: sub, claims: async () => ({ ...people.get(sub), sub }) };
    },
    async loadExistingGrant({ oidc }) {
      const { client, session } = oidc;
      if (!client || !session?.accountId) return undefined;
      const grant = new oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  const real: RealProvider = {
    issuer,
    person: { sub: "nobody" },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  const handle = provider.callback();
  server.on("request", (req, res) => {
    if (!req.url?.startsWith("/interaction/")) return handle(req, res);
    people.set(real.person.sub, real.person);
    provider
      .interactionFinished(req, res, { login: { accountId: real.person.sub } })
      .catch(() => res.writeHead(500).end());
  });
  return real;
}
