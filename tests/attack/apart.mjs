// What is ours and what is not, kept apart: caches, headers and pages that a visitor's words end up in, requests of any size.
import { APP, NAVIGATION, until } from "../workerd/harness.mjs";
import { entryOf, opened, placeOf } from "../workerd/shared.mjs";
import { all, cookieOf, full } from "./world.mjs";

/** What a page has of the attacker's that is neither text nor an attribute's value, or an address that would run. */
const smuggled = (body) => /.{0,60}(?:<script>alert|<img src=x|[^;]"\s*onerror=|(?:"|url=)\s*javascript:alert).{0,60}/i.exec(body)?.[0];

export const APART = [
  {
    name: "answers of ours from a cache",
    tries: "to have one visitor's answer kept and given to another, or to be told that it has not changed",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), waits = target.visitor();
      await waits.arrive();
      const at = (path, options) => target.ask(path, options), page = { headers: NAVIGATION }, app = { headers: APP }, from = `http://${target.host}`;
      const ours = [
        at("/", page), at("/", { ...page, method: "HEAD" }), at("/", app), at("/", { ...page, method: "POST" }), at("/x.png"),
        at("/style.css", { headers: { "Sec-Fetch-Mode": "no-cors" } }), waits.go("/"), waits.ask("/", app),
        at("/.anteroom/board"), at("/.anteroom/draw"), at("/.anteroom/leave"), at("/.anteroom/x"), at("/.anteroom/wait", app),
        at("/.anteroom/wait?to=/x", page), holder.ask("/.anteroom/wait?to=/x", page),
        holder.ask("/?anteroom-claim=1", { headers: { Accept: "application/vnd.anteroom+json" } }),
        at("/", { method: "OPTIONS", headers: { Origin: from, "Access-Control-Request-Method": "POST" } }), at("/", { headers: { ...APP, Origin: from } }),
        at("/", { ...page, host: "elsewhere.example" }), at("/?anteroom-cookie=1", page),
        target.operator("/"), target.operator("/sign-in", { method: "POST" }), target.operator("/client/v4/zones/z/waiting_rooms"), target.operator("/x"),
        ...[
          { "If-None-Match": "*" }, { "If-Modified-Since": new Date().toUTCString() }, { Range: "bytes=0-9" },
          { "If-None-Match": "*", Range: "bytes=0-9", "If-Range": "*" }, { "Cache-Control": "only-if-cached" },
        ].map((headers) => at("/", { headers: { ...NAVIGATION, ...headers } })),
      ];
      const answers = await Promise.all(ours);
      answers.forEach(({ status, headers }, index) => {
        const what = `answer ${index} (${status} ${headers.anteroom})`;
        must(headers["cache-control"] === "no-store", `${what} says ${headers["cache-control"]}`);
        for (const name of ["etag", "last-modified", "age", "expires", "content-range", "cdn-cache-control"]) must(!headers[name], `${what} has ${name}`);
        must(status !== 304 && status !== 206, `${what} is part of another`);
      });
      return `${answers.length} answers, all no-store; 0 with ETag, Last-Modified, Age or Expires, 0 of them 304 or 206`;
    },
  },
  {
    name: "forged entries in the data center's cache",
    tries: "as another script of the same zone, to have isolates believe that the room covers another path, or is in another epoch",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), waits = target.visitor();
      await waits.arrive();
      const directory = placeOf(target.host, "directory"), board = placeOf(target.host, target.idOf(0));
      const move = (path) => target.asAda(`/${target.idOf(0)}`, { method: "PATCH", body: JSON.stringify({ path }) });
      const isMoved = (entry) => JSON.parse(opened(directory, entry).text).rooms.find(({ id }) => id === target.idOf(0)).settings.path !== "/";
      const comes = () => target.ask("/", { headers: NAVIGATION });
      // What was once true is kept for later.
      await move("/elsewhere");
      const old = await until(async () => {
        await comes();
        const entry = await target.cache.read(directory);
        return entry && isMoved(entry) && entry;
      }, "the room has moved");
      await move("/");
      await until(async () => (await comes()).headers.anteroom, "it is back");
      const lies = await until(() => target.cache.read(board), "a board lies there"), said = JSON.parse(opened(board, lies).text);
      // Newer than whatever an isolate has.
      const text = JSON.stringify({ ...JSON.parse(opened(directory, old).text), version: 1e9 }), other = "x".repeat(64);
      const newEpoch = JSON.stringify({ ...said, board: { ...said.board, sequence: 1e9, epoch: 9 } });
      const forgeries = [
        () => [[directory, text], [board, newEpoch]],
        () => [[directory, old], [board, old]],
        () => [[directory, entryOf(directory, text, { key: other })], [board, entryOf(board, newEpoch, { key: other })]],
        // Sealed by us, for another place; and with the seal of something else.
        () => [[directory, entryOf(board, text)], [board, entryOf(directory, newEpoch)]],
        () => [[directory, old.slice(0, 43) + Date.now().toString(16).padStart(16, "0") + text], [board, ""]],
      ];
      const before = target.seen().length;
      let laid = 0, replaced = 0, inside = 0;
      for (const forgery of forgeries) {
        // Boards tell of a change: every isolate looks for a newer directory at once. For a newer board it looks every second.
        await target.asAda(`/${target.idOf(0)}`, { method: "PATCH", body: JSON.stringify({ description: `change ${laid}` }) });
        for (let round = Date.now(), from = replaced; Date.now() < round + 2_500 || (replaced < from + 3 && Date.now() < round + 20_000); ) {
          const lies = forgery();
          await Promise.all(lies.map(([place, entry]) => target.cache.write(place, entry)));
          laid += lies.length;
          const came = await comes(), waiting = await waits.go(), held = await holder.go();
          must(came.headers.anteroom && waiting.headers.anteroom, "somebody was let through");
          must(!held.headers.anteroom, `whoever was inside is told ${held.headers.anteroom}`);
          inside += held.headers.anteroom ? 0 : 1;
          for (const [place, entry] of lies) replaced += (await target.cache.read(place)) === entry ? 0 : 1;
        }
      }
      must(target.seen().length - before === inside, "somebody else reached the origin");
      must(replaced >= 3 * forgeries.length, `isolates looked ${replaced} times`);
      return `${laid} forgeries of ${forgeries.length} kinds laid, ${replaced} looked at and replaced: 0 let in, 0 thrown out`;
    },
  },
  {
    name: "lines smuggled into our answers",
    tries: "headers and scripts in path, query, cookie and headers, to see them come back as such",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target);
      const loads = [
        "%0d%0aX-Smuggled:%20yes", "%0aX-Smuggled:%20yes", "%0D%0A%0D%0A<script>alert(1)</script>", "%E5%98%8A%E5%98%8DX-Smuggled:yes",
        "%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "'%22onerror=alert(1)//", "\"><img src=x onerror=alert(1)>".replaceAll(" ", "%20"), "{{script}}", "$&$`$'",
        "javascript:alert(1)",
      ];
      const paths = loads.flatMap((load) => [
        `/x?q=${load}`, `/${load}`, `/.anteroom/wait?to=/${load}`, `/.anteroom/wait?to=${load}`, `/?anteroom-cookie=1&q=${load}`, `/.anteroom/${load}`,
      ]);
      const answers = (await all(paths, async (path) => {
        const request = [`GET ${path} HTTP/1.1`, `Host: ${target.host}`, `Accept: ${NAVIGATION.Accept}`, "Accept-Language: en"];
        const door = path.startsWith("/.anteroom/wait") ? [await target.raw([...request, "Sec-Fetch-Mode: navigate", `Cookie: ${cookieOf(holder)}`])] : [];
        return [
          await target.raw(request),
          await target.raw([...request.slice(0, 3), `Accept-Language: en"><script>alert(1)</script>`, `Origin: http://x"><script>alert(1)</script>`]), ...door,
        ];
      }, 8)).flat();
      for (const answer of answers) {
        const [head, ...body] = answer.split("\r\n\r\n");
        must(!/^x-smuggled/im.test(answer.replace(/\r\n\r\n[\s\S]*/, "")) && !/^set-cookie: (?!anteroom-)/im.test(head), `a header was smuggled: ${head.slice(0, 200)}`);
        must(!smuggled(body.join("")), `a script was smuggled into a page: ${smuggled(body.join(""))}`);
      }
      return `${loads.length} loads at ${paths.length} addresses, ${answers.length} answers: 0 with a header or a script of the attacker's`;
    },
  },
  {
    name: "cookies of other names set by a sibling host",
    tries: "to hide a pass and a ticket among 51 and 200 cookies whose names look like ours, before and behind them",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), waits = target.visitor();
      await waits.arrive();
      const before = target.seen().length, name = target.cookieName();
      const kinds = ["room-", "a-room-room-", "anteroom-", `${name}_`, `x${name}`, `__Secure-${name}-`];
      let tried = 0;
      for (const kind of kinds) {
        for (const many of [51, 200]) {
          const others = Array.from({ length: many }, (_, index) => `${kind}${index}=1`).join("; ");
          const around = (visitor) => [`${others}; ${cookieOf(visitor)}`, `${cookieOf(visitor)}; ${others}`, `${others}; ${cookieOf(visitor)}; ${others}`];
          for (const Cookie of around(holder)) {
            must(!(await target.ask("/", { headers: { ...NAVIGATION, Cookie } })).headers.anteroom, `a pass is hidden by ${many} cookies ${kind}…`);
            tried += 1;
          }
          for (const Cookie of around(waits)) {
            const { cfWaitingRoom } = JSON.parse((await target.ask("/.anteroom/wait", { headers: { ...APP, Cookie } })).body);
            must(cfWaitingRoom.place === waits.place, `a place is hidden by ${many} cookies ${kind}…`);
          }
        }
      }
      must(target.seen().length === before + tried, "somebody else reached the origin");
      return `up to 400 cookies of ${kinds.length} kinds around a pass and a ticket: 0 hidden in ${2 * tried} requests`;
    },
  },
  {
    name: "cookies and headers of any size",
    tries: "to break the gate with hundreds of cookies of our name, kilobytes of one, and headers of any length and bytes",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const name = target.cookieName(), forged = target.token("pass", {}, { key: "x".repeat(64) });
      const cookies = [
        `${name}=${"A".repeat(8_000)}`, Array(150).fill(`${name}=${forged.slice(0, 40)}`).join("; "), Array(60).fill(`${name}=${forged}`).join(";"),
        `${name}`.repeat(200), "=".repeat(4_000), ";".repeat(8_000), `${name}=\xff\xfe\x80`, "room-".repeat(1_500), "room-;".repeat(1_200),
        `\t${name}\t=\t${forged}`, `${name}="${forged}"`, `${name}=${forged}=`, `${name}==${forged}`, `$Version=1; ${name}=${forged}`,
        `${name}=\v=${forged}`, `a=b;\r=${target.token("pass")}`,
      ].map((cookie) => [`Cookie: ${cookie}`]);
      const headers = [
        [`Accept-Language: ${"x".repeat(7_000)}`], [`Accept-Language: ${"en;q=0.1,".repeat(800)}`], [`Accept: text/html${",*/*;q=0.1".repeat(600)}`],
        [`Origin: http://${"a".repeat(7_000)}`], [`Sec-Fetch-Mode: ${"navigate".repeat(500)}`],
        [`Anteroom-Token: ${"A".repeat(8_000)}`], [`Anteroom-Token: \xff`], [`X: ${"x".repeat(60_000)}`], [`Cookie: ${"a=b; ".repeat(16_000)}`],
        Array(300).fill("X-Header: x"), ["Content-Length: 5"], ["Transfer-Encoding: chunked", "Content-Length: 4"], ["Expect: 100-continue"],
      ];
      const paths = [
        `/${"x".repeat(9_000)}`, `/?${"a=b&".repeat(2_000)}`, `/${"%2e%2e%2f".repeat(800)}`, `/${"/".repeat(7_000)}`, `/.anteroom/wait?to=${"/".repeat(6_000)}`,
        "/%00", "/%ff%fe", "/\xe9", "/?\xff",
      ];
      const said = [];
      const ask = async (path, more) => said.push(await target.raw([`GET ${path} HTTP/1.1`, `Host: ${target.host}`, `Accept: ${NAVIGATION.Accept}`, ...more], "0\r\n\r\n"));
      for (const more of [...cookies, ...headers]) await ask("/", more);
      for (const path of paths) await ask(path, []);
      must(target.seen().length === 0, `${target.seen().length} reached the origin`);
      for (const answer of said) must(/^HTTP\/1.1 4/.test(answer) || /^anteroom: (joining|refused|reconnecting)/im.test(answer), `answered ${answer.slice(0, 60)}`);
      const next = await target.ask("/", { headers: NAVIGATION });
      must(next.headers.anteroom === "joining", "the next visitor is not served");
      return `${said.length} requests: 0 reached the origin, 0 errors of ours, and the next visitor is served`;
    },
  },
];
