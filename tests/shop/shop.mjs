// A small real origin: a clinic that hands out appointments. It counts who is inside by a cookie of its own, so that
// it can say whether Anteroom kept its promise. Run: node tests/shop/shop.mjs --port 8788
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const STYLE = `:root{color-scheme:light dark}body{font:1.05rem/1.6 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}
nav{display:flex;flex-wrap:wrap;gap:1rem}button{font:inherit;padding:.6rem 1.2rem;border-radius:.5rem;border:1px solid;cursor:pointer}`;
const PAYLOAD = Buffer.from(Array.from({ length: 10_000 }, (_, index) => index % 251));

const page = (title, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><link rel="stylesheet" href="/style.css"></head>
<body><main><h1>${title}</h1>${body}</main>
<nav><a href="/">All appointments</a><a href="/checkout">Your appointment</a></nav>
<form method="post" action="/bye"><p><button>Sign out and leave</button></p></form></body></html>`;

/** Counts people by the shop's own session cookie. A session ends with `end`, or when it was not seen for `sessionMs`. */
class Visitors {
  constructor(sessionMs) {
    this.sessionMs = sessionMs;
    this.reset();
  }
  reset() {
    this.seen = new Map();
    this.stats = { inside: 0, inside_max: 0, sessions: 0, ended: 0, purchases: 0, requests: 0 };
  }
  arrive(id) {
    const now = Date.now();
    for (const [other, at] of this.seen) if (now - at > this.sessionMs) this.end(other);
    const known = this.seen.has(id);
    const session = known ? id : randomUUID();
    this.seen.set(session, now);
    if (!known) this.stats.sessions++;
    this.stats.inside = this.seen.size;
    this.stats.inside_max = Math.max(this.stats.inside_max, this.seen.size);
    return { session, known };
  }
  end(id) {
    if (this.seen.delete(id)) this.stats.ended++;
    this.stats.inside = this.seen.size;
  }
}

const cookieOf = (request) => /(?:^|;\s*)shop_session=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const routes = {
  "GET /": (_, reply) => reply.html(page("Town clinic", `<p>Choose an appointment.</p><ul>${[1, 2, 3].map((n) => `<li><a href="/item/${n}">Appointment ${n}</a></li>`).join("")}</ul>`)),
  "GET /item": (_, reply) => reply.html(page("Appointment", `<form method="post" action="/cart"><button id="choose">Choose this appointment</button></form>`)),
  "POST /cart": (_, reply) => reply.redirect("/checkout"),
  "GET /checkout": (_, reply) => reply.html(page("Your appointment", `<form method="post" action="/purchase"><button id="confirm">Confirm the appointment</button></form>`)),
  "POST /purchase": (_, reply, shop) => {
    shop.stats.purchases++;
    reply.redirect("/thanks");
  },
  "GET /thanks": (_, reply) => reply.html(page("Thank you", `<p id="done">Your appointment is confirmed.</p>
    <form method="post" action="/.anteroom/leave"><button id="leave">Leave and let the next person in</button></form>`)),
  "GET /api": (_, reply) => reply.json({ appointments: 3 }),
  "GET /style.css": (_, reply) => reply.send(200, { "Content-Type": "text/css" }, STYLE),
  "GET /redirect": (_, reply) => reply.redirect("/item/1", 302),
  "GET /echo": (request, reply) => reply.json({ method: request.method, url: request.url, headers: request.headers }),
  "POST /upload": async (request, reply) => {
    const body = await bodyOf(request);
    reply.json({ bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") });
  },
  "GET /file": (request, reply) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (!range) return reply.send(200, { "Accept-Ranges": "bytes" }, PAYLOAD);
    const [first, last] = [Number(range[1]), Number(range[2])];
    reply.send(206, { "Content-Range": `bytes ${first}-${last}/${PAYLOAD.length}` }, PAYLOAD.subarray(first, last + 1));
  },
  "GET /stream": (_, reply) => {
    reply.response.writeHead(200, { "Content-Type": "text/plain" });
    let chunk = 0;
    const timer = setInterval(() => {
      reply.response.write(`chunk ${++chunk}\n`);
      if (chunk === 5) reply.response.end(), clearInterval(timer);
    }, 50);
  },
};

/** Starts the shop on loopback. `port` 0 picks a free one. */
export async function startShop({ port = 0, sessionMs = 300_000 } = {}) {
  const visitors = new Visitors(sessionMs);
  const server = createServer(async (request, response) => {
    const send = (status, headers, body) => response.writeHead(status, { "Cache-Control": "no-store", ...headers }).end(body);
    const cookies = {};
    const reply = {
      response,
      send: (status, headers, body) => send(status, { ...cookies, ...headers }, body),
      html: (body) => send(200, { ...cookies, "Content-Type": "text/html; charset=utf-8" }, body),
      json: (value) => send(200, { ...cookies, "Content-Type": "application/json" }, JSON.stringify(value)),
      redirect: (to, status = 303) => send(status, { ...cookies, Location: to }, ""),
    };
    const { pathname } = new URL(request.url, "http://shop.localhost");
    if (pathname === "/stats") return reply.json(visitors.stats);
    if (pathname === "/stats/reset") return visitors.reset(), reply.json(visitors.stats);
    visitors.stats.requests++;
    if (pathname === "/bye") {
      visitors.end(cookieOf(request));
      cookies["Set-Cookie"] = "shop_session=; Max-Age=0; Path=/";
      return reply.html(page("Goodbye", `<form method="post" action="/.anteroom/leave"><button id="leave">Let the next person in</button></form>`));
    }
    const isPerson = pathname !== "/style.css" && (request.headers["sec-fetch-mode"] === "navigate" || (request.headers.accept ?? "").includes("text/html"));
    if (isPerson || cookieOf(request)) {
      const { session, known } = visitors.arrive(cookieOf(request));
      if (!known) cookies["Set-Cookie"] = `shop_session=${session}; Path=/; HttpOnly; SameSite=Lax`;
    }
    const path = pathname.startsWith("/item/") ? "/item" : pathname.startsWith("/api/") ? "/api" : pathname;
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = routes[`${method} ${path}`];
    if (!route) return reply.send(404, { "Content-Type": "text/plain" }, "Not found");
    await route(request, reply, visitors);
  });
  // A WebSocket that accepts and says nothing more: enough to see an upgrade go through.
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    socket.on("data", () => socket.end(Buffer.from([0x88, 0])));
  });
  server.listen(port, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  return {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    get stats() { return visitors.stats; },
    reset: () => visitors.reset(),
    close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const at = process.argv.indexOf("--port");
  const shop = await startShop({ port: at > 0 ? Number(process.argv[at + 1]) : 8788 });
  console.log(`the demo shop listens on ${shop.url}`);
}
