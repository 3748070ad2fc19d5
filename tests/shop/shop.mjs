// A small real origin: a clinic that hands out appointments. It counts who is inside by a cookie of its own, so that
// it can say whether Anteroom kept its promise. Run: node tests/shop/shop.mjs --port 8788 [--session-ms 300000]
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { ITEMS, SCRIPT, STYLE, checkout, front, goodbye, item, thanks } from "./pages.mjs";
import { echo } from "./websocket.mjs";

const PAYLOAD = Buffer.from(Array.from({ length: 10_000 }, (_, index) => index % 251));
const PAYLOAD_ETAG = `"${createHash("sha256").update(PAYLOAD).digest("hex").slice(0, 16)}"`;
const SLOW_MS_MAX = 30_000, CHUNKS_MAX = 1_000, CHUNK_EVERY_MS = 50;
const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path d="M1 0v2M0 1h2"/></svg>';
/** Whoever asks for one of these has come in. What a page is made of, and what tests ask for, counts nobody. */
const PAGES = new Set(["/", "/item", "/cart", "/checkout", "/purchase", "/thanks"]);

/**
 * Counts people by the shop's own session cookie. A session begins with the first page somebody asks for and ends with
 * `POST /bye`, or when it was not seen for `sessionMs`. Behind an Anteroom whose sessions end sooner than that, people who
 * just went are counted longer here than there: give both the same time.
 */
class Visitors {
  /** Session to when it was last seen, the longest unseen first. */
  #seen = new Map();
  constructor(sessionMs) {
    this.sessionMs = sessionMs;
    this.reset();
  }
  /** Begins to count anew; who is inside stays inside. */
  reset() {
    const inside = this.#seen.size;
    this.stats = { inside, inside_max: inside, sessions: 0, ended: 0, purchases: 0, requests: 0 };
  }
  knows(session) {
    return this.#seen.has(session);
  }
  /** A request of a session, which begins with it if it is not known. */
  see(session) {
    this.expire();
    if (!this.#seen.delete(session)) this.stats.sessions++;
    this.#seen.set(session, Date.now());
    this.stats.inside = this.#seen.size;
    this.stats.inside_max = Math.max(this.stats.inside_max, this.stats.inside);
  }
  expire() {
    const before = Date.now() - this.sessionMs;
    for (const [session, at] of this.#seen) {
      if (at >= before) break;
      this.end(session);
    }
  }
  end(session) {
    if (this.#seen.delete(session)) this.stats.ended++;
    this.stats.inside = this.#seen.size;
  }
}

/** Whoever comes again brings the id of a visit before, and keeps it: two visits whose first answer was lost are one. */
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const cookieOf = (request) => /(?:^|;\s*)shop_session=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];

/** Whether somebody goes to a page, or an app asks for it: neither a part of a page nor a machine that looks around. */
function isVisit({ headers }, route) {
  const accept = headers.accept ?? "";
  return PAGES.has(route) && (headers["sec-fetch-mode"] === "navigate" || /text\/html|application\/json/.test(accept));
}

async function upload(request, reply) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  reply.json({ bytes, sha256: hash.digest("hex") });
}

/** One range of bytes, as RFC 9110 has it: from-to, from-, or the last so many. */
function file(request, reply) {
  const headers = { "Accept-Ranges": "bytes", ETag: PAYLOAD_ETAG, "Content-Type": "application/octet-stream" };
  if (request.headers["if-none-match"] === PAYLOAD_ETAG) return reply.send(304, headers);
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  if (!from && !to) return reply.send(200, headers, PAYLOAD);
  const first = from ? Number(from) : Math.max(0, PAYLOAD.length - Number(to));
  const last = from && to ? Math.min(Number(to), PAYLOAD.length - 1) : PAYLOAD.length - 1;
  if (first > last) return reply.send(416, { "Content-Range": `bytes */${PAYLOAD.length}` });
  reply.send(206, { ...headers, "Content-Range": `bytes ${first}-${last}/${PAYLOAD.length}` }, PAYLOAD.subarray(first, last + 1));
}

/** Chunks that come one by one, so that a proxy which gathers them is seen. */
function stream(request, { response }, { query }) {
  const chunks = Math.min(Number(query.get("n") ?? 5) || 5, CHUNKS_MAX);
  response.writeHead(200, { "Content-Type": "text/plain" });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`chunk ${++sent}\n`);
    if (sent === chunks) response.end();
  }, CHUNK_EVERY_MS);
  response.on("close", () => clearInterval(timer));
}

const routes = {
  "GET /": (_, reply) => reply.html(front()),
  "GET /item": (_, reply, { rest }) => {
    const found = ITEMS.find(({ n }) => String(n) === rest);
    if (found) reply.html(item(found));
    else reply.notFound();
  },
  "POST /cart": (_, reply) => reply.redirect(303, "/checkout"),
  "GET /checkout": (_, reply) => reply.html(checkout()),
  "POST /purchase": (_, reply, { visitors }) => {
    visitors.stats.purchases++;
    reply.redirect(303, "/thanks");
  },
  "GET /thanks": (_, reply) => reply.html(thanks()),
  // A waiting room that listens ends the session too: by our word, or by that of Cloudflare's.
  "POST /bye": (request, reply, { visitors, query }) => {
    visitors.end(cookieOf(request));
    reply.header(query.has("cf") ? "Cf-Waiting-Room-Command" : "Anteroom-Command", "revoke");
    reply.cookie("shop_session=; Max-Age=0; Path=/");
    reply.html(goodbye());
  },
  "GET /style.css": (_, reply) => reply.send(200, { "Content-Type": "text/css" }, STYLE),
  "GET /shop.js": (_, reply) => reply.send(200, { "Content-Type": "text/javascript" }, SCRIPT),
  "GET /api": (_, reply) => reply.json({ appointments: ITEMS.length }),
  // What caches may keep for a year, by every header that says so.
  "GET /logo": (_, reply) => {
    reply.header("Cache-Control", "public, max-age=31536000, immutable");
    for (const name of ["CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control"]) reply.header(name, "max-age=31536000");
    reply.header("Expires", "Fri, 01 Jan 2038 00:00:00 GMT");
    reply.send(200, { "Content-Type": "image/svg+xml" }, LOGO);
  },
  "GET /redirect": (_, reply) => reply.redirect(302, "/item/1"),
  "GET /file": file,
  "GET /stream": stream,
  "POST /upload": upload,
  "GET /slow": (_, reply, { query }) => setTimeout(() => reply.json({ slept: true }), Math.min(Number(query.get("ms")) || 0, SLOW_MS_MAX)),
};
const METHODS = new Set(Object.keys(routes).map((route) => route.split(" ")[0]));

class Reply {
  #headers = {};
  constructor(response) {
    this.response = response;
  }
  header(name, value) {
    this.#headers[name] = value;
  }
  cookie(line) {
    this.header("Set-Cookie", line);
  }
  send(status, headers, body = "") {
    this.response.writeHead(status, { "Cache-Control": "no-store", ...this.#headers, ...headers }).end(body);
  }
  html(body) {
    this.send(200, { "Content-Type": "text/html; charset=utf-8" }, body);
  }
  json(value) {
    this.send(200, { "Content-Type": "application/json" }, JSON.stringify(value));
  }
  redirect(status, to) {
    this.send(status, { Location: to });
  }
  notFound() {
    this.send(404, { "Content-Type": "text/plain" }, "Not found");
  }
}

async function answer(request, reply, visitors) {
  const { pathname, searchParams: query } = new URL(request.url, "http://shop.localhost");
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (`${method} ${pathname}` === "POST /stats/reset") visitors.reset();
  if (/^\/stats(\/reset)?$/.test(pathname)) {
    visitors.expire();
    return reply.json(visitors.stats);
  }
  visitors.stats.requests++;
  // `/item/1` and `/api/stock` are routes with a rest.
  const [, first, rest] = /^\/(item|api)\/(.*)$/.exec(pathname) ?? [];
  const route = first ? `/${first}` : pathname;
  const session = cookieOf(request);
  if (visitors.knows(session)) {
    visitors.see(session);
  } else if (isVisit(request, route)) {
    const fresh = ID.test(session) ? session : randomUUID();
    visitors.see(fresh);
    reply.cookie(`shop_session=${fresh}; Path=/; HttpOnly; SameSite=Lax`);
  }
  // What arrived, by any method: for tests.
  if (route === "/echo") return reply.json({ method: request.method, url: request.url, headers: request.headers });
  const handler = routes[`${method} ${route}`];
  if (handler) return handler(request, reply, { query, rest, visitors });
  const allowed = [...METHODS].filter((other) => routes[`${other} ${route}`]);
  if (allowed.length) reply.send(405, { Allow: allowed.join(", ") });
  else reply.notFound();
}

/** Starts the shop on loopback. `port` 0 picks a free one. */
export async function startShop({ port = 0, sessionMs = 300_000 } = {}) {
  const visitors = new Visitors(sessionMs);
  let unwell = false;
  const server = createServer((request, response) => {
    const reply = new Reply(response);
    if (unwell) return reply.send(500, { "Content-Type": "text/plain" }, "The shop is not well");
    // The only thing that fails here is a request which breaks off, or an address that is none.
    answer(request, reply, visitors).catch(() => response.headersSent ? response.destroy() : reply.send(400, {}));
  });
  // Whoever fetches from here keeps connections: none ends under a request that was sent late.
  server.keepAliveTimeout = 0;
  server.on("upgrade", (request, socket) => {
    if (request.url.split("?")[0] === "/ws") echo(request, socket);
    else socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  server.listen(port, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  return {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    get stats() {
      visitors.expire();
      return visitors.stats;
    },
    reset: () => visitors.reset(),
    /** Whether it answers nothing but 500. */
    get unwell() {
      return unwell;
    },
    set unwell(is) {
      unwell = is;
    },
    close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}

/** The value of a numeric option of the command line. */
function option(name, fallback) {
  const at = process.argv.indexOf(name);
  if (at < 0) return fallback;
  const value = Number(process.argv[at + 1]);
  if (Number.isInteger(value) && value >= 0) return value;
  console.error(`${name} is a whole number from 0 on, not ${process.argv[at + 1] ?? "nothing"}`);
  process.exit(2);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const shop = await startShop({ port: option("--port", 8788), sessionMs: option("--session-ms", 300_000) });
  console.log(`the demo shop listens on ${shop.url}`);
}
