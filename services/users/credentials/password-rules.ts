/** Refuses passwords that attackers try first: the most common ones, and names of the account or the shop. */
import { SoukError } from "../../../broker/contract/errors.ts";

export interface About {
  email: string;
  name: string;
  /** The shop's name. */
  shop: string;
}

/** The contract's minimum. Shorter ones need not be stored. */
const SHORTEST = 8;

let list: Promise<ReadonlySet<string>> | undefined;

/** Read when the first password is set, because only nodes that set passwords need it. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  list ??= import("@zxcvbn-ts/language-common").then(
    ({ dictionary }) =>
      new Set(dictionary["passwords-common"].filter((it) => String(it).length >= SHORTEST).map(String)),
  );
  return list;
}

/**
 * @param field the name of the password in the request
 * @throws {SoukError} WEAK_PASSWORD
 */
export async function checkPasswordRules(password: string, about: About, field = "password"): Promise<void> {
  const normal = normalised(password);
  if ((await commonPasswords()).has(normal))
    throw weak(field, "is one of the passwords that are tried first");
  if (namesOf(about).has(lettersOf(normal))) throw weak(field, "is a name or address with little added");
}

const normalised = (text: string): string => text.normalize("NFKC").toLowerCase();
/** Digits and signs before, after and between letters add little. */
const lettersOf = (text: string): string => text.replaceAll(/[^\p{L}]/gu, "");

function namesOf({ email, name, shop }: About): ReadonlySet<string> {
  const [local = ""] = email.split("@");
  const words = normalised(name).split(/\s/);
  const names = [email, local, name, ...words, shop, "souk"].map((it) => lettersOf(normalised(it)));
  return new Set(names.filter((it) => it !== ""));
}

const weak = (field: string, message: string): SoukError =>
  new SoukError("WEAK_PASSWORD", `The password ${message}.`, { errors: [{ field, message }] });
