// The operator's host: guessing tokens, forging sessions, speaking in an operator's name from another site, and finding the API where it does not belong.
import { NAVIGATION } from "../workerd/harness.mjs";
import { OPERATORS_HOST, OPERATORS_TOKEN, cookieOf, full, tokenOf } from "./world.mjs";

const API = "/client/v4/zones/z/waiting_rooms";
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const form = (target, token, headers) => target.operator("/sign-in", { method: "POST", headers, body: `token=${token}` });

/** An operator's browser, once signed in: its cookie, and its session's secret. */
async function signedIn(target, must) {
  const signed = await form(target, OPERATORS_TOKEN, { "Sec-Fetch-Site": "same-origin" });
  must(signed.status === 303, `the form is answered ${signed.status}`);
  const Cookie = signed.headers["set-cookie"][0].split(";")[0];
  const [, csrf] = /data-csrf="([0-9a-f]{32})"/.exec((await target.operator("/", { headers: { Cookie } })).body) ?? [];
  return { Cookie, csrf };
}

export const OPERATORS = [
  {
    name: "an operator's session forged",
    tries: "sessions signed with another key, a visitor's pass as one, and one that is over",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const pass = tokenOf(await full(target));
      const sessions = [
        ...Array.from({ length: 256 }, (_, keyId) => target.token("operator", {}, { key: "x".repeat(64), keyId })), pass,
        target.token("operator", { expires: Date.now() - 1 }), "", "A".repeat(127),
      ];
      for (const session of sessions) {
        const { body } = await target.operator("/", { headers: { Cookie: `anteroom-operator=${session}` } });
        must(!body.includes("data-csrf"), "one of them sees the desk");
      }
      const genuine = await target.operator("/", { headers: { Cookie: `anteroom-operator=${target.token("operator", {})}` } });
      must(genuine.body.includes("data-csrf"), "a genuine one does not see the desk either, so this shows nothing");
      return `${sessions.length} sessions, 0 saw the desk`;
    },
  },
  {
    name: "another site speaks as the operator",
    tries: "forms and scripts of other sites, and of the shop, in the browser of an operator who is signed in",
    attempt: async (target, must) => {
      const { Cookie, csrf } = await signedIn(target, must), room = `${API}/${target.idOf(0)}`;
      const strangers = [
        {}, { Origin: "https://evil.example" }, { Origin: `http://${target.host}:${target.port}` }, { Origin: "null" }, { "Sec-Fetch-Site": "same-site" },
        { "Sec-Fetch-Site": "cross-site" }, { Referer: `http://${OPERATORS_HOST}/` },
      ];
      for (const headers of strangers) {
        must((await form(target, OPERATORS_TOKEN, headers)).status === 403, `signing in from ${JSON.stringify(headers)} is not refused`);
        for (const method of ["PATCH", "PUT", "POST", "DELETE"]) {
          const { status } = await target.operator(method === "POST" ? API : room, { method, headers: { Cookie, ...headers }, ...(method !== "DELETE" && { body: '{"queue_all":true}' }) });
          must(status === 401, `${method} from ${JSON.stringify(headers)} is answered ${status}`);
        }
        const out = await target.operator("/sign-out", { method: "POST", headers: { Cookie, ...headers } });
        must(out.status === 403, `signing out from ${JSON.stringify(headers)} is answered ${out.status}`);
        must((await target.operator(room, { headers: { Cookie, ...headers } })).status === 401, "a script may read");
        const preflight = await target.operator(room, { method: "OPTIONS", headers: { Cookie, ...headers, "Access-Control-Request-Method": "PATCH" } });
        must(!Object.keys(preflight.headers).some((name) => name.startsWith("access-control-")), "a preflight is granted");
      }
      const wrong = await target.operator(room, { method: "PATCH", headers: { Cookie, "Anteroom-CSRF": "0".repeat(32) }, body: '{"queue_all":true}' });
      must(wrong.status === 401, "another secret is taken for the session's");
      const told = await target.asAda(`/${target.idOf(0)}`);
      must(told.queue_all === false, "the room was changed");
      const meant = await target.operator(room, { method: "PATCH", headers: { Cookie, "Anteroom-CSRF": csrf }, body: '{"queue_all":true}' });
      must(meant.status === 200, "the page itself may not either, so this shows nothing");
      return `${strangers.length} kinds of strangers: all refused, the room unchanged; its own page may`;
    },
  },
  {
    name: "the operator's API on the shop's host",
    tries: "the API and the desk by the shop's own host, with a right token, with and without a pass; the shop by the operator's",
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      const holder = await full(target), before = target.seenAtAll(), room = `${API}/${target.idOf(0)}`;
      const tricks = [
        {}, { "X-Forwarded-Host": OPERATORS_HOST }, { "X-Host": OPERATORS_HOST }, { Forwarded: `host=${OPERATORS_HOST}` },
        { "X-Original-URL": `http://${OPERATORS_HOST}/` },
      ];
      for (const headers of tricks) {
        for (const [path, method] of [[API, "GET"], [room, "DELETE"], ["/", "GET"], ["/sign-in", "POST"]]) {
          const said = await target.ask(path, { method, headers: { ...NAVIGATION, ...bearer(OPERATORS_TOKEN), ...headers }, ...(method === "POST" && { body: `token=${OPERATORS_TOKEN}` }) });
          must(said.headers.anteroom && !said.body.includes("total_active_users") && !said.body.includes("data-csrf"), `${method} ${path} is answered by the operator's side`);
          must(!said.headers["set-cookie"]?.some((line) => line.includes("operator")), "a session was given");
        }
      }
      must(target.seenAtAll() === before, "the origin was reached");
      const inside = JSON.parse((await holder.ask(API, { headers: { ...NAVIGATION } })).body);
      must(inside.url === API, "who is inside is answered by us at the origin's address");
      // The other way round: nothing of the shop, and nothing of the origin, by the operator's host.
      const reached = target.seenAtAll();
      for (const path of ["/item/1", "/.anteroom/board", "/.anteroom/wait", "/robots.txt", "/.well-known/x", "/favicon.ico"]) {
        const { status } = await target.operator(path, { headers: { ...NAVIGATION, Cookie: cookieOf(holder) } });
        must(status === 401 || status === 404, `${path} on the operator's host is answered ${status}`);
      }
      must(target.seenAtAll() === reached, "the origin was reached by the operator's host");
      must((await target.asAda(`/${target.idOf(0)}`)).total_active_users === 1, "the room was changed");
      return `${tricks.length * 4} requests on the shop's host, 6 on the operator's: 0 answered by the other, 0 reached the origin`;
    },
  },
  {
    name: "guessing operators' tokens",
    tries: "wrong tokens by API and by the form, as fast as they are answered",
    attempt: async (target, must) => {
      const guesses = Array.from({ length: 60 }, (_, index) => String(index).padStart(32, "x"));
      const statuses = [];
      for (const [index, token] of guesses.entries()) {
        const { status } = await (index % 2 ? form(target, token, { "Sec-Fetch-Site": "same-origin" }) : target.operator(API, { headers: bearer(token) }));
        statuses.push(status);
      }
      const count = (wanted) => statuses.filter((status) => status === wanted).length;
      must(count(401) + count(429) === guesses.length, `answered ${[...new Set(statuses)]}`);
      must(count(401) <= 10, `${count(401)} guesses were heard`);
      const right = await target.operator(API, { headers: bearer(OPERATORS_TOKEN) });
      must(right.status === 200, `the right token is answered ${right.status}: the operator is locked out`);
      return `${guesses.length} guesses: ${count(401)} heard, ${count(429)} told to come back later; the right token still works`;
    },
  },
];
