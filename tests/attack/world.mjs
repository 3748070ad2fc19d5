// What attacks are tried on: one running Anteroom with a room of its own for each of them, on a host of its own, and an origin that writes down
// what reached it. Attackers hold what anybody can hold; the deployment's key is known here only to make what would take hours to come by honestly,
// such as a pass that has expired.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { connect } from "node:net";
import { KEY, NAVIGATION, Visitor, room, startAnteroom, until } from "../workerd/harness.mjs";
import { NEIGHBOUR, cacheOf } from "../workerd/shared.mjs";

export const OPERATORS_HOST = "operator.localhost";
export const OPERATORS_TOKEN = "0123456789abcdef0123456789abcdef";
/** Domain bytes of tokens (durable/src/token.rs). */
export const KIND = { arrival: 1, ticket: 2, pass: 3, operator: 4 };

/** An origin that says what it was asked, and remembers it by the host that the visitor named. */
async function startOrigin() {
  const seen = [];
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    request.resume();
    seen.push({ method, url, headers, host: (headers["x-forwarded-host"] ?? "").split(":")[0].toLowerCase() });
    const ends = url === "/bye" ? { "Anteroom-Command": "revoke" } : {};
    response.writeHead(200, { "Content-Type": "application/json", ...ends }).end(JSON.stringify({ method, url, headers }));
  });
  server.keepAliveTimeout = 0;
  server.on("upgrade", ({ method, url, headers }, socket) => {
    seen.push({ method, url, headers, host: (headers["x-forwarded-host"] ?? "").split(":")[0].toLowerCase() });
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  return {
    seen, url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}

/** The host of an attack's rooms. */
const hostOf = (index) => `a${index}.attack.localhost`;

/** Starts Anteroom with the rooms of all these attacks. `on(attack)` is what one of them is tried on. */
export async function startWorld(attacks) {
  const origin = await startOrigin();
  const rooms = attacks.flatMap(({ rooms = [{}] }, index) => rooms.map((fields, at) =>
    room({ name: `a${index}-${at}`, host: hostOf(index), session_duration_seconds: 600, ...(typeof fields === "function" ? fields(hostOf(index)) : fields) })));
  const anteroom = await startAnteroom({ rooms, vars: { ORIGIN: origin.url }, secrets: { OPERATOR_TOKENS: `ada:${OPERATORS_TOKEN}` }, beside: [NEIGHBOUR] });
  const operator = (path, options) => anteroom.ask(path, { ...options, host: OPERATORS_HOST });
  const asAda = async (path, options) => JSON.parse((await operator(`/client/v4/zones/z/waiting_rooms${path}`, { ...options, headers: { Authorization: `Bearer ${OPERATORS_TOKEN}` } })).body).result;
  const ids = new Map((await asAda("?per_page=1000")).map(({ name, id }) => [name, id]));
  return {
    on: (attack) => {
      const index = attacks.indexOf(attack), host = hostOf(index);
      return target({ host, anteroom, origin, operator, asAda, idOf: (at) => ids.get(`a${index}-${at}`) });
    },
    stop: async () => {
      await anteroom.stop();
      await origin.stop();
    },
  };
}

function target({ host, anteroom, origin, operator, asAda, idOf }) {
  const ask = (path, options = {}) => anteroom.ask(path, { ...options, host: options.host ?? host });
  const { port } = anteroom.url;
  return {
    host, port, ask, operator, asAda, idOf,
    /** The cache of Anteroom's isolates, in the hands of another script of the zone. */
    cache: cacheOf(anteroom.harness),
    /** What reached the origin by this host's name so far; by `host` another's. */
    seen: (of = host) => origin.seen.filter((one) => one.host === of),
    seenAtAll: () => origin.seen.length,
    board: async (path = "") => JSON.parse((await ask(`${path}/.anteroom/board`)).body),
    /** What the Room itself says: who is inside, ranks issued. */
    live: (at = 0) => asAda(`/${idOf(at)}/live`),
    visitor: () => new Visitor({ ask }),
    cookieName: (at = 0) => `anteroom-${idOf(at).slice(0, 8)}`,
    /** One request, byte by byte as it is given, and all of its answer. */
    raw: (head, body = "") => new Promise((resolve, reject) => {
      let said = "";
      const socket = connect(Number(port), "127.0.0.1", () => socket.write(`${head.join("\r\n")}\r\nConnection: close\r\n\r\n${body}`, "latin1"));
      socket.setTimeout(60_000, () => socket.destroy(new Error("no answer in 60 s")));
      socket.on("data", (data) => (said += data.toString("latin1")));
      socket.on("close", () => resolve(said));
      // Who is cut off in the middle of a request that is too long has been answered, or refused, all the same.
      socket.on("error", (error) => (/ECONNRESET|EPIPE/.test(error.code) ? resolve(said) : reject(error)));
    }),
    token: (kind, fields, options) => token(kind, { room: idOf(options?.at ?? 0), ...fields }, options),
  };
}

/** A token as durable/src/token.rs writes it. */
function token(kind, { room: id, issued = Date.now(), expires = Date.now() + 600_000, rank = 0, seat = 0, generation = 1 }, { key = KEY, keyId } = {}) {
  const number = (value, bytes) => Buffer.from(BigInt(value).toString(16).padStart(bytes * 2, "0"), "hex");
  const tag = Buffer.from(id.slice(0, 16), "hex"), holder = Buffer.alloc(16, 7);
  const fields = {
    arrival: [tag, number(issued, 6), Buffer.alloc(4), holder],
    ticket: [tag, number(0, 4), number(rank, 5), number(issued, 6), holder],
    pass: [tag, number(0, 4), number(0, 4), number(seat, 4), number(generation, 4), number(issued, 6), number(expires, 6), number(1, 1)],
    operator: [Buffer.from("ada".padEnd(32, "\0")), holder, number(issued, 6), number(expires, 6)],
  }[kind];
  const mac = (...parts) => createHmac("sha256", key).update(Buffer.concat(parts)).digest();
  const signed = Buffer.concat([Buffer.from([KIND[kind], 1, keyId ?? mac(Buffer.from("anteroom key id"))[0]]), ...fields]);
  return Buffer.concat([signed, mac(signed)]).toString("base64url");
}

/** Tries all of these, so many at a time. */
export async function all(items, task, atOnce = 32) {
  const left = [...items].entries(), answers = [];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const [index, item] of left) answers[index] = await task(item, index);
  }));
  return answers;
}

export const cookieOf = ({ jar }) => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
export const tokenOf = ({ jar }) => [...jar].find(([name]) => name.startsWith("anteroom-"))?.[1];
/** A second visitor with everything that the first one holds. */
export function copyOf(visitor) {
  const copy = new Visitor(visitor.anteroom);
  copy.jar = new Map(visitor.jar);
  return copy;
}

/** Comes in as people do: at once, or from the line when it is their turn. */
export async function enter(visitor) {
  if ((await visitor.arrive()) === "inside") return;
  await until(async () => {
    const told = await visitor.stand();
    return (told.state === "admitted" || told.state === "your_turn") && !(await visitor.go()).headers.anteroom;
  }, "it is their turn");
}

/** People who came honestly take all seats; the one who came first is answered, and everybody who comes now waits. */
export async function full(target) {
  const first = target.visitor();
  if ((await first.arrive()) !== "inside") throw new Error("nobody could come in");
  await first.go();
  await until(async () => (await target.ask("/", { headers: NAVIGATION })).headers.anteroom === "joining", "the room is full");
  return first;
}
