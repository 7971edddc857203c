/** Names of what `npm run new` makes, in the forms that code needs. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** `gift-cards` as it stands in files, identifiers, types and variables. */
export interface Names {
  readonly name: string;
  readonly camel: string;
  readonly Pascal: string;
  readonly snake: string;
  readonly UPPER: string;
}

const MAX_LENGTH = 30;
const KEYWORDS = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false " +
    "finally for function if implements import in instanceof interface let new null package private protected public return " +
    "static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/** The value of an argument NAME. */
export function kebabName(text: string): Names {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(text) || text.length > MAX_LENGTH)
    throw new InvalidArgumentError(
      `It must be lower-case words joined by -, such as gift-cards, of ${MAX_LENGTH} characters at most.`,
    );
  const words = text.split("-");
  const Pascal = words.map((it) => it.charAt(0).toUpperCase() + it.slice(1)).join("");
  const camel = Pascal.charAt(0).toLowerCase() + Pascal.slice(1);
  if (KEYWORDS.has(camel)) throw new InvalidArgumentError("It must not be a word of TypeScript.");
  const snake = words.join("_");
  return { name: text, camel, Pascal, snake, UPPER: snake.toUpperCase() };
}
