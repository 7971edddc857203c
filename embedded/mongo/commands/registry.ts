/** All commands by name, and what is common to running any of them. */
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
import { aggregate } from "./aggregate.ts";
import { connectionStatus, logout, saslContinue, saslStart } from "./authenticate.ts";
import type { Command } from "./context.ts";
import { explain } from "./explain.ts";
import { findAndModify } from "./find-and-modify.ts";
import { createIndexes, dropIndexes, listIndexes } from "./indexes.ts";
import { count, distinct, find, getMore } from "./read.ts";
import * as info from "./server-info.ts";
import { endSessions, endTransaction, killCursors, refreshSessions, startSession } from "./sessions.ts";
import { insert, remove, update } from "./write.ts";

const hello: Command = { run: info.hello };
const modify: Command = { run: findAndModify, writes: true, retryable: true };
const writes = (run: Command["run"]): Command => ({ run, writes: true });

/** MongoDB's commands that the store has; anything else is CommandNotFound. */
export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    hello,
    ismaster: hello,
    isMaster: hello,
    ping: { run: info.ping },
    buildInfo: { run: info.buildInfo },
    buildinfo: { run: info.buildInfo },
    serverStatus: { run: info.serverStatus },
    hostInfo: { run: info.hostInfo },
    getParameter: { run: info.getParameter },
    connectionStatus: { run: connectionStatus },
    getLog: { run: info.getLog },
    getCmdLineOpts: { run: info.getCmdLineOpts },
    whatsmyuri: { run: info.whatsmyuri },
    replSetGetStatus: { run: info.replSetGetStatus },
    saslStart: { run: saslStart },
    saslContinue: { run: saslContinue },
    logout: { run: logout },
    startSession: { run: startSession },
    endSessions: { run: endSessions },
    killSessions: { run: endSessions },
    killAllSessions: { run: endSessions },
    refreshSessions: { run: refreshSessions },
    commitTransaction: { run: endTransaction },
    abortTransaction: { run: endTransaction },
    insert: { run: insert, writes: true, retryable: true },
    update: { run: update, writes: true, retryable: true },
    delete: { run: remove, writes: true, retryable: true },
    findAndModify: modify,
    findandmodify: modify,
    find: { run: find },
    getMore: { run: getMore },
    killCursors: { run: killCursors },
    aggregate: { run: aggregate },
    explain: { run: explain },
    count: { run: count },
    distinct: { run: distinct },
    create: writes(create),
    drop: writes(drop),
    dropDatabase: writes(dropDatabase),
    renameCollection: writes(renameCollection),
    listCollections: { run: listCollections },
    listDatabases: { run: listDatabases },
    createIndexes: writes(createIndexes),
    dropIndexes: writes(dropIndexes),
    deleteIndexes: writes(dropIndexes),
    listIndexes: { run: listIndexes },
    collMod: writes(collMod),
    collStats: { run: collStats },
    dbStats: { run: dbStats },
  } satisfies Record<string, Command>),
);
