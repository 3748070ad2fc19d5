// An app without a cookie jar: its token comes and goes by a header of ours (docs/apps.md).
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { APP, KEPT_BY_NOBODY, Visitor, room, saysToCaches, startAnteroom, until } from "./harness.mjs";

/** An app that keeps one thing: its token. */
class Native {
  token = "new";
  /** `more` are headers that come with every request. */
  constructor(anteroom, more = {}) {
    Object.assign(this, { anteroom, more });
  }
  async ask(path, options = {}) {
    const answer = await this.anteroom.ask(path, { ...options, headers: { ...APP, ...this.more, "Anteroom-Token": this.token } });
    this.token = answer.headers["anteroom-token"] ?? this.token;
    assert.equal(answer.headers["set-cookie"]?.some((line) => line.includes("anteroom-")) ?? false, false);
    return answer;
  }
}

describe("an app that keeps no cookies", () => {
  test("waits, is let in, goes on by its token, and leaves", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms: [room({ total_active_users: 1 })] });
    t.after(() => anteroom.stop());
    const seat = new Visitor(anteroom);
    assert.equal(await seat.arrive(), "inside");
    await seat.go();
    const app = new Native(anteroom);
    assert.equal((await app.ask("/api")).headers.anteroom, "joining");
    assert.equal((await app.ask("/.anteroom/wait?anteroom-claim=1")).headers.anteroom, "waiting");
    await seat.leave();
    await until(async () => (await app.ask("/.anteroom/wait?anteroom-claim=1")).headers.anteroom === "admitted", "it is let in");
    const inside = await app.ask("/api");
    assert.deepEqual([inside.headers.anteroom, JSON.parse(inside.body)], [undefined, { appointments: 3 }]);
    assert.equal((await app.ask("/.anteroom/leave", { method: "POST" })).headers.anteroom, "left");
    assert.equal(app.token, "", "the token is taken away");
  });

  test("is let in at once while there is room, renews, and is out when the origin says so", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms: [room({ enabled_origin_commands: ["revoke"] })] });
    t.after(() => anteroom.stop());
    const app = new Native(anteroom);
    assert.equal((await app.ask("/api")).headers.anteroom, undefined);
    const first = app.token;
    assert.ok(first.length > 40 && first.length <= 96);
    await app.ask("/api");
    assert.notEqual(app.token, first, "the pass of first contact is confirmed by the next request");
    const ended = await app.ask("/bye", { method: "POST" });
    assert.deepEqual([ended.headers["anteroom-command"], app.token], [undefined, ""]);
  });

  test("keeps its token though its platform keeps another room's cookie; one of the room's counts before it", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom({ rooms: [room(), room({ name: "b", path: "/api/b" })] });
    t.after(() => anteroom.stop());
    const other = new Visitor(anteroom), visitor = new Visitor(anteroom);
    await other.go("/api/b");
    await visitor.go();
    const cookieOf = ({ jar }) => [...jar].map(([name, value]) => `${name}=${value}`).find((cookie) => cookie.startsWith("anteroom-"));
    const app = new Native(anteroom, { Cookie: cookieOf(other) });
    for (let time = 0; time < 3; time += 1) assert.equal((await app.ask("/api")).headers.anteroom, undefined);
    assert.ok(app.token.length > 40, "it was given a pass by the header");
    assert.equal((await app.ask("/.anteroom/leave", { method: "POST" })).headers.anteroom, "left");
    assert.equal(app.token, "", "the token is taken away by the header");
    // The room's own, of first contact: it is confirmed where it came from.
    const both = await anteroom.ask("/api", { headers: { ...APP, "Anteroom-Token": "new", Cookie: `${cookieOf(other)}; ${cookieOf(visitor)}` } });
    assert.deepEqual([both.headers.anteroom, both.headers["anteroom-token"]], [undefined, undefined]);
    assert.match(String(both.headers["set-cookie"]), new RegExp(cookieOf(visitor).split("=")[0]));
  });

  test("is told its token in answers that no cache keeps, whatever the origin says of them", { timeout: 240_000 }, async (t) => {
    const anteroom = await startAnteroom();
    t.after(() => anteroom.stop());
    const app = new Native(anteroom), first = await app.ask("/logo");
    assert.ok(first.headers["anteroom-token"].length > 40);
    assert.deepEqual(saysToCaches(first), KEPT_BY_NOBODY);
    await app.ask("/api");
    const next = await app.ask("/logo");
    assert.deepEqual([next.headers["anteroom-token"], saysToCaches(next).includes(undefined)], [undefined, false]);
  });

  const skip = spawnSync("curl", ["--version"]).error && "there is no curl on this machine";
  test("may be a few lines of shell, as in docs/apps.md", { timeout: 240_000, skip }, async (t) => {
    const anteroom = await startAnteroom();
    const folder = mkdtempSync(join(tmpdir(), "anteroom-app-"));
    t.after(() => (rmSync(folder, { recursive: true }), anteroom.stop()));
    const [, commands] = /```sh\n(.*?)```/s.exec(readFileSync(new URL("../../docs/apps.md", import.meta.url), "utf8"));
    const said = `${commands.replaceAll("localhost:8787", `localhost:${anteroom.url.port}`)}\ncat head`;
    const { stdout: told } = await promisify(execFile)("sh", ["-euc", said], { cwd: folder });
    assert.deepEqual(told.match(/\{"appointments":3\}/g)?.length, 2, "there was room: the API answered each time");
    assert.match(told, /^anteroom: left/im);
  });
});
