// What a visitor waits for an answer that an object has to give: a join, and the claim of a called place with the origin's page behind it. Constant rate, far below
// what the objects can take, for a line that saturates measures itself. Intervals of a second alternate with the same rate through the least that the way takes
// (workers/floor.mjs), so that what the machine does besides is in both. The figure is the 99th percentile of a second, in the middle one of the seconds: one in which
// the machine was busy with something else would be all that a percentile of all of them tells. People come from many networks, and so over all leaves.
import { APP, OPERATORS_TOKEN, ANTEROOM_VARS, TURN_HOST, pair } from "./browser.mjs";
import { ask, drive, expect, get } from "./load.mjs";
import { pace } from "./paced.mjs";
import { median, medianInterval, quantile, rotated } from "./statistics.mjs";

const PER_SECOND = 200;
const ROUNDS = 20;
const WARM_UP = 2;
/** Until everybody who has joined is called. */
const CALLED_MS_MAX = 60_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const person = (number) => ({ Host: TURN_HOST, ...APP, "CF-Connecting-IP": `10.${(number >> 8) & 255}.${number & 255}.7` });
const cookieOf = (head) => pair(/^set-cookie: *([^\r\n]+)/im.exec(head)?.[1]);

/** An arrival for each, good for one join. */
async function arrivals(port, people) {
  const cookies = [];
  for (const number of people) {
    const request = [get("/", person(number))];
    await drive({ port, connections: 1, next: () => request.pop() ?? null, check: (head) => { expect(head, 200, "anteroom"); cookies.push(cookieOf(head)); } });
  }
  return cookies;
}

/** Rounds of the same requests to both, in turn; what came of ours. */
async function compare(ports, rounds, ours, check) {
  const times = { anteroom: [], floor: [] };
  for (let round = 0; round < rounds; round += 1) {
    const requests = await ours(round);
    for (const worker of rotated(["anteroom", "floor"], round)) {
      const heard = worker === "anteroom" ? check(round) : (head) => expect(head, 200, "floor");
      const took = await pace({ port: ports[worker], perSecond: PER_SECOND, requests, check: heard });
      if (round >= WARM_UP) times[worker].push(took);
    }
  }
  return times;
}

/** The operator lets everybody in; and all are called. */
async function letIn(port, count) {
  const operator = { Host: ANTEROOM_VARS.OPERATOR_HOST, Authorization: `Bearer ${OPERATORS_TOKEN}` };
  const path = "/client/v4/zones/any/waiting_rooms";
  const { result } = JSON.parse((await ask(port, path, operator)).body);
  const { id } = result.find(({ name }) => name === "turn");
  const body = JSON.stringify({ queue_all: false });
  const head = Object.entries({ ...operator, "Content-Type": "application/json", "Content-Length": body.length }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const request = [Buffer.from(`PATCH ${path}/${id} HTTP/1.1\r\n${head}\r\n${body}`)];
  await drive({ port, connections: 1, next: () => request.pop() ?? null, check: (answered) => { if (!/^HTTP\/1.1 200/.test(answered)) throw new Error(`the operator was refused: ${answered}`); } });
  for (const end = performance.now() + CALLED_MS_MAX; ; await pause(500)) {
    const { called } = JSON.parse((await ask(port, "/.anteroom/board", { Host: TURN_HOST })).body);
    if (called >= count) return;
    if (performance.now() > end) throw new Error(`after a minute ${called} of ${count} are called`);
  }
}

export async function measureWaits(ports) {
  const rounds = ROUNDS + WARM_UP, port = ports.anteroom, tickets = [];
  const people = (round) => Array.from({ length: PER_SECOND }, (_, index) => round * PER_SECOND + index);
  const withCookie = (cookies, round) => people(round).map((number, index) => get("/", { ...person(number), Cookie: cookies[index] }));
  const joins = await compare(ports, rounds, async (round) => withCookie(await arrivals(port, people(round)), round), (round) => (head, body, index) => {
    expect(head, 200, "anteroom");
    const ticket = cookieOf(head);
    if (!ticket || !body.includes('"place":')) throw new Error(`not a join: ${head}`);
    tickets[round * PER_SECOND + index] = ticket;
  });
  await letIn(port, rounds * PER_SECOND);
  const claims = await compare(ports, rounds, async (round) => withCookie(tickets.slice(round * PER_SECOND), round), () => (head) => {
    expect(head, 200, "origin");
    if (!cookieOf(head)) throw new Error(`let in without a pass: ${head}`);
  });
  const report = { waits_per_second: PER_SECOND };
  for (const [name, times] of [["join", joins.anteroom], ["join_floor", joins.floor], ["claim", claims.anteroom], ["claim_floor", claims.floor]]) {
    const { ratio: p99, low, high } = medianInterval(times.map((second) => quantile(second, 0.99)));
    const p50 = median(times.map((second) => quantile(second, 0.5)));
    Object.assign(report, { [`${name}_p99_ms`]: p99, [`${name}_p99_ms_low`]: low, [`${name}_p99_ms_high`]: high, [`${name}_p50_ms`]: p50 });
  }
  return report;
}
