/** `npm run coverage`: `npm test`, and how much of the code it has run. */
import { command } from "../support/command.ts";
import { runTool } from "../support/run-tool.ts";

const [specs] = command("coverage", "Runs npm test, and tells how much of the code it has run.")
  .argument("[spec...]", "files of tests to run instead of all")
  .parse().processedArgs;
process.exitCode = await runTool("c8", ["npm", "test", "--", ...specs]);
