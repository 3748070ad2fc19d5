// Load at a constant rate: each request has its moment, whether those before it were answered or not, for visitors do not wait for each other. Its time counts
// from that moment if no connection was free for it; a client that began to count when it got to send would not notice a queue.
import { connect } from "node:net";
import { firstAnswer } from "./load.mjs";

const CONNECTIONS = 96;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A keep-alive connection that takes one request at a time. */
function open(port) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let bytes = Buffer.alloc(0), waiting = null;
  const fail = (error) => waiting?.reject(error ?? new Error("the server closed a connection"));
  socket.on("error", fail);
  socket.on("close", () => fail());
  socket.on("data", (data) => {
    bytes = bytes.length ? Buffer.concat([bytes, data]) : data;
    const answer = firstAnswer(bytes);
    if (!answer) return;
    bytes = answer.rest;
    waiting.resolve(answer);
  });
  return {
    send: (request) => new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      socket.write(request);
    }),
    close: () => {
      waiting = null;
      socket.end();
    },
  };
}

/** Sends the requests, so many a second, and answers how long each took in milliseconds. `check(head, body, index)` throws if an answer is not what was asked for. */
export async function pace({ port, perSecond, requests, check }) {
  const begun = performance.now(), times = [];
  let next = 0;
  const work = async () => {
    const connection = open(port);
    try {
      while (next < requests.length) {
        const index = next++, due = begun + (index * 1_000) / perSecond, early = due - performance.now();
        if (early > 0) await pause(early);
        const from = early > 0 ? performance.now() : due;
        const { head, body } = await connection.send(requests[index]);
        times.push(performance.now() - from);
        check(head, body, index);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, requests.length) }, work));
  return times;
}
