// Other sites, in a visitor's browser: making them leave, reading what they are told, leading them away, framing the page.
import { APP, NAVIGATION } from "../workerd/harness.mjs";
import { all, full } from "./world.mjs";

/** Origins that are not the room's, some of which look like it. */
const foreign = ({ host, port }) => [
  "https://evil.example", "null", `https://${host}.evil.example`, `https://x${host}`, `http://${host}@evil.example`, `http://evil.${host}`, `http://${host}x`,
  `http://${host}:${port}.evil.example`, "", "*",
];

export const STRANGERS = [
  {
    name: "another site makes visitors leave",
    tries: "links, forms and scripts of other sites, and of a sibling host, that ask for `.anteroom/leave` with the visitor's cookies",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), waits = target.visitor();
      await waits.arrive();
      const { place } = await waits.stand();
      const posts = [
        {}, ...foreign(target).map((Origin) => ({ Origin })),
        ...["cross-site", "same-site", "none", "", "same-origin, cross-site"].map((site) => ({ "Sec-Fetch-Site": site })),
        // What a browser says of a page of another scheme, or port, of this host.
        ...["cross-site", "same-site"].flatMap((site) => [`https://${target.host}:${target.port}`, `http://${target.host}:${target.port}`].map((Origin) => ({ Origin, "Sec-Fetch-Site": site }))),
        { Origin: `http://${target.host}:1` },
        { Referer: `http://${target.host}/` }, { "X-Forwarded-Host": "evil.example", Origin: "https://evil.example" },
      ];
      const asked = [
        ...posts.map((headers) => ({ method: "POST", headers })), { method: "GET", headers: { "Sec-Fetch-Site": "same-origin" } },
        { method: "PUT", headers: { "Sec-Fetch-Site": "same-origin" } }, { method: "HEAD", headers: {} },
      ];
      for (const visitor of [holder, waits]) {
        for (const { method, headers } of asked) {
          const { status } = await visitor.ask("/.anteroom/leave", { method, headers: { ...NAVIGATION, ...headers } });
          must(status === 403, `${method} ${JSON.stringify(headers)} was answered ${status}`);
        }
      }
      must((await waits.stand()).place === place, "who waits lost their place");
      must(!(await holder.go()).headers.anteroom, "who is inside lost their seat");
      must((await waits.leave()).headers.anteroom === "left", "a page of the site's own cannot leave either, so this shows nothing");
      return `${asked.length} requests each by who waits and who is inside: all 403, place and seat kept`;
    },
  },
  {
    name: "another site reads",
    tries: "scripts of foreign origins read the visitor's state, board or page, with and without a preflight",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), waits = target.visitor(), before = target.seen().length;
      await waits.arrive();
      const paths = ["/", "/.anteroom/wait", "/.anteroom/board", "/.anteroom/draw", "/.anteroom/leave"], origins = foreign(target).filter(Boolean);
      const preflight = { "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "anteroom-token", "Access-Control-Request-Private-Network": "true" };
      const asked = origins.flatMap((Origin) => paths.flatMap((path) => [
        waits.ask(path, { headers: { ...APP, Origin } }), target.ask(path, { headers: { ...APP, Origin } }),
        target.ask(path, { method: "OPTIONS", headers: { Origin, ...preflight } }),
        ...(path === "/" ? [] : [holder.ask(path, { headers: { ...APP, Origin } })]),
      ]));
      const answers = await Promise.all(asked);
      for (const { headers } of answers) for (const name of Object.keys(headers)) must(!name.startsWith("access-control-"), `an answer has ${name}: ${headers[name]}`);
      must(target.seen().length === before, `${target.seen().length - before} reached the origin`);
      const own = await target.ask("/", { headers: { ...APP, Origin: `http://${target.host}` } });
      must(own.headers["access-control-allow-origin"] === `http://${target.host}`, "the room's own origin may not read either, so this shows nothing");
      return `${origins.length} origins, ${answers.length} answers: 0 opened, 0 preflights reached the origin`;
    },
  },
  {
    name: "scripts of another port of the room's host",
    tries: "where a room names no `allowed_origins`, a script of another port, or of plain http, on the room's host reads what the visitor is told, and has a preflight answered",
    rooms: [{ host: "ports.attack.example", queue_all: true }],
    attempt: async (target, must) => {
      const host = "ports.attack.example", own = `https://${host}`, origins = [`http://${host}`, `http://${host}:8080`, `https://${host}:8443`, `ftp://${host}`, `${own}:`];
      const reads = (Origin) => target.ask("/.anteroom/wait", { host, headers: { ...APP, Origin } });
      const preflight = (Origin) => target.ask("/account", { host, method: "OPTIONS", headers: { Origin, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-csrf" } });
      for (const Origin of origins) {
        for (const { headers } of [await reads(Origin), await preflight(Origin)]) must(!headers["access-control-allow-origin"], `${Origin} is opened`);
      }
      must(target.seen(host).length === 0, `${target.seen(host).length} reached the origin`);
      const opened = [await reads(own), await preflight(own)].map(({ headers }) => headers["access-control-allow-origin"]);
      must(opened.every((origin) => origin === own), "the room's own page may not read either, so this shows nothing");
      return `${origins.length} origins of the same host: 0 may read, 0 preflights answered`;
    },
  },
  {
    name: "the door leads away",
    tries: "`.anteroom/wait?to=` with addresses that a browser might take for another site",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), base = `http://${target.host}:${target.port}`;
      const tricks = [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "HTTPS://evil.example", "https:evil.example",
        "https:/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "javascript:alert(1)", "data:text/html,x",
        `${base}@evil.example/`, `${base}.evil.example/`, `${base}:x@evil.example/`, `http://${target.host}\\@evil.example`,
        `http://${target.host}%40evil.example`, `http://evil.example#${base}`, `http://evil.example?${base}`, `//${target.host}@evil.example`,
        "/%2f/evil.example", "/..//evil.example", "/.//evil.example", "/\u2028/evil.example", "http://evil.example\0", "https://ev\u0130l.example", "",
      ];
      const queries = tricks.flatMap((to) => [
        `to=${encodeURIComponent(to)}`, `to=${encodeURIComponent(encodeURIComponent(to))}`, `to=/&to=${encodeURIComponent(to)}`,
        `to=${encodeURIComponent(to)}&to=/`,
      ]);
      // What is no address to a browser leads nowhere.
      const from = `${base}/.anteroom/wait`;
      const leaves = (address) => URL.canParse(address, from) && new URL(address, from).host !== `${target.host}:${target.port}`;
      let led = 0;
      await all(queries, async (query) => {
        const { status, headers } = await holder.ask(`/.anteroom/wait?${query}`, { headers: NAVIGATION });
        must(status === 303, `${query} was answered ${status}`);
        must(!leaves(headers.location), `${query} leads to ${headers.location}`);
        // What the page itself follows: its refresh, its links, and what its script was told.
        const { body } = await target.ask(`/.anteroom/wait?${query}`, { headers: NAVIGATION });
        const plain = (text) => text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">");
        const addresses = [...body.matchAll(/(?:href|action|content="\d+; ?url|data-[a-z]+)="?([^"]*)"/gi)].map(([, address]) => plain(address)).filter((address) => /^\s*(\/|\\|https?:|javascript:|data:text)/i.test(address));
        led += addresses.length;
        for (const address of addresses) must(!leaves(address), `${query}: the page leads to ${address}`);
      }, 8);
      must(led >= queries.length, `only ${led} addresses were found on the pages, so this shows nothing`);
      return `${tricks.length} addresses in ${queries.length} spellings, who is inside and who waits: 0 led to another host`;
    },
  },
  {
    name: "another site frames the page",
    tries: "the waiting page or the operator's in a frame, to have people click in it",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const pages = [
        await target.ask("/", { headers: NAVIGATION }), await target.ask("/.anteroom/wait?to=/", { headers: NAVIGATION }),
        await target.ask("/", { method: "POST", headers: NAVIGATION }), await target.operator("/"),
      ];
      for (const { headers } of pages) {
        const policy = headers["content-security-policy"] ?? "", [, ancestors] = /frame-ancestors ([^;]*)/.exec(policy) ?? [];
        must(ancestors?.trim() === "'self'", `frame-ancestors is ${ancestors}`);
        must(/default-src 'none'/.test(policy) && /base-uri 'none'/.test(policy) && /form-action 'self'/.test(policy) && !/unsafe|\*/.test(policy), `the policy is ${policy}`);
      }
      const nonces = new Set(pages.map(({ headers }) => /'nonce-(\w+)'/.exec(headers["content-security-policy"])?.[1]));
      must(nonces.size === pages.length, "a nonce came twice");
      return `${pages.length} pages: framed by their own host alone, and only what carries the page's own nonce runs`;
    },
  },
];
