/** The frame of all command lines. Each has `--help`, and refuses wrong arguments with one line and exit code 2. */
import {
  Command,
  type CommanderError,
  type CommandUnknownOpts,
  InvalidArgumentError,
} from "@commander-js/extra-typings";

/** The exit code for wrong arguments. A failure ends with 1. */
const MISUSED = 2;

/**
 * A command that runs as `npm run NAME`. Nothing is started or read before its `parse`.
 * @param summary what it does, the first line of `--help`
 */
export function command(name: string, summary: string): Command {
  return framed(called.as(name), summary);
}

/** How commands are called, for their help: as npm scripts, or by the command `souk`. */
export const called = {
  as: (name: string): string =>
    name === "start" || name === "test" ? `npm ${name} --` : `npm run ${name} --`,
};

/** A command with sub-commands, one of which is required. Each may be in its own file. */
export function commandOf(
  name: string,
  summary: string,
  subcommands: readonly CommandUnknownOpts[],
): Command {
  const parent = command(name, summary);
  for (const it of subcommands) parent.addCommand(it);
  return parent;
}

/** A sub-command of a command. Its `action` does the work. */
export const subcommand = (name: string, summary: string): Command => framed(name, summary);

function framed(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .helpOption("-h, --help", "shows this")
    .helpCommand(false)
    .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}\n`) })
    .exitOverride((error) => process.exit(exitCodeOf(error)));
}

/** Requested help is a success. */
const exitCodeOf = ({ exitCode }: CommanderError): number => (exitCode === 0 ? 0 : MISUSED);

/** A whole number within these limits, inclusive. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const given = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(given) && given >= min && given <= max) return given;
    const range = max === Number.MAX_SAFE_INTEGER ? `, ${min} or more` : ` from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number${range}.`);
  };
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const given = Number(text);
  if (text.trim() !== "" && given > 0 && Number.isFinite(given)) return given;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/** An HTTP address, without a slash at the end. */
export function httpAddress(text: string): string {
  const address = text.replace(/\/+$/, "");
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new InvalidArgumentError("It must be an address of HTTP.");
}
