/** Signed tokens of the links that end mails of one kind. They need no sign-in, and are good for nothing else. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { SoukError } from "../../../broker/contract/errors.ts";
import { id } from "../../../broker/contract/schemas.ts";
import { type OptionalKind, optionalKind } from "./optional-kinds.ts";

const content = z.tuple([id, optionalKind]);

export function makeToken(secret: string, userId: string, kind: OptionalKind): string {
  const text = `${userId} ${kind}`;
  return `${Buffer.from(text).toString("base64url")}.${signature(secret, text)}`;
}

/** @throws {SoukError} INVALID_TOKEN */
export function readToken(secret: string, token: string): [userId: string, kind: OptionalKind] {
  const [part = "", given = ""] = token.split(".");
  const text = Buffer.from(part, "base64url").toString();
  const expected = Buffer.from(signature(secret, text));
  const found = Buffer.from(given);
  const read = content.safeParse(text.split(" "));
  if (found.length !== expected.length || !timingSafeEqual(found, expected) || !read.success)
    throw new SoukError("INVALID_TOKEN");
  return read.data;
}

const signature = (secret: string, text: string): string =>
  createHmac("sha256", secret).update(`unsubscribe\u0000${text}`).digest("base64url");
