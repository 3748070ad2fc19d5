// Tokens: made up, cut, bent, another room's, another kind's, too old, used twice, kept too long.
import { APP, NAVIGATION, until } from "../workerd/harness.mjs";
import { KIND, all, cookieOf, copyOf, full, tokenOf } from "./world.mjs";

const SEATS_1 = [{ total_active_users: 1 }];
/** By the cookie of the room's name, and by the header of apps. */
const ways = (name, token) => [{ ...NAVIGATION, Cookie: `${name}=${token}` }, { ...APP, "Anteroom-Token": token }];
/** Asks with each of these tokens in both ways. */
const present = (target, tokens, at = 0, path = "/") =>
  all(tokens.flatMap((token) => ways(target.cookieName(at), token)), (headers) => target.ask(path, { headers }));
const expected = (answers) => new Set(answers.map(({ status, headers }) => `${status} ${headers.anteroom}`));

export const TOKENS = [
  {
    name: "forged tokens",
    tries: "passes and tickets signed with a key of one's own, under every key id there is",
    rooms: SEATS_1,
    attempt: async (target, must) => {
      await full(target);
      const [before, issued] = [target.seen().length, (await target.live()).issued];
      const kinds = ["pass", "ticket", "arrival"];
      const tokens = kinds.flatMap((kind) => Array.from({ length: 256 }, (_, keyId) => target.token(kind, {}, { key: "x".repeat(64), keyId })));
      await present(target, tokens);
      must(target.seen().length === before, `the origin saw ${target.seen().length - before} requests`);
      must((await target.live()).issued === issued, "a rank was given");
      await present(target, [target.token("pass", {})]);
      must(target.seen().length === before + 2, "a genuine one is not let in, so this shows nothing");
      return `${tokens.length} tokens, each as cookie and as header: 0 reached the origin, 0 ranks given`;
    },
  },
  {
    name: "cut and bent tokens",
    tries: "a genuine pass of somebody inside, cut at every length and with every bit turned",
    rooms: SEATS_1,
    attempt: async (target, must) => {
      const pass = tokenOf(await full(target)), bytes = Buffer.from(pass, "base64url"), before = target.seen().length;
      const cut = Array.from({ length: pass.length }, (_, length) => pass.slice(0, length));
      const bent = Array.from({ length: bytes.length * 8 }, (_, bit) => {
        const other = Buffer.from(bytes);
        other[bit >> 3] ^= 1 << (bit & 7);
        return other.toString("base64url");
      });
      const other = [`${pass}A`, `${pass}=`, `${pass} x`, pass.toLowerCase(), `"${pass}"`, pass.replace(/[-_]/g, "+")].filter((text) => text !== pass);
      await present(target, [...cut, ...bent, ...other]);
      const reached = target.seen().length - before;
      must(reached === 0, `${reached} reached the origin`);
      await present(target, [pass]);
      must(target.seen().length === before + reached + 2, "the pass itself is not let in, so this shows nothing");
      return `${cut.length} lengths, ${bent.length} bits, ${other.length} other spellings: 0 reached the origin; the pass itself did`;
    },
  },
  {
    name: "a pass of another room",
    tries: "a genuine pass of a room that is open, at one that is full: under its own name, under the other's, and by header",
    rooms: [{ path: "/open" }, { path: "/full", queue_all: true }],
    attempt: async (target, must) => {
      const visitor = target.visitor();
      must(!(await visitor.go("/open")).headers.anteroom, "the open room lets nobody in");
      const pass = tokenOf(visitor);
      await all([0, 1], (at) => present(target, [pass], at, "/full/x"));
      const reached = target.seen().filter(({ url }) => url.startsWith("/full")).length;
      must(reached === 0, `${reached} reached the origin`);
      await present(target, [target.token("pass", {}, { at: 1 })], 1, "/full/x");
      must(target.seen().filter(({ url }) => url.startsWith("/full")).length === reached + 2, "the room's own pass is not let in, so this shows nothing");
      return "4 requests, 0 reached the origin; with a pass of the room's own they do";
    },
  },
  {
    name: "another room's answer",
    tries: "the same seat of two rooms is held and renewed at once, so that what an edge was told for one is taken for the other",
    rooms: [{ path: "/a", total_active_users: 1 }, { path: "/b", total_active_users: 1 }],
    attempt: async (target, must) => {
      const visitor = target.visitor(), tag = (at) => Buffer.from(visitor.jar.get(target.cookieName(at)) ?? "", "base64url").subarray(3, 7).toString("hex");
      for (let time = 0; time < 3; time += 1) {
        for (const path of ["/a", "/b"]) must(!(await visitor.go(path)).headers.anteroom, `${path} is closed the ${time + 1}. time`);
      }
      must([0, 1].every((at) => tag(at) === target.idOf(at).slice(0, 8)), "a pass of the other room was given");
      const inside = [await target.live(0), await target.live(1)].map((live) => live.inside);
      must(inside.every((seats) => seats === 1), `${inside} are inside`);
      must((await target.visitor().go("/b")).headers.anteroom === "joining", "one more was let in");
      return `3 rounds: each room renews its own pass, ${inside.join(" and ")} of 1 seat is taken`;
    },
  },
  {
    name: "expired tokens",
    tries: "genuine passes whose time is over, a ticket older than a day, arrivals that are too old or from the future",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const now = Date.now(), ended = [1, 1_000, 60_000, 86_400_000].map((millis) => target.token("pass", { issued: now - 90_000_000, expires: now - millis }));
      await present(target, ended);
      must(target.seen().length === 0, `${target.seen().length} reached the origin`);
      const stale = [
        target.token("arrival", { issued: now - 125_000 }), target.token("arrival", { issued: now + 90_000 }),
        target.token("ticket", { issued: now - 86_401_000 }),
      ];
      const answers = await present(target, stale);
      must([...expected(answers)].join() === "200 joining", `stale arrivals and tickets are told ${[...expected(answers)]}`);
      must((await target.live()).issued === 0, "a stale arrival was given a rank");
      await present(target, [target.token("pass", { expires: Date.now() + 60_000 })]);
      must(target.seen().length === 2, "a pass in its time is not let in, so this shows nothing");
      return `${ended.length} passes, 0 reached the origin; ${stale.length} arrivals and tickets, 0 ranks given`;
    },
  },
  {
    name: "one kind of token as another",
    tries: "a genuine arrival, ticket or operator's session where a pass belongs, as it is and with its first byte changed",
    rooms: [{ queue_all: true }],
    attempt: async (target, must) => {
      const visitor = target.visitor();
      await visitor.go();
      const arrival = tokenOf(visitor);
      await visitor.stand("/");
      const genuine = [arrival, tokenOf(visitor), target.token("operator", {})];
      const renamed = genuine.flatMap((text) => Object.values(KIND).map((kind) => {
        const bytes = Buffer.from(text, "base64url");
        bytes[0] = kind;
        return bytes.toString("base64url");
      }));
      await present(target, [...genuine, ...renamed]);
      must(target.seen().length === 0, `${target.seen().length} reached the origin`);
      return `${genuine.length + renamed.length} tokens, 0 reached the origin`;
    },
  },
  {
    name: "a ticket claimed many times",
    tries: "twelve copies of one ticket claim its seat at once when it is called",
    rooms: [{ total_active_users: 20 }],
    attempt: async (target, must) => {
      const holders = [];
      await until(async () => {
        const visitor = target.visitor();
        if ((await visitor.arrive()) !== "inside") return true;
        await visitor.go();
        holders.push(visitor);
        return false;
      }, "somebody has to wait");
      const second = target.visitor();
      must((await second.arrive()) !== "inside", "nobody had to wait, so this shows nothing");
      await holders[0].leave();
      await until(async () => (await second.stand())?.state === "your_turn", "the place is called");
      const copies = Array.from({ length: 12 }, () => copyOf(second)), before = target.seen().length;
      await Promise.all(copies.map((copy) => copy.go("/claimed")));
      const sessions = new Set(await all(copies, async (copy) => (await copy.stand()).session));
      must(target.seen().length === before + 12, "the copies do not share what the ticket was exchanged for, so this shows nothing");
      must(sessions.size === 1, `they hold ${sessions.size} sessions`);
      const { inside } = await target.live();
      must(inside <= 20, `${inside} are inside of 20`);
      return `12 claims, ${sessions.size} session: one seat, and ${inside} of 20 are taken`;
    },
  },
  {
    name: "a copied pass after its holder left",
    tries: "a copy of a pass is kept, and used once the holder has left",
    rooms: SEATS_1,
    attempt: async (target, must) => {
      const holder = await full(target), copy = copyOf(holder);
      must(!(await copy.go("/copy")).headers.anteroom, "the copy opens nothing even before, so this shows nothing");
      await holder.leave();
      const before = target.seen().length;
      const states = await all(Array.from({ length: 10 }), async () => (await target.ask("/copy", { headers: { ...NAVIGATION, Cookie: cookieOf(copy) } })).headers.anteroom);
      must(target.seen().length === before, `the origin saw ${target.seen().length - before} requests`);
      return `let in before, then ${states.length} requests: 0 reached the origin`;
    },
  },
  {
    name: "a pass kept after the origin ended its session",
    tries: "a pass is used on when the origin has ended the session by `Anteroom-Command: revoke`",
    rooms: [{ total_active_users: 1, enabled_origin_commands: ["revoke"] }],
    attempt: async (target, must) => {
      const holder = await full(target), copy = copyOf(holder);
      const bye = await holder.ask("/bye", { method: "POST", headers: NAVIGATION });
      must(!bye.headers["anteroom-command"], "the visitor sees the command");
      const asked = Date.now();
      await until(async () => (await target.ask("/after", { headers: { ...NAVIGATION, Cookie: cookieOf(copy) } })).headers.anteroom, "the session is over", 13_000);
      const took = Date.now() - asked, before = target.seen().length;
      await all(Array.from({ length: 10 }), () => target.ask("/after", { headers: { ...NAVIGATION, Cookie: cookieOf(copy) } }));
      must(target.seen().length === before, `the origin saw ${target.seen().length - before} requests more`);
      return `closed ${took < 1_000 ? "within a second" : `after ${took} ms`}; then 10 requests: 0 reached the origin`;
    },
  },
];
