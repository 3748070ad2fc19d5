// The Workers under test on the real runtime: one workerd of our own, told by a config file what to serve. Neither wrangler's
// proxy nor miniflare's entry Worker stands between the load and the Worker, for both cost more than a gate. All Workers
// share one process and one thread, so what disturbs one round disturbs the next alike; each has its own port, isolate,
// objects (SQLite, on disk) and no way out but the origin of the benchmark.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import workerd from "workerd";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const built = join(root, "target/bench");
mkdirSync(built, { recursive: true });

const wranglerToml = readFileSync(join(root, "wrangler.toml"), "utf8");
const compatibilityDate = /compatibility_date = "([^"]+)"/.exec(wranglerToml)[1];

/** The modules of Anteroom as it is deployed, by the names they import each other by. */
export const ANTEROOM = [
  "src/entry.mjs", "src/headers.mjs", "src/health.mjs", "src/objects.mjs", "src/errands.mjs", "src/leaves.mjs", "src/region.mjs", "src/mirror.mjs", "src/recent.mjs", "src/news.mjs", "src/shared.mjs", "src/core.mjs", "src/calendar.mjs", "src/commands.mjs", "src/pages.mjs",
  "src/words.mjs", ...readdirSync(join(root, "src/web")).map((name) => `src/web/${name}`), "build/index.js", "build/index_bg.wasm",
];
export const ANTEROOM_OBJECTS = { ROOM: "RoomObject", LOBBY: "LobbyObject", DIRECTORY: "DirectoryObject" };

const text = (value) => JSON.stringify(value);
const kinds = { mjs: "esModule", js: "esModule", wasm: "wasm" };
/** As wrangler.toml has it: what is for browsers is text. */
const kind = (file) => (file.includes("/src/web/") ? "text" : kinds[file.split(".").pop()]);

function moduleLine(module) {
  const { name, file } = typeof module === "string" ? { name: module, file: join(root, module) } : module;
  return `(name = ${text(name)}, ${kind(file)} = embed ${text(file)})`;
}

function bindingLine([name, value]) {
  const kind = typeof value === "string" ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`;
  return `(name = ${text(name)}, ${kind})`;
}

/** `port` is where it listens, one of the system's choice if none is named; `objects` are a Worker's own; of `others` it has the binding alone, each named with the Worker that has the objects. */
function serviceLines({ name, modules, vars = {}, objects = {}, others = {} }, hasCache) {
  const classes = Object.entries(objects);
  const bindings = [
    ...Object.entries(vars).map(bindingLine),
    ...classes.map(([binding, className]) => `(name = ${text(binding)}, durableObjectNamespace = (className = ${text(className)}))`),
    ...Object.entries(others).map(([binding, service]) =>
      `(name = ${text(binding)}, durableObjectNamespace = (className = ${text(ANTEROOM_OBJECTS[binding])}, serviceName = ${text(service)}))`),
  ];
  const namespaces = classes.map(([, className]) => `(className = ${text(className)}, uniqueKey = ${text(`${name}-${className}`)}, enableSql = true)`);
  return `( name = ${text(name)}, worker = (
    compatibilityDate = ${text(compatibilityDate)},
    modules = [${modules.map(moduleLine).join(",\n      ")}],
    bindings = [${bindings.join(",\n      ")}],
    durableObjectNamespaces = [${namespaces.join(", ")}],
    durableObjectStorage = (localDisk = "disk"),${hasCache ? '\n    cacheApiOutbound = "cache",' : ""}
    globalOutbound = "origin" ))`;
}

function config(services, disk, originPort, cachePort, v8Flags) {
  const sockets = services.map(({ name, port = 0 }) => `(name = ${text(name)}, address = "127.0.0.1:${port}", http = (), service = ${text(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "disk", disk = (path = ${text(disk)}, writable = true)),
    (name = "origin", external = (address = "127.0.0.1:${originPort}", http = ())),
    ${cachePort ? `(name = "cache", external = (address = "127.0.0.1:${cachePort}", http = ())),` : ""}
    ${services.map((service) => serviceLines(service, cachePort)).join(",\n    ")}
  ],
  sockets = [${sockets.join(",\n    ")}],
  v8Flags = ${text(v8Flags)}
);
`;
}

/** A folder for what Workers store. Not among temporary files: where those are memory, durability would cost nothing. */
export const storage = () => mkdtempSync(join(built, "state-"));

/**
 * Starts workerd with these Workers. The first module of each is its main one; every fetch of theirs goes to the origin. What they store is gone when they
 * stop, unless it lies in a `state` of the caller's. Their Cache API is what listens at `cachePort`; without one it fails. What they log is written out, or
 * `heard` hears it.
 */
export async function startWorkers(services, originPort, { v8Flags = [], state: kept, cachePort, heard } = {}) {
  const state = kept ?? storage();
  const configFile = join(state, "config.capnp");
  mkdirSync(join(state, "disk"), { recursive: true });
  writeFileSync(configFile, config(services, join(state, "disk"), originPort, cachePort, v8Flags));
  const log = heard ? "pipe" : "inherit";
  const child = spawn(workerd.default, ["serve", "--import-path=/", "--control-fd=3", configFile], { stdio: ["ignore", log, log, "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => heard(data.toString()));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  // However this process ends, it leaves none behind.
  const leave = () => child.kill();
  process.once("exit", leave);
  ended.then(() => process.off("exit", leave));
  const ports = {};
  await new Promise((resolve, reject) => {
    let said = "";
    child.stdio[3].on("data", (data) => {
      const lines = (said + data).split("\n");
      said = lines.pop();
      for (const line of lines) {
        const { event, socket, port } = JSON.parse(line);
        if (event === "listen") ports[socket] = port;
      }
      if (Object.keys(ports).length === services.length) resolve();
    });
    ended.then((code) => reject(new Error(`workerd ended with ${code}`)));
  });
  return {
    ports,
    pid: child.pid,
    stop: async (signal) => {
      child.kill(signal);
      await ended;
      if (!kept) rmSync(state, { recursive: true, force: true });
    },
  };
}
