// Floods: clients that take without keeping, and one that asks without end. What they cost is counted by ranks, seats, and the time that others wait.
import { APP, NAVIGATION } from "../workerd/harness.mjs";
import { all, cookieOf, full, tokenOf } from "./world.mjs";

const CONTACTS = 3_000, REPEATS = 2_000;
/** Others get a place within this: two answers of ours, each within four seconds. */
const PATIENCE_MS = 8_000;

/** Somebody else comes meanwhile, and is given a place or an answer: how long each had to wait, and what they were told. */
async function others(target, count) {
  const lived = [];
  for (let index = 0; index < count; index += 1) {
    const visitor = target.visitor(), from = Date.now();
    await visitor.arrive();
    lived.push({ place: visitor.place, millis: Date.now() - from });
  }
  return lived;
}

/** Repeats one request, and lets others come meanwhile. */
async function beside(target, ask) {
  const flood = all(Array.from({ length: REPEATS }), ask);
  const lived = await others(target, 20);
  const answers = await flood;
  return { lived, answers, slowest: Math.max(...lived.map(({ millis }) => millis)) };
}

export const FLOODS = [
  {
    name: "a flood of first contacts",
    tries: `${CONTACTS} first contacts that keep no cookie, to fill the line and the seats`,
    rooms: [{ total_active_users: 50 }],
    attempt: async (target, must) => {
      const answers = await all(Array.from({ length: CONTACTS }), () => target.ask("/", { headers: NAVIGATION }));
      const inside = answers.filter(({ headers }) => !headers.anteroom).length, { issued, inside: seats } = await target.live();
      must(answers.every(({ status }) => status === 200), "somebody was answered an error");
      must(issued === 0, `${issued} ranks were given`);
      must(inside >= 1 && inside <= 5 && seats <= 5, `${inside} were let in, ${seats} seats taken, of 50`);
      must(target.seen().length === inside, `the origin saw ${target.seen().length}`);
      const visitor = target.visitor();
      must(["inside", "waiting", "your_turn"].includes(await visitor.arrive()), "whoever keeps cookies is not served");
      return `${CONTACTS} requests: 0 ranks given, ${seats} of 50 seats taken; who keeps cookies is served`;
    },
  },
  {
    name: "one arrival at full speed",
    tries: `one arrival is brought back ${REPEATS} times for a rank each time`,
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      await full(target);
      const attacker = target.visitor();
      await attacker.go();
      const headers = { ...APP, Cookie: cookieOf(attacker) };
      const { lived, answers, slowest } = await beside(target, () => target.ask("/", { headers }));
      // Some are told to come back, where the limit of calls in one name is reached before the first answer is there.
      const told = answers.map(({ body }) => JSON.parse(body).cfWaitingRoom).filter(({ state }) => state !== "joining");
      const places = new Set(told.map(({ place }) => place)), { issued } = await target.live();
      must(places.size === 1, `it was given the places ${[...places]}`);
      must(issued === 21, `${issued} ranks were given to 21 who came`);
      must(new Set(lived.map(({ place }) => place)).size === 20, "others were not given a place each");
      must(slowest <= PATIENCE_MS, `somebody else waited ${slowest} ms`);
      return `${REPEATS} repeats: 1 rank; 20 others came meanwhile and were given one each, the slowest ${slowest < 1_000 ? "within a second" : `in ${slowest} ms`}`;
    },
  },
  {
    name: "one ticket at full speed",
    tries: `one ticket asks ${REPEATS} times whether it is its turn, and claims`,
    rooms: [{ total_active_users: 1 }],
    attempt: async (target, must) => {
      await full(target);
      const attacker = target.visitor();
      must((await attacker.arrive()) === "waiting", "it does not wait, so this shows nothing");
      const headers = { ...APP, Cookie: cookieOf(attacker) }, before = target.seen().length;
      const { lived, answers, slowest } = await beside(target, (_, index) => target.ask(["/", "/.anteroom/wait", "/.anteroom/wait?anteroom-claim=1"][index % 3], { headers }));
      const told = new Set(answers.map(({ body }) => JSON.parse(body).cfWaitingRoom.place)), { issued } = await target.live();
      must(told.size === 1 && told.has(attacker.place), `it was told the places ${[...told]}`);
      must(issued === 21, `${issued} ranks were given to 21 who came`);
      must(target.seen().length === before, "the origin was reached");
      must(lived.every(({ place }) => place > attacker.place) && slowest <= PATIENCE_MS, `somebody else waited ${slowest} ms`);
      return `${REPEATS} requests: its place is the same, 0 reached the origin; 20 others joined meanwhile, the slowest ${slowest < 1_000 ? "within a second" : `in ${slowest} ms`}`;
    },
  },
  {
    name: "one pass at full speed",
    tries: `one pass asks ${REPEATS} times, each time due to be renewed, for a seat more or to be heard by the Room each time`,
    rooms: [{ total_active_users: 40 }],
    attempt: async (target, must) => {
      const attacker = target.visitor();
      must((await attacker.arrive()) === "inside", "it is not let in, so this shows nothing");
      const headers = { ...NAVIGATION, Cookie: cookieOf(attacker) };
      const answers = await all(Array.from({ length: REPEATS }), () => target.ask("/x", { headers }));
      must(answers.every(({ status, headers }) => status === 200 && !headers.anteroom), "it was not let through each time");
      const { inside } = await target.live();
      must(inside === 1, `${inside} seats are taken`);
      const other = target.visitor();
      must((await other.arrive()) === "inside", "somebody else is not let in");
      return `${REPEATS} requests of a pass that is due: ${inside} seat taken, and the next visitor is let in`;
    },
  },
  {
    name: "guesses and parts of pages that take places",
    tries: "another site makes its visitors' browsers prefetch, prerender, or load a covered address as an image, a script or a frame's part, or fetch it as an app would",
    rooms: [{}],
    attempt: async (target, must) => {
      const guesses = [
        { ...NAVIGATION, "Sec-Purpose": "prefetch" }, { ...NAVIGATION, "Sec-Purpose": "prefetch;prerender" }, { ...NAVIGATION, Purpose: "prefetch" },
        { ...NAVIGATION, "Sec-Purpose": "prefetch;anonymous-client-ip" },
      ];
      const parts = ["image/avif,image/webp,*/*", "*/*", "text/css,*/*;q=0.1"].map((Accept) => ({ Accept, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site" }));
      const fetches = [
        { ...APP, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site" }, { ...APP, "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" },
        { Accept: "application/json", Origin: "https://evil.example" }, { ...APP, "Sec-Fetch-Site": "same-site", Origin: `http://evil.${target.host}` }, { ...APP, Origin: "null" },
      ];
      const answers = await all([...guesses, ...parts, ...fetches], (headers) => target.ask("/x", { headers }));
      for (const { status, headers } of answers) must(status === 503 && !headers["set-cookie"], `one was answered ${status}, ${headers["set-cookie"]}`);
      const { issued, inside } = await target.live();
      must(issued === 0 && inside === 0 && target.seen().length === 0, `${issued} ranks, ${inside} seats, ${target.seen().length} at the origin`);
      const visitor = target.visitor();
      must((await visitor.arrive()) === "inside" && tokenOf(visitor), "a visitor is not let in either, so this shows nothing");
      return `${answers.length} requests in an open room: 0 ranks, 0 seats, 0 reached the origin`;
    },
  },
];
