// Starts Anteroom with its faults (faults.mjs), any number of it in one runtime, each with rooms, memory and storage of its own.
import { Agent } from "node:http";
import { join } from "node:path";
import { startOrigin } from "../bench/origin.mjs";
import { ANTEROOM, ANTEROOM_OBJECTS, root, startWorkers } from "../bench/runtime.mjs";
import { KEY, ask } from "./harness.mjs";

const WHOLE = "build/index.js";
export const FAULTY = [
  "tests/workerd/faults.mjs", "tests/workerd/versions.mjs", { name: WHOLE, file: join(root, "tests/workerd/traps.mjs") }, { name: "build/whole.js", file: join(root, WHOLE) },
  ...ANTEROOM.filter((module) => module !== WHOLE),
];
export const OPERATORS_HOST = "operator.localhost";
export const OPERATORS_TOKEN = "0123456789abcdef0123456789abcdef";

/** One of them: its rooms, and what is otherwise than in all. */
export const anteroom = (name, rooms, { vars = {}, ...fields } = {}) => ({
  name, modules: FAULTY, objects: ANTEROOM_OBJECTS,
  vars: { ORIGIN: "", ANTEROOM: "on", OPERATOR_HOST: OPERATORS_HOST, KEY_CURRENT: KEY, OPERATOR_TOKENS: `ada:${OPERATORS_TOKEN}`, ROOMS: rooms, ...vars },
  ...fields,
});

/** Starts these, and by their names says how to ask each. What they log is kept: failures are what they are for. An `origin` may be the caller's. */
export async function startFaulty(services, { origin: given, ...options } = {}) {
  const origin = given ?? (await startOrigin()), log = [];
  const workers = await startWorkers(services, origin.port, { heard: (said) => log.push(said), ...options });
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const at = (name, host) => {
    const url = new URL(`http://127.0.0.1:${workers.ports[name]}`);
    const asks = (path, asked) => ask(url, path, agent, { host, ...asked });
    return {
      /** For browsers. */
      url: `http://${host}:${url.port}/`,
      /** A request by the name of the room's host. */
      ask: asks,
      /** The switch, for all hosts of it: see `control` in faults.mjs. */
      switch: async (wanted = {}) => JSON.parse((await ask(url, `/?${encodeURIComponent(JSON.stringify(wanted))}`, agent, { host: "faults" })).body),
      /** A call of an object by itself: see `send` there. */
      send: async (sends) => JSON.parse((await ask(url, `/?${encodeURIComponent(JSON.stringify({ sends }))}`, agent, { host: "faults" })).body),
      board: async () => JSON.parse((await asks("/.anteroom/board")).body),
      /** The operator's API. */
      operate: async (path, { method = "GET", body } = {}) => {
        const headers = { Authorization: `Bearer ${OPERATORS_TOKEN}` };
        const { status, body: said } = await ask(url, `/client/v4/zones/z${path}`, agent, { host: OPERATORS_HOST, method, headers, body: body && JSON.stringify(body) });
        return { status, ...JSON.parse(said) };
      },
    };
  };
  return {
    at, log,
    stop: async () => {
      agent.destroy();
      await workers.stop();
      await origin.stop();
    },
  };
}
