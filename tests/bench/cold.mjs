// How long the first visitor of an isolate waits for it: from the start of a new workerd to the first answer, with Anteroom and with an empty Worker in turn. The
// difference is ours: reading and compiling the Wasm, its first run, and, for a first contact, three objects and their storage made anew.
import { ANTEROOM_VARS, NAVIGATION, OPEN_HOST } from "./browser.mjs";
import { ask, expect } from "./load.mjs";
import { ANTEROOM, ANTEROOM_OBJECTS, startWorkers } from "./runtime.mjs";
import { medianInterval, rotated } from "./statistics.mjs";

const ROUNDS = 15;
const SERVICES = {
  empty: { name: "empty", modules: ["tests/bench/workers/empty.mjs"] },
  anteroom: { name: "anteroom", modules: ANTEROOM, vars: ANTEROOM_VARS, objects: ANTEROOM_OBJECTS },
};
/** The operator's page is the Wasm's and asks no object. */
const FIRST = {
  empty: ["empty", { Host: OPEN_HOST }, () => {}],
  page: ["anteroom", { Host: ANTEROOM_VARS.OPERATOR_HOST, ...NAVIGATION }, (head, body) => { if (!body.includes("Sign in")) throw new Error(`not the operator's page: ${head}`); }],
  contact: ["anteroom", { Host: OPEN_HOST, ...NAVIGATION }, (head) => expect(head, 200, "origin")],
};

async function first([service, headers, check], originPort) {
  const begun = performance.now();
  const workers = await startWorkers([SERVICES[service]], originPort);
  try {
    const { head, body } = await ask(workers.ports[service], "/", headers);
    const took = performance.now() - begun;
    check(head, body);
    return took;
  } finally {
    await workers.stop();
  }
}

export async function measureCold(_, origin) {
  const added = { page: [], contact: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const seen = {};
    for (const what of rotated(Object.keys(FIRST), round)) seen[what] = await first(FIRST[what], origin.port);
    for (const what of ["page", "contact"]) added[what].push(seen[what] - seen.empty);
  }
  const [page, contact] = [added.page, added.contact].map(medianInterval);
  return {
    cold_start_ms: page.ratio, cold_start_ms_low: page.low, cold_start_ms_high: page.high,
    cold_contact_ms: contact.ratio, cold_contact_ms_low: contact.low, cold_contact_ms_high: contact.high,
  };
}
