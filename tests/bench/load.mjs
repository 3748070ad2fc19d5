// The load: keep-alive connections over plain sockets, each of which sends its next request once the last was answered. A
// client of `node:http` spends more time on a request than a Worker does and would measure itself; this one writes requests
// made beforehand and reads no more of an answer than where it ends. Every answer's head is checked: a round of errors
// is fast, and would be reported as a triumph.
import { connect } from "node:net";

/** The bytes of a GET. */
export function get(path, headers) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
}

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const END_OF_CHUNKS = Buffer.from("0\r\n\r\n");

/** Splits the first answer off, or nothing if it is not all there yet. */
export function firstAnswer(bytes) {
  const headEnd = bytes.indexOf(END_OF_HEAD);
  if (headEnd < 0) return null;
  const head = bytes.latin1Slice(0, headEnd);
  const begin = headEnd + 4;
  const length = /content-length: *(\d+)/i.exec(head);
  if (length) {
    const end = begin + Number(length[1]);
    return bytes.length < end ? null : { head, body: bytes.subarray(begin, end), rest: bytes.subarray(end) };
  }
  // Chunked. One answer at a time is under way, so its end is the end of what came.
  if (bytes.length < begin + 5 || !bytes.subarray(-5).equals(END_OF_CHUNKS)) return null;
  return { head, body: bytes.subarray(begin), rest: bytes.subarray(bytes.length) };
}

function converse(port, next, answered) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let bytes = Buffer.alloc(0);
    let sentAt = 0;
    let over = false;
    const send = () => {
      const request = next();
      if (request === null) {
        over = true;
        socket.end(resolve);
        return;
      }
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => { if (!over) reject(new Error("the server closed a connection")); });
    socket.on("data", (data) => {
      bytes = bytes.length ? Buffer.concat([bytes, data]) : data;
      const answer = firstAnswer(bytes);
      if (!answer) return;
      bytes = answer.rest;
      try {
        answered(answer, performance.now() - sentAt);
      } catch (error) {
        over = true;
        socket.destroy();
        reject(error);
        return;
      }
      send();
    });
  });
}

/** Sends what `next()` gives, until it gives null or `seconds` are over; `check(head, body)` throws if an answer is not what
 * was asked for. Answers requests per second and the 99th percentile of the time each took. */
export async function drive({ port, connections, next, seconds = Infinity, check }) {
  const latencies = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const nextInTime = () => (performance.now() < end ? next() : null);
  const answered = ({ head, body }, millis) => {
    check(head, body);
    latencies.push(millis);
  };
  await Promise.all(Array.from({ length: connections }, () => converse(port, nextInTime, answered)));
  const elapsed = (performance.now() - begin) / 1000;
  latencies.sort((a, b) => a - b);
  return { perSecond: latencies.length / elapsed, p99: latencies[Math.floor(latencies.length * 0.99)] };
}

/** One request and its answer. */
export async function ask(port, path, headers) {
  const requests = [get(path, headers)];
  let answer;
  await drive({ port, connections: 1, next: () => requests.pop() ?? null, check: (head, body) => { answer = { head, body: Buffer.from(body) }; } });
  return answer;
}

/** Fails unless the head begins with this status; `from` says whose answer it must be. */
export function expect(head, status, from) {
  const ours = /^anteroom:/im.test(head);
  if (head.slice(9, 12) !== String(status) || ours !== (from === "anteroom")) {
    throw new Error(`expected ${status} from ${from}, was answered:\n${head}`);
  }
}

/** A visitor's `send(path, headers)`: the cookie that was set. */
export const sender = (port, host) => async (path, headers) => {
  const { head } = await ask(port, path, { Host: host, ...headers });
  return /^set-cookie: *([^;\r\n]+)/im.exec(head)?.[1];
};
