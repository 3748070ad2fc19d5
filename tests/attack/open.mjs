// What is not stopped, shown plainly. Each of these works, and gets exactly what is said here: a change is a failure as elsewhere, for then docs/security.md
// and docs/fairness.md are wrong.
import { APP, NAVIGATION } from "../workerd/harness.mjs";
import { all, copyOf, enter, full, tokenOf } from "./world.mjs";

const DEVICES = 5, JARS = 10;

export const OPEN = [
  {
    name: "a shared pass",
    tries: `one pass is given to ${DEVICES} devices`,
    rooms: [{ total_active_users: 1 }],
    open: true,
    attempt: async (target, must) => {
      const holder = await full(target), before = target.seen().length;
      const answers = await all(Array.from({ length: DEVICES }), () => copyOf(holder).go("/shared"));
      must(answers.every(({ headers }) => !headers.anteroom) && target.seen().length === before + DEVICES, "not all of them were let in");
      const { inside } = await target.live();
      must(inside === 1, `${inside} seats are taken`);
      return `${DEVICES} devices let in by one pass; it counts once, ${inside} of 1 seats is taken`;
    },
  },
  {
    name: "many cookie jars in line",
    tries: `one person joins with ${JARS} browsers`,
    rooms: [{ queue_all: true }],
    open: true,
    attempt: async (target, must) => {
      const jars = Array.from({ length: JARS }, () => target.visitor());
      for (const jar of jars) await jar.arrive();
      const places = new Set(jars.map(({ place }) => place)), { issued } = await target.live();
      must(places.size === JARS && issued === JARS, `${places.size} places, ${issued} ranks`);
      return `${JARS} jars, ${issued} ranks: as many as jars, not more`;
    },
  },
  {
    name: "seats filled by who keeps cookies",
    tries: "one person comes in with as many browsers as there are seats",
    rooms: [{ total_active_users: JARS }],
    open: true,
    attempt: async (target, must) => {
      for (let index = 0; index < JARS; index += 1) {
        const jar = target.visitor();
        await enter(jar);
        await jar.go();
      }
      const live = await target.live(), next = target.visitor();
      must(live.inside === JARS, `${live.inside} are inside of ${JARS}`);
      must((await next.arrive()) === "waiting", "the next one does not wait");
      return `one person holds ${live.inside} of ${JARS} seats, everybody else waits; the limit holds`;
    },
  },
  {
    name: "cookies tossed in by a sibling host",
    tries: "where a room's cookie has a Domain, another host of the site sets four of its name before it",
    rooms: [(host) => ({ queue_all: true, host, cookie_attributes: { domain: host.slice(host.indexOf(".") + 1) } })],
    open: true,
    attempt: async (target, must) => {
      const visitor = target.visitor();
      await visitor.arrive();
      const ticket = tokenOf(visitor), name = target.cookieName();
      const ask = (values) => target.ask("/.anteroom/wait", { headers: { Accept: "application/json", Cookie: values.map((value) => `${name}=${value}`).join("; ") } }).then(({ body }) => JSON.parse(body).cfWaitingRoom);
      const junk = "AgEcbmcYVCljEpsAAAAA";
      must((await ask([...Array(3).fill(junk), ticket])).place === visitor.place, "three tossed cookies hide the place already");
      must((await ask([...Array(4).fill(junk), ticket])).state === "joining", "four tossed cookies do not hide it");
      must((await ask([ticket, ...Array(4).fill(junk)])).place === visitor.place, "what stands behind hides it");
      must(target.seen().length === 0, "it opened something");
      return "3 tossed cookies change nothing, 4 hide the visitor's place; none opens anything";
    },
  },
  {
    name: "spellings that only a lax origin reads as the path",
    tries: "capitals, and escapes of escapes, for an origin that ignores case or decodes twice",
    rooms: [{ path: "/sale", queue_all: true }],
    open: true,
    attempt: async (target, must) => {
      const spellings = ["/SALE", "/Sale", "/%2573ale", "/x/%252e%252e/sale"];
      for (const path of spellings) await target.ask(path, { headers: NAVIGATION });
      must(target.seen().length === spellings.length, `${target.seen().length} of ${spellings.length} reached the origin`);
      must((await target.ask("/sale", { headers: NAVIGATION })).headers.anteroom === "joining", "the path itself is not covered");
      return `${spellings.length} spellings of \`/sale\` reach the origin as the paths that they are`;
    },
  },
];
