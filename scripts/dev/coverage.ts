/** `npm run coverage`: runs `npm test` and reports the coverage. */
import { command } from "../support/command.ts";
import { runTool } from "../support/run-tool.ts";

const [specs] = command("coverage", "Runs npm test and reports the code coverage.")
  .argument("[spec...]", "files of tests to run instead of all")
  .parse().processedArgs;
process.exitCode = await runTool("c8", ["npm", "test", "--", ...specs]);
