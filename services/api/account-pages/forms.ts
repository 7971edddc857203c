/**
 * What the links of mails open until the shop has pages of its own. Opening a link changes nothing, because mail programs open
 * links too. A form does, with the mail's token as its only authority: no cookie takes part.
 */
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { escapeHtml } from "../../../broker/http/html-page.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";

export type Fields = Readonly<Record<string, string | undefined>>;
/** Does what a form asks for, and says so. */
type Act = (call: TypedCall, fields: Fields) => Promise<string>;

export interface AccountForm {
  readonly path: `/account/${string}`;
  readonly title: string;
  readonly text: string;
  /** Inputs and buttons, as HTML. */
  readonly inputs: string;
  readonly act: Act;
}

const required = (fields: Fields, name: string): string => fields[name] ?? "";

const PASSWORD = `<label>New password
<input type="password" name="password" minlength="8" maxlength="128" autocomplete="new-password" required></label>
<button>Set the password</button>`;

const INVITED = `<label>Your name
<input type="text" name="name" maxlength="120" autocomplete="name" required></label>
${PASSWORD}`;

export const ACCOUNT_FORMS: readonly AccountForm[] = [
  {
    path: "/account/verify",
    title: "Confirm your e-mail address",
    text: "Confirm that this address is yours.",
    inputs: "<button>Confirm</button>",
    async act(call, fields) {
      await call("users.verifyEmail", { token: required(fields, "token") });
      return "Your e-mail address is confirmed.";
    },
  },
  {
    path: "/account/reset",
    title: "Set a new password",
    text: "You will be signed out everywhere.",
    inputs: PASSWORD,
    async act(call, fields) {
      await call("users.resetPassword", {
        token: required(fields, "token"),
        password: required(fields, "password"),
      });
      return "Your password is set. You can sign in with it.";
    },
  },
  {
    path: "/account/email",
    title: "Change the e-mail address of your account",
    text: "Agree only if you have asked for it yourself. The address changes when both addresses have agreed.",
    inputs: `<button name="decision" value="agree">Agree</button>
<button name="decision" value="refuse">I have not asked for this</button>`,
    async act(call, fields) {
      const token = required(fields, "token");
      if (fields.decision === "refuse") {
        await call("users.cancelEmailChange", { token });
        return "The address stays as it is. Change your password: somebody else seems to know it.";
      }
      if (fields.decision !== "agree") throw new SoukError("VALIDATION_FAILED", "Agree or refuse.");
      const { status } = await call("users.confirmEmailChange", { token });
      return status === "changed"
        ? "Your account has its new address."
        : "Thank you. Now the mail to the other address has to be answered.";
    },
  },
  {
    path: "/account/invitation",
    title: "Join the staff",
    text: "Say who you are, and choose a password. Then you can sign in.",
    inputs: INVITED,
    async act(call, fields) {
      await call("users.acceptInvitation", {
        token: required(fields, "token"),
        name: required(fields, "name"),
        password: required(fields, "password"),
      });
      return "Welcome. You can sign in with your e-mail address and your password.";
    },
  },
  {
    path: "/account/unsubscribe",
    title: "No more e-mails of this kind",
    text: "You will get no more e-mails of this kind. You can choose them again in your account.",
    inputs: "<button>Unsubscribe</button>",
    async act(call, fields) {
      await call("notifications.unsubscribe", { token: required(fields, "token") });
      return "You will get no more e-mails of this kind.";
    },
  },
];

/** The form itself. It keeps the token out of the address that it is sent to. */
export const formOf = ({ title, text, inputs, path }: AccountForm, token: string, note = ""): string =>
  `<h1>${escapeHtml(title)}</h1>
${note && `<p role="alert">${escapeHtml(note)}</p>`}
<p>${escapeHtml(text)}</p>
<form method="post" action="${path}">
<input type="hidden" name="token" value="${escapeHtml(token)}">
${inputs}
</form>`;

/** What a person is told about a failure that the form may be repaired for; undefined for any other. */
export function noteOn(error: unknown): string | undefined {
  const code = errorCode(error);
  if (code === "INVALID_TOKEN") return "This link was used already, or is too old. Ask for another mail.";
  if (code === "EMAIL_TAKEN") return "Another account has this address.";
  if (code !== "WEAK_PASSWORD" && code !== "VALIDATION_FAILED") return undefined;
  return error instanceof Error ? error.message : "Please look at what you have typed.";
}
