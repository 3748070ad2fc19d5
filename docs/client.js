// For a page whose API stands behind a waiting room: paste this in, and call `patientFetch` where you called `fetch`. It waits its turn, then asks.
// `waiting` is told where one stands ({ state, place, peopleAhead, … }), and the address of a page to send the visitor to, which leads back here.
const turns = new Map(); // One wait for each room, however many calls there are.
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const backoff = (failures) => Math.min(60_000, 2_000 * 2 ** failures) * (0.75 + Math.random() / 2);
async function patientFetch(input, init = {}, waiting = () => {}) {
  const headers = new Headers(init.headers ?? input.headers), reads = /^(GET|HEAD)$/i.test(init.method ?? input.method ?? "GET");
  if (!headers.has("Accept")) headers.set("Accept", "application/json, */*"); // by JSON a room knows an app
  for (let failures = 0; ;) {
    const answer = await fetch(input instanceof Request ? input.clone() : input, { ...init, headers, credentials: "include" }).catch((error) => {
      if (!reads || error.name !== "TypeError" || failures === 4) throw error; // the network's, or an answer that no script may read
    });
    const said = answer?.headers.get("Anteroom") ?? "", door = /page="([^"]+)"/.exec(said)?.[1], url = door && new URL(door, answer.url).href;
    if (answer && !door && (said !== "unavailable" || failures === 4)) return answer; // the API's own
    if (door && !turns.has(url)) turns.set(url, turn(url, waiting).finally(() => turns.delete(url)));
    await (door ? turns.get(url) : pause(backoff(failures++)));
  }
}
async function turn(door, waiting) {
  const given = new Set(["joining", "crowded", "your_turn", "next"]); // a place or a seat: by a claim, and otherwise a question costs nobody anything
  for (let state = "joining", joins = 0, failures = 0; state !== "admitted";) {
    let ms = backoff(failures), told;
    try {
      const mark = given.has(state) ? "?anteroom-claim=1" : "";
      const answer = await fetch(door + mark, { headers: { Accept: "application/json" }, credentials: "include", cache: "no-store" });
      if (!answer.headers.has("Anteroom")) return; // there is no room any more
      told = (await answer.json()).cfWaitingRoom;
    } catch (error) {
      if (++failures > 8) throw error;
    }
    if (told) {
      waiting(told, `${door}?to=${encodeURIComponent(location.href)}`);
      joins = told.state === "joining" && !told.overloaded ? joins + 1 : 0;
      if (joins > 4) throw new Error("The API's cookies do not reach it from this page.");
      [ms, state, failures] = [told.state === "your_turn" && state !== told.state ? 0 : told.pollAfterMs, told.state, 0];
    }
    if (state !== "admitted") await pause(ms);
  }
}
