// What the README promises a newcomer: `make dev` prints three addresses, and they answer; its operator's token opens the page.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { NAVIGATION, until } from "./harness.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

let port, child, said = "";
before(async () => {
  port = await freePort();
  const env = { ...process.env, PORT: String(port), SHOP_PORT: String(await freePort()) };
  // A group of its own: `make`, wrangler, workerd and the shop end as one.
  child = spawn("make", ["dev"], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
});
after(() => process.kill(-child.pid, "SIGTERM"));

/** One request to this machine under a name that leads to it. */
const ask = (address, { method = "GET", headers = {}, body } = {}) => new Promise((resolve, reject) => {
  const { host, pathname } = new URL(address);
  const sent = request({ agent: false, host: "127.0.0.1", port, path: pathname, method, headers: { ...NAVIGATION, Host: host, ...headers } }, (answer) => {
    let text = "";
    answer.on("data", (data) => (text += data)).on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
  });
  sent.on("error", reject);
  sent.end(body);
});

test("make dev brings up the shop, the board and the operator's page, and says where", { timeout: 240_000 }, async () => {
  const addresses = await until(() => said.match(/http:\S+/g)?.length >= 3 && said.match(/http:\S+/g), "the addresses are printed", 120_000);
  const [shop, board, operator] = addresses;
  await until(() => ask(shop).then(() => true, () => false), `an answer: ${said}`, 60_000);
  // What the rooms are like is up to whoever has used this clone before.
  assert.equal((await ask(shop)).status, 200);
  assert.ok(JSON.parse((await ask(board)).text).sequence >= 1);
  const token = /^OPERATOR_TOKENS=dev:(\w+)$/m.exec(readFileSync(`${root}.dev.vars`, "utf8"))[1];
  const api = await ask(`${operator}client/v4/zones/z/waiting_rooms`, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual([api.status, JSON.parse(api.text).success], [200, true]);
  assert.match((await ask(operator)).text, /<form/);
});
