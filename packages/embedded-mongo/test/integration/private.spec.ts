import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deserialize, serialize } from "bson";
import { MongoClient, MongoServerError } from "mongodb";
import { credentialsOf, ScramConversation } from "../../src/auth/scram.ts";
import {
  closeDataFolder,
  runningStoreUri,
  startEmbeddedMongo,
  storeProgram,
  tcpUri,
} from "../../src/index.ts";
import { socketOf } from "../../src/kept-uri.ts";
import { openToOthers } from "../support/open-to-others.ts";
import { type StoreProcess, storeProcess } from "../support/store-process.ts";
import { temporaryFolder } from "../support/with-store.ts";

describe("the data of the embedded store", () => {
  let root: string;
  let mask: number;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "souk-private-"));
    // The most permissive setting.
    mask = process.umask(0);
  });
  afterEach(() => {
    process.umask(mask);
    rmSync(root, { recursive: true, force: true });
  });

  const use = async (uri: string) => {
    const client = await MongoClient.connect(uri);
    await client.db("shop").collection<{ _id: number }>("things").insertOne({ _id: 1 });
    await client.close();
  };

  it("is for its user alone: folder, database, log and socket", async () => {
    const dir = join(root, "data", "mongo");
    closeDataFolder(join(root, "data"));
    const store = await startEmbeddedMongo({ dir });
    await use(store.uri);
    assert.deepEqual(openToOthers(join(root, "data")), []);
    assert.ok(existsSync(join(dir, "store.sqlite-wal")), "the log was there to be looked at");
    await store.close();
    assert.deepEqual(openToOthers(join(root, "data")), []);
  });

  it("is closed at the start where an earlier version left it open", async () => {
    const data = join(root, "data");
    const dir = join(data, "mongo");
    const before = await startEmbeddedMongo({ dir });
    await use(before.uri);
    await before.close();
    mkdirSync(join(dir, "more"));
    writeFileSync(join(dir, "more", "old"), "");
    chmodSync(data, 0o755);
    chmodSync(dir, 0o755);
    for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o777);
    closeDataFolder(data);
    const after = await startEmbeddedMongo({ dir });
    assert.deepEqual(openToOthers(data), []);
    await after.close();
  });

  it("does not change the rights of a folder that holds others' things", async () => {
    const project = join(root, "project");
    mkdirSync(join(project, "src"), { recursive: true });
    writeFileSync(join(project, "run.sh"), "", { mode: 0o755 });
    await assert.rejects(startEmbeddedMongo({ dir: project }), /a folder of its own/);
    closeDataFolder(project);
    assert.equal(statSync(project).mode & 0o777, 0o777);
    assert.equal(statSync(join(project, "run.sh")).mode & 0o777, 0o755);
  });

  it("is refused with a symbolic link in it", async () => {
    const dir = join(root, "mongo");
    await (await startEmbeddedMongo({ dir })).close();
    symlinkSync("/etc/passwd", join(dir, "link"));
    await assert.rejects(startEmbeddedMongo({ dir }), /symbolic link/);
    assert.ok((statSync("/etc/passwd").mode & 0o044) !== 0, "what it points to was left alone");
  });

  describe("under a path that is too long for a socket", () => {
    let dir: string;
    beforeEach(() => {
      dir = join(root, "x".repeat(60), "y".repeat(60), "mongo");
    });

    it("has its socket in a short folder of its own, not on TCP", async () => {
      const store = await startEmbeddedMongo({ dir });
      const socket = socketOf(store.uri) ?? assert.fail(store.uri);
      await use(store.uri);
      assert.deepEqual(openToOthers(dirname(socket)), []);
      assert.equal(runningStoreUri(dir), store.uri);
      await store.close();
      assert.ok(!existsSync(dirname(socket)), "nothing is left behind");
      const again = await startEmbeddedMongo({ dir });
      assert.equal(again.uri, store.uri);
      await again.close();
    });

    it("goes elsewhere when somebody has taken the place meanwhile", async () => {
      const first = await startEmbeddedMongo({ dir });
      await first.close();
      const squatted = dirname(socketOf(first.uri) ?? "");
      mkdirSync(squatted, { mode: 0o777 });
      try {
        const second = await startEmbeddedMongo({ dir });
        assert.notEqual(dirname(socketOf(second.uri) ?? ""), squatted);
        await second.close();
      } finally {
        rmSync(squatted, { recursive: true });
      }
    });
  });

  it("listens on no other socket than one in a closed folder", async () => {
    const open = join(root, "open");
    mkdirSync(open);
    const listen = { socket: join(open, "store.sock") };
    await assert.rejects(startEmbeddedMongo({ dir: join(root, "mongo"), listen }), /0700/);
    chmodSync(open, 0o700);
    await (await startEmbeddedMongo({ dir: join(root, "mongo"), listen })).close();
  });
});

describe("the embedded store over TCP", () => {
  const password = randomBytes(24).toString("base64url");
  let root: string;
  let dir: string;
  let store: StoreProcess;
  let port: number;
  let uri: string;
  before(async function () {
    this.timeout(20_000);
    root = temporaryFolder();
    dir = join(root, "mongo");
    const file = join(root, "password");
    writeFileSync(file, password, { mode: 0o600 });
    store = await storeProcess("--dir", dir, "--port", "0", "--password-file", file);
    port = Number(new URL(store.uri).port);
    uri = tcpUri(password, `127.0.0.1:${port}`);
  });
  after(async () => {
    await store.end("SIGTERM");
    rmSync(root, { recursive: true, force: true });
  });

  const bare = () => `mongodb://127.0.0.1:${port}/?directConnection=true`;
  const unauthorized = (code: number) => (error: unknown) =>
    error instanceof MongoServerError && error.code === code;

  it("serves who logs in, whether or not the driver guesses the mechanism", async () => {
    for (const options of ["", "&authMechanism=SCRAM-SHA-256", "&authSource=admin"]) {
      const client = await MongoClient.connect(uri + options);
      const things = client.db("shop").collection<{ _id: string }>("things");
      await things.insertOne({ _id: `one${options}` });
      const { authInfo } = await client.db("admin").command({ connectionStatus: 1 });
      assert.deepEqual(authInfo.authenticatedUsers, [{ user: "souk", db: "admin" }]);
      await client.close();
    }
  });

  it("tells nothing to who does not, and takes nothing from them", async () => {
    const client = await MongoClient.connect(bare());
    const db = client.db("shop");
    await assert.rejects(db.collection("things").findOne(), unauthorized(13));
    await assert.rejects(db.collection("things").insertOne({}), unauthorized(13));
    await assert.rejects(db.admin().listDatabases(), unauthorized(13));
    await assert.rejects(db.admin().serverStatus(), unauthorized(13));
    await client.close();
  });

  it("refuses a wrong password, a wrong user and another mechanism", async () => {
    const wrong = uri.replace(/:[^:@/]+@/, ":a-wrong-password-indeed@");
    const nobody = uri.replace("//souk:", "//root:");
    for (const it of [wrong, nobody]) await assert.rejects(MongoClient.connect(it), unauthorized(18));
    await assert.rejects(
      MongoClient.connect(`${uri}&authMechanism=SCRAM-SHA-1`),
      (error) => error instanceof MongoServerError && [18, 334].includes(Number(error.code)),
    );
  });

  it("does not let in who asks for the end of a log-in that was never proved", async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const ask = async (body: object) => {
      const bytes = serialize({ ...body, $db: "admin" });
      const head = Buffer.alloc(21);
      head.writeInt32LE(21 + bytes.length, 0);
      head.writeInt32LE(2013, 12);
      socket.write(Buffer.concat([head, bytes]));
      const [reply] = (await once(socket, "data")) as [Buffer];
      return deserialize(reply.subarray(21));
    };
    const payload = (text: string) => Buffer.from(text);
    const start = {
      saslStart: 1,
      mechanism: "SCRAM-SHA-256",
      payload: payload("n,,n=souk,r=abcdefghijkl"),
      options: { skipEmptyExchange: true },
    };
    assert.equal((await ask({ saslContinue: 1, conversationId: 1, payload: payload("") })).code, 17);
    const first = await ask(start);
    const nonce = /r=([^,]+)/.exec(first.payload.toString("utf8"))?.[1];
    const proof = Buffer.alloc(32).toString("base64");
    const last = { saslContinue: 1, conversationId: 1, payload: payload(`c=biws,r=${nonce},p=${proof}`) };
    assert.equal((await ask(last)).code, 18);
    assert.equal((await ask(last)).code, 17, "a conversation has one try");
    assert.equal((await ask({ ...last, payload: payload("") })).code, 17);
    assert.equal((await ask({ listDatabases: 1 })).code, 13);
    socket.destroy();
  });

  it("prints no password, and keeps it where only its user reads it", () => {
    assert.match(store.uri, /^mongodb:\/\/souk:\*\*\*@/);
    assert.ok(!store.lines.join("\n").includes(password));
    assert.equal(runningStoreUri(dir), uri);
    assert.deepEqual(openToOthers(dir), []);
  });

  it("takes no password that could be guessed", () => {
    const args = ["--dir", join(tmpdir(), "souk-never-made"), "--port", "0", "--password-file", "/dev/null"];
    const { status, stderr } = spawnSync(process.execPath, [storeProgram, ...args], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /16 to 128/);
    rmSync(join(tmpdir(), "souk-never-made"), { recursive: true, force: true });
  });
});

describe("SCRAM-SHA-256", () => {
  it("follows the example of RFC 7677", () => {
    const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
    const credentials = credentialsOf("user", "pencil", { salt, iterations: 4_096, minimum: 1 });
    const scram = new ScramConversation(credentials, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    assert.equal(
      scram.first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"),
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    );
    assert.equal(
      scram.last(
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      ),
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    );
  });
});
