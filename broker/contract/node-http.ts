/**
 * What Souk uses of `node:http`. An `import` of that module reads each of its exports, and one of them loads the whole of
 * Node's client for `fetch`: 2 MB, and a good part of a start. That client is then loaded when something is fetched.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule("node:http");
