// The built Worker on the real runtime, in front of the demo shop, for one test file.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestHarness } from "wrangler";
import { startShop } from "../shop/shop.mjs";

// The runtime's description of a request's way is not to be had offline, and not needed.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
const configPath = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));
export const KEY = "k".repeat(64);

/** A room for tests: every field can be said otherwise. */
export const room = (fields) => ({
  name: "test", host: "localhost", path: "/", total_active_users: 50, new_users_per_minute: 100_000,
  session_duration_seconds: 20, claim_window_seconds: 30, ...fields,
});

/** wrangler.toml with the board's mirror bound, by the lines that stand in it for that (docs/mirror.md). It stands beside it: what it names is found from there. */
function mirroredConfig() {
  const text = readFileSync(configPath, "utf8"), bound = text.replace(/^# (?=\[\[r2_buckets\]\]|binding = "MIRROR"|bucket_name)/gm, "");
  if (bound === text) throw new Error("wrangler.toml has no lines for the mirror");
  const path = configPath.replace(/toml$/, `mirrored.${process.pid}.toml`);
  writeFileSync(path, bound);
  process.once("exit", () => rmSync(path, { force: true }));
  return path;
}

/** Starts Anteroom and a shop behind it; `beside` it are other Workers. With the board's mirror bound, if it `isMirrored`. */
export async function startAnteroom({ rooms = [room()], vars = {}, secrets = {}, sessionMs, beside = [], isMirrored = false } = {}) {
  const shop = await startShop({ sessionMs });
  const harness = createTestHarness({
    workers: [{
      configPath: isMirrored ? mirroredConfig() : configPath,
      vars: { ORIGIN: shop.url, ANTEROOM: "on", OPERATOR_HOST: "operator.localhost", ROOMS: rooms, ...vars },
      secrets: { KEY_CURRENT: KEY, ...secrets },
    }, ...beside],
  });
  const { url } = await harness.listen();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  return {
    harness, shop,
    /** The same server by the name that its rooms cover: for browsers. */
    url: Object.assign(new URL(url), { hostname: "localhost" }),
    worker: harness.getWorker(),
    ask: (path, options) => ask(new URL(url), path, agent, options),
    board: async () => JSON.parse((await ask(new URL(url), "/.anteroom/board", agent)).body),
    stop: async () => {
      agent.destroy();
      await harness.close();
      await shop.close();
    },
  };
}

/** `wrangler dev` with the rooms of wrangler.toml, on a storage of its own that outlives it. The harness above lets Node.js fetch
 * from the origin, which follows redirects and knows no upgrades; here workerd does. */
export async function startDevelopment({ protocol = "http", vars = {} } = {}) {
  const shop = await startShop({ sessionMs: 60_000 });
  const state = mkdtempSync(join(tmpdir(), "anteroom-"));
  const { Agent } = protocol === "https" ? https : http, agent = new Agent({ keepAlive: true });
  let server = await startWrangler(shop, state, "0", protocol, vars);
  return {
    shop,
    get url() { return server.url; },
    ask: (path, options) => ask(server.url, path, agent, options),
    /** The machine is switched off and on again: no process gets to say a last word. */
    crash: async () => {
      await server.end("SIGKILL");
      server = await startWrangler(shop, state, server.url.port, protocol, vars);
    },
    stop: async () => {
      agent.destroy();
      await server.end("SIGTERM");
      await shop.close();
      rmSync(state, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Its processes are a group of their own, and end as one. */
async function startWrangler(shop, state, port, protocol, more) {
  const tools = fileURLToPath(new URL("../node_modules/.bin", import.meta.url));
  const env = { ...process.env, PATH: `${tools}:${process.env.PATH}`, CLOUDFLARE_CF_FETCH_ENABLED: "false" };
  const vars = { ORIGIN: shop.url, KEY_CURRENT: KEY, ...more };
  const child = spawn("wrangler", ["dev", "-c", configPath, "--port", port, "--local-protocol", protocol, "--inspector-port", "0", "--persist-to", state,
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`])], { env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (data) => {
      said += data;
      const found = /Ready on (https?:\/\/\S+)/.exec(said);
      if (found) resolve(new URL(found[1]));
    });
    ended.then(() => reject(new Error(`wrangler dev ended: ${said}`)));
  });
  return { url, end: async (signal) => (process.kill(-child.pid, signal), ended) };
}

/** When each connection that is kept was last answered on. */
const answeredAt = new WeakMap();
/** workerd ends a connection on which nothing was asked for five seconds; here one may be taken for alive that it has ended. */
const IDLE_MS = 4_000;

/** One HTTP request with just this path and these headers. `host` stands in the Host header alone: every name leads to this machine. What meets the end of a connection that was
 * idle for long is asked one more time, on a connection of its own, as browsers do. */
export function ask(url, path, agent, options = {}) {
  const { method = "GET", headers = {}, body, host } = options;
  return new Promise((resolve, reject) => {
    const named = host ? { Host: `${host}:${url.port}` } : { Host: `localhost:${url.port}` };
    // What speaks https here has a certificate of its own making.
    const { request } = url.protocol === "https:" ? https : http, trusts = { rejectUnauthorized: false };
    const sent = request({ agent, method, hostname: url.hostname, port: url.port, path, headers: { ...named, ...headers }, ...trusts }, (answer) => {
      const chunks = [], { socket } = answer;
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        answeredAt.set(socket, performance.now());
        const bytes = Buffer.concat(chunks);
        resolve({ status: answer.statusCode, headers: answer.headers, bytes, body: bytes.toString() });
      });
    });
    let idleMs = 0;
    sent.on("socket", (socket) => (idleMs = performance.now() - (answeredAt.get(socket) ?? Infinity)));
    sent.on("error", (error) => (idleMs >= IDLE_MS && /ECONNRESET|EPIPE/.test(error.code) ? resolve(ask(url, path, false, options)) : reject(error)));
    sent.end(body);
  });
}

export const NAVIGATION = { "Sec-Fetch-Mode": "navigate", Accept: "text/html,application/xhtml+xml", "Accept-Language": "en" };
export const APP = { "Sec-Fetch-Mode": "cors", Accept: "application/json" };

/** What an answer says to caches, by every header that may. */
const FOR_CACHES = ["cache-control", "cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "expires"];
export const saysToCaches = ({ headers }) => FOR_CACHES.map((name) => headers[name]);
export const KEPT_BY_NOBODY = ["private, no-store", undefined, undefined, undefined, undefined];

/** Waits until a condition holds, and fails when it does not within a time. */
export async function until(condition, what, millis = 90_000) {
  const end = Date.now() + millis;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${millis} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Measures for how long this machine lets nobody run: by how much a timer of this process was late, at the longest. */
export function measureStalls() {
  const EVERY_MS = 50;
  let last = performance.now();
  const measured = { longestMs: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    const now = performance.now();
    measured.longestMs = Math.max(measured.longestMs, now - last - EVERY_MS);
    last = now;
  }, EVERY_MS);
  return measured;
}

/** A visitor with a cookie jar, who behaves as a browser with our page's script does. */
export class Visitor {
  constructor(anteroom) {
    this.anteroom = anteroom;
    this.jar = new Map();
  }
  async ask(path, { headers = {}, ...options } = {}) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await this.anteroom.ask(path, { ...options, headers: { ...headers, ...(cookie && { Cookie: cookie }) } });
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/Max-Age=0/.test(line)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }
  go = (path = "/") => this.ask(path, { headers: NAVIGATION });
  /** The room's own word on where this visitor stands; null when the origin answered. */
  async stand(path = "/.anteroom/wait?to=/") {
    const answer = await this.ask(path, { headers: APP });
    return answer.headers.anteroom ? JSON.parse(answer.body).cfWaitingRoom : null;
  }
  leave = () => this.ask("/.anteroom/leave", { method: "POST", headers: { ...NAVIGATION, "Sec-Fetch-Site": "same-origin" } });
  /** Arrives, and joins if the page says so. Answers the state, or "inside". */
  async arrive() {
    const page = await this.go();
    if (!page.headers.anteroom) return "inside";
    const joined = await this.stand("/");
    if (!joined) return "inside";
    this.place = joined.place;
    return joined.state;
  }
}
