/** Actions about API keys, a part of the contract of users. */
import { z } from "zod";
import { action } from "../../../broker/contract/contract.ts";
import { cursor, id, limit, line, page, time } from "../../../broker/contract/schemas.ts";
import { scope } from "./staff.messages.ts";

const keyFields = {
  id,
  name: z.string(),
  scopes: z.array(scope),
  createdBy: id.meta({ description: "The member of staff who made it. It may do at most what they may do" }),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable().meta({ description: "To the minute; null before its first use" }),
};
const example = {
  id: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
  name: "Warehouse scanner",
  scopes: ["stock:read", "stock:write"],
  createdBy: "01941b10-0a11-7c20-8d31-5f2e9b7c4a11",
  createdAt: "2026-11-27T09:30:00.000Z",
  expiresAt: "2027-11-27T09:30:00.000Z",
  lastUsedAt: null,
};
export const apiKeyView = z
  .strictObject(keyFields)
  .meta({ id: "ApiKey", description: "A key of a machine, without its secret", examples: [example] });
export const newApiKeyView = z
  .strictObject({
    ...keyFields,
    key: z.string().meta({ description: "For `Authorization: Bearer …`. It is shown this once" }),
  })
  .meta({
    id: "NewApiKey",
    description: "A key that was just made",
    examples: [
      {
        ...example,
        key: "souk_01941b100a117c208d315f2e9b7c4a10_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef5d8f1c2a",
      },
    ],
  });

const keyProof = z.strictObject({ id, hash: z.string().max(64) });

export const apiKeyActions = {
  listApiKeys: action({
    summary: "API keys, newest first",
    operationId: "listApiKeys",
    rest: "GET /api-keys",
    auth: "staff",
    scope: "staff:read",
    params: z.strictObject({ limit, cursor }),
    returns: page(apiKeyView),
  }),
  createApiKey: action({
    summary: "Make an API key",
    description:
      "The reply has the key; only its hash is kept. Its scopes are among those of the member of staff who makes it. " +
      "Later it may do at most what they may do then. Keys can't make keys.",
    operationId: "createApiKey",
    rest: "POST /api-keys",
    auth: "staff",
    scope: "staff:write",
    repeatable: "one more key, which can be revoked",
    status: 201,
    params: z.strictObject({
      name: line(120).meta({ description: "What uses it", examples: ["Warehouse scanner"] }),
      scopes: z
        .array(scope)
        .min(1)
        .max(100)
        .meta({ examples: [["stock:read", "stock:write"]] }),
      expiresInDays: z
        .int()
        .min(1)
        .max(730)
        .default(365)
        .meta({ description: "After so many days it is refused" }),
    }),
    returns: newApiKeyView,
    errors: ["CONFLICT"],
  }),
  revokeApiKey: action({
    summary: "Revoke an API key",
    description: "It is refused at once.",
    operationId: "revokeApiKey",
    rest: "DELETE /api-keys/:id",
    auth: "staff",
    scope: "staff:write",
    params: z.strictObject({ id: id.meta({ description: "Id of the key" }) }),
    returns: z.void(),
    errors: ["NOT_FOUND"],
  }),
  liveKeys: action({
    summary: "Those of the keys that may be used, and what they may do now, for the gateway",
    readOnly: true,
    params: z.strictObject({ keys: z.array(keyProof).max(500) }),
    returns: z.array(keyProof.extend({ userId: id, scopes: z.array(scope), expiresAt: time })),
  }),
};
