/** Shapes that several parts of the contract of users share. */
import { z } from "zod";
import { extOf } from "../../broker/contract/fields.ts";
import { email, id, line } from "../../broker/contract/schemas.ts";

export const role = z
  .enum(["customer", "staff", "admin"])
  .meta({ id: "Role", description: "What a user may do; each may do what the ones before may" });
export type Role = z.output<typeof role>;

export const password = z
  .string()
  .min(8)
  .max(128)
  .meta({
    description: "8 to 128 characters, and none of the common ones",
    examples: ["a-long-passphrase"],
  });
export const currentPassword = z
  .string()
  .min(1)
  .max(128)
  .meta({ description: "The user's present one", examples: ["a-long-passphrase"] });
export const token = z.string().min(20).max(512);
export const name = line(120).meta({ examples: ["Ann Example"] });
export const refreshToken = token.meta({
  description: "The newest one of the session",
  examples: ["AZQbIHoAfhCcMVuNL05qcKvNq3Zk0pYw5Vn1sX8dQx"],
});

const userExample = {
  id: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
  email: "ann@example.com",
  emailVerified: true,
  name: "Ann Example",
  roles: ["customer"],
  secondFactor: "off",
};
export const customerExt = extOf("customer");
export const userView = z
  .strictObject({
    id,
    email,
    emailVerified: z.boolean().meta({ description: "Whether a mail to the address was answered" }),
    name: z.string(),
    roles: z.array(role),
    secondFactor: z.enum(["on", "off", "required"]).meta({
      id: "SecondFactor",
      description: "`required`: rights of staff wait until there is one",
    }),
    ext: customerExt.optional(),
  })
  .meta({ id: "User", description: "An account", examples: [userExample] });
export const tokens = z
  .strictObject({
    user: userView,
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: "Seconds until the access token expires" }),
  })
  .meta({
    id: "Tokens",
    description: "Who is signed in, and the tokens of the session",
    examples: [
      {
        user: userExample,
        accessToken: "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIwMTk0MWIxMCJ9.c2lnbmF0dXJl",
        refreshToken: "AZQbIHoAfhCcMVuNL05qcKvNq3Zk0pYw5Vn1sX8dQx",
        expiresIn: 900,
      },
    ],
  });
