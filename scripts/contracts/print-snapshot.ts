/** Prints the present contracts in the form of docs/contracts.json. */
import { contractSnapshot, snapshotText } from "./snapshot.ts";

process.stdout.write(snapshotText(await contractSnapshot()));
