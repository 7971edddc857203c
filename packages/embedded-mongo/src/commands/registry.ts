/** All commands by name, and the common part of running them. */

import { StoreError } from "../errors.ts";
import {
  collMod,
  collStats,
  create,
  dbStats,
  drop,
  dropDatabase,
  listCollections,
  listDatabases,
  renameCollection,
} from "./admin.ts";
import { connectionStatus, logout, saslContinue, saslStart } from "./authenticate.ts";
import type { Command } from "./context.ts";
import { createIndexes } from "./create-indexes.ts";
import { aggregateOrExplain, explain } from "./explain.ts";
import { checkArguments } from "./fields.ts";
import { findAndModify } from "./find-and-modify.ts";
import { dropIndexes, listIndexes } from "./indexes.ts";
import { count, distinct, find, getMore } from "./read.ts";
import type { Request } from "./request.ts";
import * as info from "./server-info.ts";
import { endSessions, endTransaction, killCursors, refreshSessions, startSession } from "./sessions.ts";
import { insert, remove, update } from "./write.ts";

/** Arguments by name, separated by blanks. */
const known = (names: string): ReadonlySet<string> => new Set(names === "" ? [] : names.split(" "));
const none = known("");

// What a client says about itself in `hello` does not matter here.
const hello: Command = { run: info.hello };
const modify: Command = {
  run: findAndModify,
  writes: true,
  retryable: true,
  fields: known(
    "query sort remove update new upsert fields hint collation arrayFilters bypassDocumentValidation let",
  ),
};
const plain = (run: Command["run"], fields = ""): Command => ({ run, fields: known(fields) });
const reads = (run: Command["run"], fields = ""): Command => ({ ...plain(run, fields), reads: true });
const writes = (run: Command["run"], fields = ""): Command => ({ run, writes: true, fields: known(fields) });
const retryable = (run: Command["run"], fields: string): Command => ({
  ...writes(run, fields),
  retryable: true,
});

/** MongoDB's commands that the store supports. Any other is CommandNotFound. */
export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    hello,
    ismaster: hello,
    isMaster: hello,
    ping: plain(info.ping),
    buildInfo: plain(info.buildInfo),
    buildinfo: plain(info.buildInfo),
    serverStatus: { run: info.serverStatus },
    hostInfo: plain(info.hostInfo),
    getParameter: { run: info.getParameter },
    connectionStatus: plain(connectionStatus, "showPrivileges"),
    getLog: plain(info.getLog),
    getCmdLineOpts: plain(info.getCmdLineOpts),
    whatsmyuri: plain(info.whatsmyuri),
    replSetGetStatus: plain(info.replSetGetStatus, "initialSync"),
    logout: plain(logout),
    saslStart: plain(saslStart, "mechanism payload options autoAuthorize db"),
    saslContinue: plain(saslContinue, "conversationId payload"),
    startSession: plain(startSession),
    endSessions: plain(endSessions),
    killSessions: plain(endSessions),
    killAllSessions: plain(endSessions),
    refreshSessions: plain(refreshSessions),
    commitTransaction: plain(endTransaction, "recoveryToken"),
    abortTransaction: plain(endTransaction, "recoveryToken"),
    insert: retryable(insert, "documents ordered bypassDocumentValidation"),
    update: retryable(update, "updates ordered bypassDocumentValidation let"),
    delete: retryable(remove, "deletes ordered let"),
    findAndModify: modify,
    findandmodify: modify,
    find: reads(
      find,
      "filter sort projection hint skip limit batchSize singleBatch max min returnKey showRecordId tailable " +
        "oplogReplay noCursorTimeout awaitData allowPartialResults collation allowDiskUse let",
    ),
    getMore: plain(getMore, "collection batchSize"),
    killCursors: plain(killCursors, "cursors"),
    aggregate: reads(
      aggregateOrExplain,
      "pipeline explain allowDiskUse cursor bypassDocumentValidation collation hint let",
    ),
    explain: reads((context) => explain(context, checkExplained), "verbosity"),
    count: reads(count, "query limit skip hint collation fields"),
    distinct: reads(distinct, "key query collation hint"),
    create: writes(
      create,
      "capped autoIndexId idIndex size max storageEngine validator validationLevel validationAction " +
        "indexOptionDefaults viewOn pipeline collation timeseries expireAfterSeconds clusteredIndex " +
        "changeStreamPreAndPostImages encryptedFields temp",
    ),
    drop: writes(drop),
    dropDatabase: writes(dropDatabase),
    renameCollection: writes(renameCollection, "to dropTarget"),
    listCollections: plain(listCollections, "filter nameOnly authorizedCollections cursor"),
    listDatabases: reads(listDatabases, "filter nameOnly authorizedDatabases"),
    createIndexes: writes(createIndexes, "indexes commitQuorum"),
    dropIndexes: writes(dropIndexes, "index"),
    deleteIndexes: writes(dropIndexes, "index"),
    listIndexes: plain(listIndexes, "cursor"),
    collMod: writes(collMod, "index"),
    collStats: reads(collStats, "scale"),
    dbStats: reads(dbStats, "scale freeStorage"),
  } satisfies Record<string, Command>),
);

const inExplain = new Set(["find", "aggregate", "count", "distinct", "findAndModify", "update", "delete"]);

/** Checks the command inside an `explain` like one that is run. */
function checkExplained(request: Request): void {
  if (!inExplain.has(request.name))
    throw new StoreError(59, `Explain failed due to unknown command: ${request.name}`);
  checkArguments(request, commands.get(request.name)?.fields ?? none);
}
