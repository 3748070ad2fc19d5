// The origin behind the Workers: it answers every request with 200 and a kilobyte. nginx where it is installed, because it
// costs the shared cores least; else a server of Node.js, and the report says so, for ratios then come out nearer to 1.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BODY = "x".repeat(1024);

const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

async function freePort() {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port) {
  for (let tries = 0; tries < 100; tries += 1) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the origin did not start within 5 s");
}

async function startNginx() {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-origin-"));
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
  writeFileSync(join(folder, "nginx.conf"), `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr error;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 10000000; ${paths} default_type text/plain;
  server { listen 127.0.0.1:${port}; location / { return 200 "${BODY}"; } } }
`);
  const child = spawn("nginx", ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await answers(port);
  return {
    kind: "nginx", port,
    stop: async () => {
      child.kill("SIGQUIT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startNode() {
  const server = createServer((request, answer) => {
    answer.writeHead(200, { "Content-Type": "text/plain", "Content-Length": BODY.length });
    answer.end(BODY);
  });
  server.keepAliveTimeout = 60_000;
  const port = await listening(server);
  return {
    kind: "node", port,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Starts an origin on a port of its own. */
export function startOrigin() {
  return spawnSync("nginx", ["-v"]).error ? startNode() : startNginx();
}
