// For a page whose API stands behind a waiting room: paste this in, and call `patientFetch` where you called `fetch`. It waits its turn, then asks.
// `waiting` is told where one stands ({ state, place, peopleAhead, … }), and the address of a page to send the visitor to, which leads back here.
async function patientFetch(input, init = {}, waiting = () => {}) {
  for (;;) {
    const answer = await fetch(input instanceof Request ? input.clone() : input, { ...init, credentials: "include" });
    const door = /page="([^"]+)"/.exec(answer.headers.get("Anteroom") ?? "")?.[1];
    if (!door) return answer; // the API's own
    await turn(new URL(door, answer.url).href, waiting);
  }
}
async function turn(door, waiting) {
  const given = new Set(["joining", "your_turn", "next"]); // a place or a seat: by a claim, and otherwise a question costs nobody anything
  for (let state = "joining", joins = 0, failures = 0; state !== "admitted";) {
    let pause = Math.min(60_000, 2_000 * 2 ** failures++) * (0.75 + Math.random() / 2);
    try {
      const mark = given.has(state) ? "?anteroom-claim=1" : "";
      const answer = await fetch(door + mark, { headers: { Accept: "application/json" }, credentials: "include", cache: "no-store" });
      const told = (await answer.json()).cfWaitingRoom, called = told.state === "your_turn" && state !== "your_turn";
      waiting(told, `${door}?to=${encodeURIComponent(location.href)}`);
      joins = told.state === "joining" ? joins + 1 : 0;
      [state, failures, pause] = [told.state, 0, called || told.state === "admitted" ? 0 : told.pollAfterMs];
    } catch (error) {
      console.warn("The waiting room could not be asked, and will be again.", error);
    }
    if (joins > 4) throw new Error("This browser keeps no cookies of the API's host: send the visitor to the waiting page.");
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
