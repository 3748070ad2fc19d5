// Ways round a room: spellings of its path and its host, methods, upgrades, headers that only we or the platform may write.
import { APP, NAVIGATION, until } from "../workerd/harness.mjs";
import { all, cookieOf, full } from "./world.mjs";

/** Every one of these is `/sale`, or below it, to some server or other. */
const SPELLINGS = [
  "/sale", "/sale/", "/%73ale", "/%73%61%6c%65", "//sale", "///sale//x", "/./sale", "/%2e/sale", "/x/../sale", "/x/%2e%2e/sale", "/x/..%2fsale", "/x/..%2Fsale",
  "/x%2f..%2fsale",
  "/%2fsale", "/%5csale", "/x\\..\\sale", "\\sale", "/x/..%5csale", "/sale;x", "/sale;/x", "/sale%3bx", "/;x/sale", "/x;a/..;b/sale", "/sale%2fx", "/sale/.",
  "/sale/x/..", "/sale?", "/sale?x=/../y", "/sale#x",
  "/.well-known/../sale", "/.well-known/%2e%2e/sale", "/.well-known/..%2fsale", "/.well-known/..%5csale", "/.well-known/..;/sale", "/.well-known/./../sale",
  "/.well-known/x/../../sale",
  "/robots.txt/../sale", "/favicon.ico/..%2fsale", "/robots.txt%2f..%2fsale",
];
/** By name and value; each is believed by something on somebody's way to an origin. */
const CLAIMS = {
  Anteroom: "admitted", "Anteroom-Command": "revoke", "Cf-Waiting-Room-Command": "revoke", "Anteroom-CSRF": "0".repeat(32), "Anteroom-Pass": "1",
  "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1",
  "True-Client-IP": "127.0.0.1", "CF-Connecting-IP": "127.0.0.1", "CF-Connecting-IPv6": "::1", "CF-Worker": "localhost", "CF-Ray": "0",
  "CDN-Loop": "cloudflare", "CF-Visitor": '{"scheme":"https"}',
  Forwarded: "for=127.0.0.1;host=operator.localhost", "X-Forwarded-Host": "operator.localhost", "X-Forwarded-Proto": "https", "X-Original-URL": "/robots.txt",
  "X-Rewrite-URL": "/robots.txt", "X-HTTP-Method-Override": "GET",
  "X-Host": "elsewhere.example", Via: "1.1 cloudflare", "X-Middleware-Subrequest": "1", "Sec-Fetch-Site": "same-origin", Authorization: "Bearer admitted",
};

export const WAYS = [
  {
    name: "other spellings of a covered path",
    tries: "to reach the origin's page past the gate by writing its path otherwise",
    rooms: [{ path: "/sale", queue_all: true }],
    attempt: async (target, must) => {
      for (const path of SPELLINGS) {
        const before = target.seenAtAll();
        const said = await target.raw([`GET ${path} HTTP/1.1`, `Host: ${target.host}:${target.port}`, `Accept: ${NAVIGATION.Accept}`]);
        must(target.seenAtAll() === before, `${path} reached the origin`);
        must(/^anteroom: joining/im.test(said) || / 400 /.test(said.split("\r\n")[0]), `${path} was answered ${said.split("\r\n")[0]}`);
      }
      await target.ask("/salespeople", { headers: NAVIGATION });
      must(target.seen().length === 1, "no path at all reaches the origin, so this shows nothing");
      return `${SPELLINGS.length} spellings, 0 reached the origin`;
    },
  },
  {
    name: "an address that is another room's in normal form",
    tries: "with a seat in an open room, to reach a page of a full one by an address that is below the open room's path as it is sent",
    rooms: [{ path: "/sale", queue_all: true }, { path: "/catalogue" }, { path: "/sale/faq" }],
    attempt: async (target, must) => {
      const visitor = target.visitor();
      for (const path of ["/catalogue", "/sale/faq"]) for (const _ of "12") must(!(await visitor.go(path)).headers.anteroom, `nobody gets into ${path}, so this shows nothing`);
      const before = target.seenAtAll(), cookie = cookieOf(visitor);
      const below = ["/catalogue", "/sale/faq"].flatMap((open) =>
        ["/..%2fsale/item", "/..%2f..%2fsale/item", "/../sale/item", "/..\\sale/item", "/..%5csale", "/%2e%2e/sale/item", "/..;/sale/item", "/x/..%2f..%2fsale", "/..%2f..%2fsale%2fx"].map((way) => open + way));
      // And for an origin that takes an address as it was sent: the full room's, that is an open one's in normal form.
      const above = ["/sale/..%2fcatalogue/x", "/sale/..%2fcatalogue", "/sale/x/..%2ffaq/x", "/sale/..%5ccatalogue", "/sale/..;/catalogue/x", "/sale/%66aq/x"];
      const paths = [...below, "/sale/faq/..%2fcheckout", "/sale/faq/../checkout", ...above];
      for (const path of paths) {
        const said = await target.raw([`GET ${path} HTTP/1.1`, `Host: ${target.host}:${target.port}`, `Accept: ${NAVIGATION.Accept}`, `Cookie: ${cookie}`]);
        must(target.seenAtAll() === before, `${path} reached the origin`);
        must(/^anteroom: joining/im.test(said) || / 40[04] /.test(said.split("\r\n")[0]), `${path} was answered ${said.split("\r\n")[0]}`);
      }
      return `${paths.length} addresses that are of two rooms: 0 reached the origin`;
    },
  },
  {
    name: "walking round by a bypass rule",
    tries: "to be taken for what a rule exempts: a path spelled so that it begins like an exempt one or ends like a file, a country and an address that are only claimed, our own addresses",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const rules = [
        'starts_with(http.request.uri.path, "/health/")', 'not starts_with(http.request.uri.path, "/checkout") and http.request.uri.path.extension eq "css"',
        'http.request.full_uri wildcard "*/hook/*" and http.request.method eq "POST"', 'ip.src.country in {"GR" "CY"}', "ip.src in {198.51.100.0/24 2001:db8::/32}",
      ];
      const body = JSON.stringify(rules.map((expression) => ({ action: "bypass_waiting_room", expression })));
      must((await target.asAda(`/${target.idOf(0)}/rules`, { method: "PUT", body })).length === rules.length, "the rules are refused");
      await until(async () => !(await target.ask("/health/x", { headers: NAVIGATION })).headers.anteroom, "nobody is exempt, so this shows nothing", 20_000);
      const before = target.seenAtAll();
      const paths = [
        "/health", "/healthy", "/health/../checkout", "/health/..%2fcheckout", "/health/%2e%2e/checkout", "/health/%2E%2E%2Fcheckout", "/health/..%5ccheckout", "/health/..\\checkout", "/health/..;/checkout", "/health/x/%2e%2e/..%2fcheckout",
        "/checkout;.css", "/checkout;/x.css", "/x/..%2fcheckout/a.css", "/checkout?x.css", "/checkout?/health/", "/%2fhealth/..%2fcheckout", "/health/../.anteroom/x", "/.anteroom/wait?/health/", "/.anteroom/x.css",
        "/hook/x", "/checkout?/hook/", "/checkout#/health/",
      ];
      for (const path of paths) {
        await target.raw([`GET ${path} HTTP/1.1`, `Host: ${target.host}:${target.port}`, `Accept: ${NAVIGATION.Accept}`]);
        must(target.seenAtAll() === before, `${path} reached the origin`);
      }
      const claims = {
        "CF-IPCountry": "GR", Country: "GR", ":country": "GR", "X-Country-Code": "GR", "cf.country": "GR", "X-Forwarded-For": "198.51.100.7", "X-Real-IP": "198.51.100.7", "True-Client-IP": "198.51.100.7", Forwarded: "for=198.51.100.7",
        "X-Original-URL": "/health/x", "X-Rewrite-URL": "/health/x", "X-HTTP-Method-Override": "POST", "X-Forwarded-Host": "/health/",
      };
      for (const [name, value] of Object.entries(claims)) {
        await target.raw(["GET /checkout HTTP/1.1", `Host: ${target.host}:${target.port}`, `Accept: ${NAVIGATION.Accept}`, `${name}: ${value}`]);
        must(target.seenAtAll() === before, `${name} reached the origin`);
      }
      const { issued, inside } = await target.live();
      must(inside === 0, `${issued} ranks, ${inside} seats`);
      return `${paths.length} spellings and ${Object.keys(claims).length} claims, 0 reached the origin; what is exempt took no seat`;
    },
  },
  {
    name: "other spellings of the host",
    tries: "to be taken for a host that no room covers, or to be led to the origin by one",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const { host, port } = target, headers = [`Accept: ${NAVIGATION.Accept}`];
      const covered = [host, `${host}:${port}`, `${host}:80`, `${host}:443`, host.toUpperCase(), `${host}.`, `${host}.:${port}`, `${host}..`];
      const foreign = [
        "elsewhere.example", `x${host}`, `${host}.evil.example`, `evil.example:${port}`, "127.0.0.1", "[::1]", "", `${host}@evil.example`,
        `${host} evil.example`, `${host}/x`, `evil.example#${host}`,
      ];
      const before = target.seenAtAll();
      for (const name of covered) must(/^anteroom: joining/im.test(await target.raw(["GET / HTTP/1.1", `Host: ${name}`, ...headers])), `the room does not know itself as ${name}`);
      for (const name of foreign) must(!/^HTTP\/1.1 [23](?![\s\S]*^anteroom: joining)/im.test(await target.raw(["GET / HTTP/1.1", `Host: ${name}`, ...headers])), `${name} is answered by somebody else`);
      const absolute = ["http://elsewhere.example/", `http://${host}/`, `https://${host}/`, "http://operator.localhost/", `//${host}/`];
      for (const url of absolute) await target.raw([`GET ${url} HTTP/1.1`, `Host: ${host}`, ...headers]);
      for (const names of [[host, "elsewhere.example"], ["elsewhere.example", host]]) await target.raw(["GET / HTTP/1.1", ...names.map((name) => `Host: ${name}`), ...headers]);
      await target.raw(["GET / HTTP/1.0", ...headers]);
      must(target.seenAtAll() === before, `${target.seenAtAll() - before} reached the origin`);
      return `${covered.length} spellings of its own, ${foreign.length} strangers, ${absolute.length} absolute addresses, 2 hosts at once: 0 reached the origin`;
    },
  },
  {
    name: "methods as a way past",
    tries: "methods that a gate for pages might forget",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const methods = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "REPORT", "PURGE", "LOCK", "get", "CONNECT", "X-PASS"];
      for (const method of methods) {
        const said = await target.raw([`${method} / HTTP/1.1`, `Host: ${target.host}`, `Accept: ${NAVIGATION.Accept}`, "Content-Length: 0"]);
        must(!/^HTTP\/1.1 2.*\r\n(?![\s\S]*^anteroom:)/im.test(said), `${method} was answered ${said.split("\r\n")[0]} by somebody else`);
      }
      must(target.seen().length === 0, `${target.seen().map(({ method }) => method)} reached the origin`);
      must((await target.live()).issued === 0, "a rank was given");
      return `${methods.length} methods: 0 reached the origin, 0 ranks given`;
    },
  },
  {
    name: "an upgrade without a pass",
    tries: "a WebSocket's handshake, and other upgrades, past the page",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), before = target.seen().length, names = ["websocket", "WebSocket", "h2c", "TLS/1.0", "anteroom"];
      const shake = (name, more = []) => target.raw([
        "GET /ws HTTP/1.1", `Host: ${target.host}`, "Connection: Upgrade", `Upgrade: ${name}`, "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ...more,
      ]);
      for (const name of names) must(!/^HTTP\/1.1 101/.test(await shake(name)), `${name} was granted`);
      must(!/^HTTP\/1.1 101/.test(await shake("websocket", [`Cookie: ${target.cookieName()}=${target.token("ticket", {})}`])), "a ticket opened one");
      must(target.seen().length === before, `the origin saw ${target.seen().length - before} requests`);
      // That one with a pass goes through is shown in edge.test.mjs, on a server that knows upgrades.
      await holder.ask("/ws", { headers: NAVIGATION });
      must(target.seen().length === before + 1, "the pass is not let in, so this shows nothing");
      return `${names.length + 1} handshakes, 0 reached the origin`;
    },
  },
  {
    name: "headers that clients may not write",
    tries: "headers of our names, of the platform's, and of every proxy's, one by one and all at once",
    rooms: [{ total_active_users: 1, enabled_origin_commands: ["revoke"] }],
    attempt: async (target, must) => {
      const holder = await full(target), before = target.seenAtAll(), { inside, issued } = await target.live();
      const tries = [...Object.entries(CLAIMS).map(([name, value]) => ({ [name]: value })), CLAIMS];
      for (const one of tries) {
        const told = await target.ask("/", { headers: { ...NAVIGATION, ...one } });
        must(told.headers.anteroom === "joining", `${Object.keys(one)} was answered ${told.status} ${told.headers.anteroom}`);
      }
      for (const value of ["new", "admitted", "A".repeat(96), "Aw", ""]) must((await target.ask("/", { headers: { ...APP, "Anteroom-Token": value } })).headers.anteroom, `Anteroom-Token: ${value} was let in`);
      must(target.seenAtAll() === before, `${target.seenAtAll() - before} reached the origin`);
      const now = await target.live();
      must(now.inside === inside && now.issued === issued, "a seat or a rank was given");
      // Those inside end nobody's session by a header of their own, and name no other host to the origin.
      await holder.ask("/echo", { headers: { ...NAVIGATION, ...CLAIMS } });
      const { headers } = target.seen().at(-1);
      must(headers["x-forwarded-host"].split(":")[0] === target.host, `the origin was told ${headers["x-forwarded-host"]}`);
      must(!(await holder.go("/echo")).headers.anteroom, "the session was ended");
      return `${tries.length + 5} requests: 0 reached the origin, 0 seats and ranks given; who is inside ends no session and names no other host`;
    },
  },
  {
    name: "our own addresses at the origin",
    tries: "to have the origin answer for us below `.anteroom`, so that a page of its (or of one of its users) speaks as the waiting room",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), before = target.seen().length;
      const names = ["wait", "wait?to=/", "board", "draw", "leave", "x", "", "../.anteroom/board"];
      const ways = names.flatMap((name) => [
        "/.anteroom/", "//.anteroom/", "/%2eanteroom/", "/.anteroom%2f", "/x/../.anteroom/", "/.anteroom;a/", "/.%61nteroom/",
      ].map((start) => start + name));
      const ask = (cookie, path) => target.raw([`GET ${path} HTTP/1.1`, `Host: ${target.host}`, "Accept: application/json", ...(cookie ? [`Cookie: ${cookie}`] : [])]);
      await all(ways, async (path) => {
        await ask("", path);
        await ask(cookieOf(holder), path);
      }, 8);
      must(target.seen().length === before, `the origin was asked for ${target.seen().slice(before).map(({ url }) => url).join(" ")}`);
      return `${ways.length} addresses, each with and without a pass: 0 reached the origin`;
    },
  },
];
