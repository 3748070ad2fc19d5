// Runs inside workerd, around the gate as it is deployed, with the origin's `fetch` stubbed. `/block?gate=…&calls=…` times one block
// of calls; `/polls?count=…` counts the calls to objects that a burst of polls makes. How the time is exact although
// workerd's clock shows whole milliseconds (it does advance while code runs, unlike in production): a block begins at a tick; after
// it, loop turns are counted up to the next tick, and what they take, known from a whole millisecond of them, is taken off.
import entry from "../../../src/entry.mjs";
import { forget } from "../../../src/recent.mjs";
import { APP, LINE_HOST, OPEN_HOST, navigation, obtainPass, obtainTicket, pair } from "../browser.mjs";
import { bare, crowdhandler, webcrypto } from "./rivals.mjs";
export { DirectoryObject, LobbyObject, RoomObject } from "../../../src/entry.mjs";

let passedOn = 0;
let answer;
globalThis.fetch = () => {
  passedOn += 1;
  return answer;
};

/** Waits for the clock's next tick: when it was, and how many turns of the loop that took. */
function tick() {
  const begin = Date.now();
  let turns = 0;
  let at = begin;
  while (at === begin) {
    turns += 1;
    at = Date.now();
  }
  return { at, turns };
}

/** Turns in an undisturbed millisecond: the most ever seen. With fewer too much would be taken off, and the best block be a lie. */
let turnsOfAMilli = 0;
function calibrate() {
  tick();
  for (let index = 0; index < 5; index += 1) turnsOfAMilli = Math.max(turnsOfAMilli, tick().turns);
}

const sendTo = (host, env, context) => async (path, headers) => {
  const response = await entry.fetch(new Request(`https://${host}${path}`, { headers }), env, context);
  return pair(response.headers.get("Set-Cookie"));
};

/** Somebody takes the only seat of the room that has a line, once; who comes then waits. */
let seatTaken;
async function ticket(env, context) {
  const send = sendTo(LINE_HOST, env, context);
  seatTaken ??= await obtainPass(send);
  return obtainTicket(send);
}

const anteroom = (env, context) => ({
  cookie: () => obtainPass(sendTo(OPEN_HOST, env, context)),
  gate: (request) => entry.fetch(request, env, context),
});
const gates = {
  bare: () => bare, webcrypto: () => webcrypto, crowdhandler: () => crowdhandler, anteroom,
  // What was decided of the request before is forgotten (src/recent.mjs).
  anew: (env, context) => ({ ...anteroom(env, context), gate: (request) => (forget(), entry.fetch(request, env, context)) }),
};
const cookies = {};

async function block(name, calls, env, context) {
  const { cookie, gate } = gates[name](env, context);
  cookies[name] ??= await cookie();
  // As from a visitor: no request was looked at before.
  const requests = Array.from({ length: calls }, () => {
    const headers = navigation(cookies[name]);
    return new Request(`https://${OPEN_HOST}/basket/items?page=2&sort=price`, { headers });
  });
  passedOn = 0;
  calibrate();
  const { at: begin } = tick();
  for (const request of requests) await gate(request);
  const end = tick();
  if (passedOn !== calls) throw new Error(`${name}: ${passedOn} of ${calls} requests reached the origin`);
  return { micros: ((end.at - begin - Math.min(1, end.turns / turnsOfAMilli)) * 1000) / calls };
}

/** An environment that counts what is asked of its objects, and what of that is more than a newer board or directory. */
function counting(env, counts) {
  const call = (stub, name, action, payload) => {
    const { wish } = action === "ask" ? JSON.parse(payload) : { wish: "directory" };
    counts.all += 1;
    counts.beyondRefreshes += wish === "board" || wish === "directory" ? 0 : 1;
    return stub.ask(name, action, payload);
  };
  const stubOf = (stub) => ({ ask: (...args) => call(stub, ...args) });
  const namespaceOf = (namespace) => new Proxy(namespace, {
    get: (_, name) => {
      const value = namespace[name];
      if (typeof value !== "function" || name === "constructor") return value;
      return (...args) => (name.startsWith("get") ? stubOf(namespace[name](...args)) : namespace[name](...args));
    },
  });
  const names = ["ROOM", "LOBBY", "DIRECTORY"];
  return { ...env, ...Object.fromEntries(names.map((name) => [name, namespaceOf(env[name])])) };
}

async function polls(count, env, context) {
  const counts = { all: 0, beyondRefreshes: 0 };
  const counted = counting(env, counts);
  cookies.ticket ??= await ticket(counted, context);
  // The walk to the ticket, and a first poll, make calls; they show that the counting works, and that the board is new.
  const request = () => new Request(`https://${LINE_HOST}/.anteroom/wait?to=/`, { headers: { ...APP, Cookie: cookies.ticket } });
  await entry.fetch(request(), counted, context);
  const before = { ...counts };
  for (let index = 0; index < count; index += 1) {
    const polled = await entry.fetch(request(), counted, context);
    const { cfWaitingRoom } = await polled.json();
    if (cfWaitingRoom.state !== "waiting") throw new Error(`a poll was told ${cfWaitingRoom.state}`);
  }
  return { before: before.all, all: counts.all - before.all, beyondRefreshes: counts.beyondRefreshes - before.beyondRefreshes };
}

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    answer = Promise.resolve(new Response(null));
    const number = (name) => Number(searchParams.get(name));
    if (pathname === "/block") return Response.json(await block(searchParams.get("gate"), number("calls"), env, context));
    if (pathname === "/polls") return Response.json(await polls(number("count"), env, context));
    return new Response("no such thing here", { status: 404 });
  },
};
