// Our own worst day: the Wasm panics, again and again, which empties the memory of the edge and of every object in the isolate.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { ANTEROOM_VARS, APP, LINE_HOST, NAVIGATION, OPEN_HOST, navigation, obtainPass } from "../bench/browser.mjs";
import { ask, sender } from "../bench/load.mjs";
import { startOrigin } from "../bench/origin.mjs";
import { ANTEROOM, ANTEROOM_OBJECTS, startWorkers } from "../bench/runtime.mjs";
import { until } from "./harness.mjs";

const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
let origin, workers, port;
before(async () => {
  origin = await startOrigin();
  const modules = ["tests/workerd/trap.mjs", ...ANTEROOM];
  const { ROOMS: _, ...roomless } = ANTEROOM_VARS;
  workers = await startWorkers([
    { name: "anteroom", modules, vars: ANTEROOM_VARS, objects: ANTEROOM_OBJECTS },
    { name: "roomless", modules, vars: roomless, objects: ANTEROOM_OBJECTS },
  ], origin.port);
  port = workers.ports.anteroom;
});
after(async () => {
  await workers.stop();
  await origin.stop();
});

/** How often the Wasm began anew. */
const generation = async () => (await ask(port, "/generation", { Host: OPEN_HOST })).body.toString();

/** Asks for a place until there is one, keeping the cookie. */
async function join() {
  let cookie;
  for (let tries = 1; tries <= 100; tries += 1) {
    const { head, body } = await ask(port, "/", { Host: LINE_HOST, ...APP, ...(cookie && { Cookie: cookie }) });
    cookie = /^set-cookie: *([^;\r\n]+)/im.exec(head)?.[1] ?? cookie;
    const place = /"place":(\d+)/.exec(body)?.[1];
    if (place) return Number(place);
    await pause(20);
  }
  throw new Error("no place after 100 tries");
}

test("a deployment whose rooms nobody named passes everybody on, and its operators get their page", async () => {
  const answers = await Promise.all([OPEN_HOST, ANTEROOM_VARS.OPERATOR_HOST].map((host) => ask(workers.ports.roomless, "/", { Host: host, ...NAVIGATION })));
  assert.deepEqual(answers.map(({ head }) => head.slice(9, 12)), ["200", "200"]);
  assert.match(answers[1].body.toString(), /Sign in/);
});

test("whoever is cut off while they write costs nobody else a thing", async () => {
  assert.equal(await generation(), "0");
  for (let index = 0; index < 10; index += 1) {
    await new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(`POST /x HTTP/1.1\r\nHost: ${ANTEROOM_VARS.OPERATOR_HOST}\r\nContent-Length: 1000\r\n\r\nabcde`, () => setTimeout(() => socket.destroy(), 50));
      });
      socket.on("close", resolve);
      socket.on("error", reject);
    });
  }
  await pause(200);
  assert.equal(await generation(), "0");
});

test("with a panic every 20 ms those inside go on, and everybody who joins has a place of their own", { timeout: 240_000 }, async () => {
  const pass = await obtainPass(sender(port, OPEN_HOST));
  await obtainPass(sender(port, LINE_HOST));
  let [panics, over] = [0, false];
  const panicking = (async () => {
    for (; !over; await pause(20)) {
      const { body } = await ask(port, "/trap", { Host: OPEN_HOST });
      assert.equal(body.toString(), "unreachable");
      panics += 1;
    }
  })();
  const insider = (async () => {
    for (let requests = 0; !over || requests < 10; requests += 1) {
      const { head } = await ask(port, "/basket", { Host: OPEN_HOST, ...navigation(pass) });
      assert.doesNotMatch(head, /^anteroom:/im, "somebody inside was sent a page of ours");
    }
  })();
  // However slow the machine is, they join in the middle of it.
  const joins = Array.from({ length: 200 }, (_, index) => until(() => panics >= index / 5, "it panics").then(join));
  const places = await Promise.all(joins);
  over = true;
  await Promise.all([panicking, insider]);
  assert.ok(panics >= 39, `${panics} panics`);
  assert.equal(await generation(), String(panics), "each began a new instance");
  assert.equal(new Set(places).size, 200, "a place was given twice");
});
