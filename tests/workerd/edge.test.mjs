// The edge's manners: what passes untouched, what is refused, and what bad input meets.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { APP, KEPT_BY_NOBODY, NAVIGATION, Visitor, room, saysToCaches, startAnteroom, startDevelopment } from "./harness.mjs";

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** The first line of the answer to an upgrade. */
const upgrade = (anteroom, cookie = "") => new Promise((resolve, reject) => {
  const socket = connect(Number(anteroom.url.port), "127.0.0.1", () => socket.write(
    `GET /ws HTTP/1.1\r\nHost: localhost:${anteroom.url.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${cookie && `Cookie: ${cookie}\r\n`}\r\n`));
  socket.once("data", (data) => (resolve(data.toString().split("\r\n")[0]), socket.destroy()));
  socket.once("error", reject);
});

describe("somebody inside", () => {
  let anteroom, inside;
  before(async () => {
    anteroom = await startDevelopment();
    inside = new Visitor(anteroom);
    assert.equal(await inside.arrive(), "inside");
    await inside.go();
  });
  after(() => anteroom.stop());

  test("has streams, ranges, uploads and redirects go through as they are", async () => {
    assert.equal((await inside.ask("/stream")).body, [1, 2, 3, 4, 5].map((chunk) => `chunk ${chunk}\n`).join(""));
    const range = await inside.ask("/file", { headers: { Range: "bytes=100-199" } });
    assert.deepEqual([range.status, range.bytes.length, range.headers["content-range"]], [206, 100, "bytes 100-199/10000"]);
    const body = Buffer.alloc(1_000_000, "x");
    const upload = JSON.parse((await inside.ask("/upload", { method: "POST", body })).body);
    assert.deepEqual(upload, { bytes: body.length, sha256: digest(body) });
    const redirect = await inside.ask("/redirect");
    assert.deepEqual([redirect.status, redirect.headers.location], [302, "/item/1"]);
    assert.equal((await inside.ask("/", { method: "HEAD" })).bytes.length, 0);
  });

  test("has a WebSocket go through, and nobody else has", async () => {
    const cookie = [...inside.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    assert.equal(await upgrade(anteroom, cookie), "HTTP/1.1 101 Switching Protocols");
    assert.match(await upgrade(anteroom), /^HTTP\/1.1 503/);
  });

  test("whatever the origin sets stays as it was, beside our cookie", async () => {
    const fresh = new Visitor(anteroom);
    const lines = (await fresh.go()).headers["set-cookie"];
    assert.deepEqual(lines.map((line) => line.split("=")[0].replace(/-.*/, "")).sort(), ["anteroom", "shop_session"]);
  });

  test("what caches may keep they may not where it brings a cookie of ours", async () => {
    const fresh = new Visitor(anteroom), first = await fresh.go("/logo");
    assert.match(String(first.headers["set-cookie"]), /anteroom-/);
    assert.deepEqual(saysToCaches(first), KEPT_BY_NOBODY);
    // Confirmed by now, and not due: nothing of ours is on the answer, and nothing of the origin's is missing.
    await fresh.go();
    const next = await fresh.go("/logo");
    assert.deepEqual([next.status, next.headers["set-cookie"], saysToCaches(next).includes(undefined)], [200, undefined, false]);
    assert.equal(next.headers["cache-control"], "public, max-age=31536000, immutable");
  });

  test("is found among any number of cookies that are named nearly as ours", async () => {
    const cookie = [...inside.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const stranger = await anteroom.ask("/echo", { headers: { "Sec-Fetch-Mode": "no-cors" } });
    assert.equal(stranger.status, 503, "whoever has none is not let in");
    for (const many of [51, 200]) {
      const others = Array.from({ length: many }, (_, index) => `room-${index}=anteroom-1`).join("; ");
      for (const Cookie of [`${others}; ${cookie}`, `${cookie}; ${others}`, `${others};${cookie};${others}`]) {
        const { status, headers } = await anteroom.ask("/api", { headers: { "Sec-Fetch-Mode": "no-cors", Cookie } });
        assert.deepEqual([status, headers.anteroom], [200, undefined], `${many}: ${Cookie.slice(0, 20)}`);
      }
    }
  });
});

describe("somebody who waits", () => {
  let anteroom;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ queue_all: true, queueing_status_code: 429 }), room({ name: "b", path: "/b", queue_all: true, json_response_enabled: false })] }); });
  after(() => anteroom.stop());

  test("gets the page with the status of the setting, and nobody may keep or index it", async () => {
    const page = await anteroom.ask("/", { headers: NAVIGATION });
    assert.equal(page.status, 429);
    for (const [name, value] of [["cache-control", "no-store"], ["x-robots-tag", "noindex"], ["anteroom", "joining"], ["content-language", "en"]]) assert.equal(page.headers[name], value);
    assert.match(page.headers["retry-after"], /^[12]$/, "drawn for each");
    assert.match(page.headers["content-security-policy"], /default-src 'none'; script-src 'nonce-[0-9a-f]{24}'/);
    const head = await anteroom.ask("/", { method: "HEAD", headers: NAVIGATION });
    assert.deepEqual([head.status, head.bytes.length, head.headers.anteroom], [429, 0, "joining"]);
  });

  test("as an app gets JSON, where the room gives it", async () => {
    const { cfWaitingRoom } = JSON.parse((await anteroom.ask("/api/stock", { headers: APP })).body);
    assert.deepEqual([cfWaitingRoom.inWaitingRoom, cfWaitingRoom.state, cfWaitingRoom.queueingMethod], [true, "joining", "fifo"]);
    assert.equal((await anteroom.ask("/b/api", { headers: APP })).headers.anteroom, "refused");
  });

  test("as a sub-resource or a guess gets nothing and no ticket", async () => {
    for (const headers of [{ "Sec-Fetch-Mode": "no-cors", Accept: "image/*" }, { ...NAVIGATION, "Sec-Purpose": "prefetch;prerender" }]) {
      const answer = await anteroom.ask("/x.png", { headers });
      assert.deepEqual([answer.status, answer.bytes.length, answer.headers["set-cookie"]], [503, 0, undefined]);
    }
  });

  test("with a form is told that it was not sent, and is never taken anywhere", async () => {
    const held = await anteroom.ask("/purchase", { method: "POST", headers: NAVIGATION, body: "a=1" });
    assert.deepEqual([held.status, held.headers.anteroom], [503, "form_held"]);
    assert.doesNotMatch(held.body, /http-equiv="refresh"/);
    assert.equal(anteroom.shop.stats.requests, 0);
  });

  test("leaves by a POST of the same site alone", async () => {
    const visitor = new Visitor(anteroom);
    await visitor.arrive();
    for (const options of [
      { headers: NAVIGATION },
      { method: "POST", headers: NAVIGATION },
      { method: "POST", headers: { ...NAVIGATION, Origin: "https://evil.example" } },
      { method: "POST", headers: { ...NAVIGATION, "Sec-Fetch-Site": "cross-site" } },
    ]) assert.equal((await visitor.ask("/.anteroom/leave", options)).status, 403);
    assert.equal((await visitor.leave()).headers.anteroom, "left");
  });
});

describe("whatever comes", () => {
  let anteroom;
  before(async () => { anteroom = await startAnteroom({ rooms: [room({ queue_all: true, path: "/sale" }), room({ name: "vip", path: "/sale/vip", queue_all: true })] }); });
  after(() => anteroom.stop());
  const told = async (path, options) => (await anteroom.ask(path, options)).headers.anteroom;

  test("goes past the gate where machines look and where no room is; a host of no room gets 404", async () => {
    for (const path of ["/robots.txt", "/favicon.ico", "/.well-known/x", "/salespeople", "/item/1"]) assert.equal(await told(path, { headers: NAVIGATION }), undefined);
    const { requests } = anteroom.shop.stats;
    assert.equal(requests, 5);
    assert.equal((await anteroom.ask("/sale", { host: "elsewhere.example", headers: NAVIGATION })).status, 404);
    assert.equal(anteroom.shop.stats.requests, requests, "a host of nobody's never reaches the origin");
    for (const path of ["/.well-known/../sale", "/.well-known/%2e%2e/sale", "/.well-known/..%2fsale", "/.well-known/..%5csale", "/.well-known/..;/sale", "/.well-known/./../sale"]) {
      assert.equal(await told(path, { headers: NAVIGATION }), "joining", path);
    }
    assert.equal(anteroom.shop.stats.requests, requests, "and no way round a room leads past the gate");
  });

  test("finds the room however the path is written", async () => {
    for (const path of ["/sale", "/%73ale", "//sale", "/x/..%2fsale", "/sale;x", "/sale/vip/x"]) assert.equal(await told(path, { headers: NAVIGATION }), "joining", path);
  });

  test("with any cookie, header or body gets a clear answer, and the next visitor is served", async () => {
    const name = (await anteroom.ask("/sale", { headers: NAVIGATION })).headers["set-cookie"][0].split("=")[0];
    for (const cookie of [`${name}=`, `${name}`, `${name}=%00`, `${name}=${"A".repeat(96)}`, `${name}=${"é".repeat(50)}`, `${name}=x; `.repeat(200), `=; ;;${name}`, `anteroom-${"\u0001"}`.replace("\u0001", "\t")]) {
      assert.equal(await told("/sale", { headers: { ...NAVIGATION, Cookie: Buffer.from(cookie).toString("latin1") } }), "joining", cookie.slice(0, 40));
    }
    const long = await anteroom.ask(`/sale?q=${"x".repeat(9_000)}`, { headers: { ...NAVIGATION, "Accept-Language": "x".repeat(4_000) } });
    assert.equal(long.headers.anteroom, "joining");
    assert.equal(await told("/sale/.anteroom/wait?to=//evil.example&to=%zz", { headers: APP }), "joining");
    assert.equal((await anteroom.ask("/sale/.anteroom/nothing", { headers: NAVIGATION })).status, 404);
    assert.equal(await told("/sale", { headers: NAVIGATION }), "joining");
  });
});

test("the page's script is told that it is inside, and what it asks for is not asked of the origin", async () => {
  const anteroom = await startAnteroom();
  try {
    const visitor = new Visitor(anteroom);
    await visitor.go();
    await visitor.go("/item/1");
    const { requests } = anteroom.shop.stats;
    for (let time = 0; time < 2; time += 1) {
      const told = await visitor.ask("/item/1?anteroom-claim=1", { headers: { Accept: "application/vnd.anteroom+json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin" } });
      assert.equal(told.headers.anteroom, "admitted");
      await visitor.go("/item/1");
    }
    assert.equal(anteroom.shop.stats.requests, requests + 2);
  } finally {
    await anteroom.stop();
  }
});

describe("a deployment that is not in order", () => {
  test("without a key: visitors get the page, nobody gets in, and nothing of it is said to them", async () => {
    const anteroom = await startAnteroom({ secrets: { KEY_CURRENT: "too short" } });
    try {
      const page = await anteroom.ask("/", { headers: NAVIGATION });
      assert.deepEqual([page.status, page.headers.anteroom], [503, "unavailable"]);
      assert.doesNotMatch(page.body, /KEY_CURRENT|too short/);
      assert.equal(anteroom.shop.stats.requests, 0);
    } finally {
      await anteroom.stop();
    }
  });

  test("switched off: everybody passes, without any object and any cookie of ours", async () => {
    const anteroom = await startAnteroom({ vars: { ANTEROOM: "off" }, rooms: [room({ queue_all: true })] });
    try {
      const page = await anteroom.ask("/", { headers: NAVIGATION });
      assert.equal(page.headers.anteroom, undefined);
      assert.deepEqual(await anteroom.worker.listDurableObjectIds("ROOM"), []);
    } finally {
      await anteroom.stop();
    }
  });
});
