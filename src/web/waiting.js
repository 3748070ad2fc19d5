"use strict";
// Asks as often as it is told, at once when somebody looks, and never gives up. It goes on only with a pass in its hands:
// whoever is called claims from here. All words come from the server. Old phones read this too: ES2017, nothing newer.
(() => {
  const { target, door, waitPath, drawPath } = document.body.dataset;
  const element = (id) => document.getElementById(id);
  const over = new Set(["closed", "cookies_blocked", "form_held", "left", "ticket_used"]);
  // Joining and claiming are asked of the wanted page itself, or of the room's door for one elsewhere: that is where places and passes are given.
  // The mark says that nothing else is wanted, whatever pass is held by then.
  const atDoor = new Set(["joining", "crowded", "your_turn", "next"]);
  const BACKOFF_MAX_MS = 60000, SPOKEN_EVERY_MS = 60000, PATIENCE_MS = 15000, JOINS_MAX = 3, KEEP_EVERY_MS = 20000, KEEPS_MAX = 90;
  const MIRROR_LATE_MS = 10000, MIRROR_PATIENCE_MS = 4000, MIRROR_REST_MS = 60000;
  let state = document.body.dataset.state, timer = 0, asking = null, failures = 0, joins = 0, isOverloaded = document.body.dataset.overloaded === "true", keptFor = 0, spokenAt = Date.now();

  const form = element("form");

  const marked = (mark) => `${door}${door.includes("?") ? "&" : "?"}${mark}=1`;
  const isHidden = () => document.visibilityState === "hidden";
  const later = (ms) => { clearTimeout(timer); timer = setTimeout(ask, ms); };
  const backoff = () => Math.min(BACKOFF_MAX_MS, 2000 * 2 ** failures++) * (0.75 + Math.random() / 2);
  const speak = (words, changed) => {
    if (!words || (!changed && Date.now() - spokenAt < SPOKEN_EVERY_MS)) return;
    spokenAt = Date.now();
    element("spoken").textContent = words;
  };

  function show(told) {
    const changed = told.state !== state, { display } = told;
    state = document.body.dataset.state = told.state;
    for (const id of ["heading", "next", "place", "ahead", "wait", "aheadLabel", "waitLabel"]) element(id).textContent = display[id];
    if (form) {
      element("held").hidden = over.has(state);
      element("ready").hidden = element("next").hidden = !over.has(state);
    }
    element("facts").hidden = !display.ahead;
    element("place").parentNode.hidden = !display.place;
    element("wait").parentNode.hidden = !display.wait;
    const leave = element("leave"), progress = element("progress");
    if (leave) leave.hidden = !display.ahead;
    progress.hidden = over.has(state) || state === "held" || state === "prequeue";
    if (display.progress === null) progress.removeAttribute("value");
    else progress.value = display.progress;
    document.title = display.title;
    if (form && over.has(state)) offer(display.heading);
    else if (!form || state !== "admitted") speak(changed ? `${display.heading}. ${form ? element("held").textContent : display.next}` : display.spoken, changed);
  }

  /** A form goes nowhere by itself: whoever wrote it sends it, and may also where the page has nothing more to wait for. */
  function offer(heading) {
    element("ready").hidden = false;
    element("held").hidden = true;
    speak(`${heading}. ${element("ready").firstElementChild.textContent}`, true);
  }

  /** Inside, or no room is there any more. */
  function enter() {
    if (!form) return location.replace(target);
    state = document.body.dataset.state = "form_ready";
    const { heading } = element("ready").dataset;
    for (const id of ["facts", "progress", "next", "leave", "offline"]) element(id).hidden = true;
    element("heading").textContent = document.title = heading;
    // Not the button: nobody should send a form by a key they pressed for something else.
    element("heading").focus();
    offer(heading);
    later(KEEP_EVERY_MS);
  }

  const stamp = () => {
    const now = new Date();
    element("checked").dateTime = now.toISOString();
    element("checked").textContent = now.toLocaleTimeString(document.documentElement.lang);
  };

  // The draw, recomputed on this device (docs/draw.md). What was promised before the start is remembered, and what is told after it
  // has to keep that promise; a promise that is told with its draw is none.
  const promised = new Map();
  let verifiedRank = null, gathered = false;
  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const hexOf = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const eight = (number) => [7, 6, 5, 4, 3, 2, 1, 0].map((byte) => Math.floor(number / 2 ** (8 * byte)) % 256);
  const sha = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from([].concat(...parts.map((part) => Array.from(part))))));

  async function placeOf(rank, { seed, hash, first, count }) {
    const key = await sha(bytes(seed), bytes(hash), eight(first), eight(count));
    let side = 2;
    while (side * side < count) side *= 2;
    let at = rank - first;
    do {
      let left = Math.floor(at / side), right = at % side;
      for (let round = 0; round < 12; round += 1) {
        const mixed = await sha(key, [round], eight(right));
        // Halves have 20 bits at most: the last three of the eight bytes are enough.
        const half = (mixed[5] * 65536 + mixed[6] * 256 + mixed[7]) % side;
        [left, right] = [right, left ^ half];
      }
      at = left * side + right;
    } while (at >= count);
    return first + at;
  }

  async function verify({ rank, place }) {
    // Who was not drawn has the place of their rank; whoever gathered may have it by chance.
    if (!window.crypto || !crypto.subtle || !place || rank === undefined || rank === verifiedRank || (!gathered && place === rank + 1)) return;
    const mine = (await fetched(drawPath)).draws.find(({ first, count }) => rank >= first && rank < first + count);
    if (!mine) return;
    verifiedRank = rank;
    const promise = promised.get(mine.start_ms), kept = !promise || promise === hexOf(await sha(bytes(mine.seed)));
    const holds = kept && await placeOf(rank, mine) + 1 === place;
    const found = holds ? promise ? "verified" : "recomputed" : "unverified";
    for (const id of ["verified", "recomputed", "unverified"]) element(id).hidden = id !== found;
  }

  /** Whoever waits for a draw takes note of what is promised of it. */
  function gather() {
    if (state !== "prequeue" || gathered) return;
    gathered = true;
    fetched(drawPath).then(({ seals }) => {
      for (const { start_ms: start, commitment } of seals) promised.set(start, commitment);
    }).catch(() => { gathered = false; });
  }

  // A question that hangs, on a line that has died, gives way to the next.
  async function fetched(url, signal) {
    const answer = await fetch(url, { headers: { Accept: "application/vnd.anteroom+json" }, cache: "no-store", credentials: "same-origin", redirect: "manual", signal });
    return answer.headers.has("Anteroom") ? answer.json() : null;
  }

  // The board's mirror (docs/mirror.md): the room's public state, the same for everybody, beside the server. What follows from its numbers alone is said here, by the
  // server's own rules and words (src/mirror.rs): that nobody up to this place was called, and how far the line has moved. For all else the server is asked; so an
  // old board makes somebody come later, and lets nobody in.
  let last = null, heardAt = 0, sequence = 0, mirrorRestsUntil = 0;
  const CATEGORIES = ["zero", "one", "two", "few", "many", "other"];
  const NUMBERS = ["sequence", "at_ms", "max_age_ms", "called", "issued", "waiting", "free", "pace_per_hour", "turn_per_hour", "wait_p50", "wait_p90"];
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  const between = (least, number, most) => Math.max(least, Math.min(number, most));

  function waitWords({ hours, minutes, range, under }, count, from, to) {
    const a = Math.floor(from / 60), b = Math.max(1, Math.ceil(to / 60)), h = Math.floor(a / 60);
    const [shortest, longest] = b <= 90 ? [grouped(a), count(minutes, Math.max(b, a + 1))]
      : a < 60 ? [count(minutes, a), count(hours, Math.ceil(b / 60))]
      : [grouped(h), count(hours, Math.max(Math.ceil(b / 60), h + 1))];
    return a ? range.replace("{a}", shortest).replace("{b}", longest) : under.replace("{b}", count(minutes, b));
  }

  /** What the server would say by this board, or null where it has to be asked. */
  function reckoned(board) {
    const { mirror, display } = last, [version, epoch, , place, toldAt, waitedThen] = mirror.known, now = toldAt + performance.now() - heardAt;
    const [shortest, longest, unsure, perPerson, spread, pollsPerWait, hiddenSlower] = mirror.rhythm;
    const [change] = Array.isArray(board.changes) ? board.changes : [{ at_ms: 0 }];
    const age = now - board.at_ms;
    const ahead = place < board.issued ? Math.min(place - board.called, board.waiting - 1) : board.waiting + place - board.issued;
    if (!NUMBERS.every((name) => Number.isSafeInteger(board[name])) || board.version !== version || board.epoch !== epoch || board.phase !== "busy"
      || board.drawn_rounds || board.gathers_from !== null || board.sequence < sequence || !(Math.abs(age) <= board.max_age_ms + MIRROR_LATE_MS)
      || !(ahead >= 0 && place >= board.called) || (change && !(change.at_ms > now))) return null;
    sequence = board.sequence;
    const turn = ahead + 1, taken = Math.max(0, turn - board.free);
    const seconds = Math.max(Math.floor(turn * 3600 / board.pace_per_hour), taken && Math.floor(taken * 3600 / board.turn_per_hour));
    const known = seconds < Infinity, from = Math.floor(seconds * board.wait_p50 / 1000), to = Math.floor(seconds * board.wait_p90 / 1000) + 1;
    const rules = new Intl.PluralRules(document.documentElement.lang);
    const count = (forms, number) => forms[CATEGORIES.indexOf(rules.select(number))].replace("{n}", grouped(number));
    const people = count(mirror.people, ahead), moved = (text) => text.replace(display.ahead, () => people), waited = waitedThen + now - toldAt;
    let next = between(shortest, Math.min(known ? from * 1000 / pollsPerWait : unsure, ahead * perPerson), longest);
    if (isHidden()) next = Math.min(next * hiddenSlower, longest);
    next *= 0.8 + Math.random() / 5;
    if (change) next = between(shortest, change.at_ms - now + Math.random() * spread, next);
    return {
      state, pollAfterMs: next,
      display: Object.assign({}, display, {
        place: grouped(place + 1), ahead: people, title: moved(display.title), spoken: moved(display.spoken),
        wait: known ? waitWords(mirror, count, from, to) : mirror.unknown,
        progress: known ? Math.floor(waited * 1000 / Math.max(1, waited + (from + to) * 500)) : null,
      }),
    };
  }

  /** What is to be shown by the mirror; null where there is none, or it is dead, or cannot say. One that is dead is left alone for a while. */
  async function mirrored(mine) {
    if (state !== "waiting" || !last || !last.mirror || !window.Intl || !Intl.PluralRules || performance.now() < mirrorRestsUntil) return null;
    const hasty = new AbortController(), patience = setTimeout(() => hasty.abort(), MIRROR_PATIENCE_MS);
    mine.signal.addEventListener("abort", () => hasty.abort());
    try {
      const answer = await fetch(last.mirror.url, { cache: "no-store", credentials: "omit", redirect: "error", signal: hasty.signal });
      if (!answer.ok) throw answer.status;
      return reckoned(await answer.json());
    } catch (_) {
      mirrorRestsUntil = performance.now() + MIRROR_REST_MS;
      return null;
    } finally {
      clearTimeout(patience);
    }
  }

  async function ask() {
    // Once it is on its way in, the page waits for the origin, however long that takes.
    if (over.has(state) || state === "admitted") return;
    // A seat that waits for its visitor to press a button is kept alive at the door, for a while.
    const keeps = state === "form_ready";
    if (keeps && ++keptFor > KEEPS_MAX) return;
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    clearTimeout(timer);
    const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
    try {
      const seen = keeps ? null : await mirrored(mine);
      if (mine !== asking) return;
      if (seen) {
        failures = 0;
        element("offline").hidden = true;
        stamp();
        show(seen);
        return later(seen.pollAfterMs);
      }
      const mark = form && joins > JOINS_MAX ? "anteroom-claim=1&anteroom-cookie" : "anteroom-claim";
      const url = keeps ? `${waitPath}?anteroom-claim=1` : atDoor.has(state) ? marked(mark) : `${waitPath}?to=${encodeURIComponent(target)}`;
      const told = await fetched(url, mine.signal);
      if (mine !== asking) return;
      // An answer that is none of ours is the origin's: there is no room here any more.
      if (!told) return keeps ? undefined : atDoor.has(state) ? enter() : later(backoff());
      if (keeps && told.state === "admitted") return later(KEEP_EVERY_MS);
      failures = 0;
      [last, heardAt, sequence] = [told, performance.now(), told.mirror ? told.mirror.known[2] : 0];
      element("offline").hidden = true;
      stamp();
      // Where too many join, the server says when to try again, later each time: this page never asks for another one of itself then.
      isOverloaded = told.overloaded === true;
      joins = told.state === "joining" && !isOverloaded ? joins + 1 : 0;
      // First contact again and again: no cookie comes back. The mark lets the server say so; whoever wrote a form stays with it.
      if (joins > JOINS_MAX && !form) return location.replace(marked("anteroom-cookie"));
      const turned = told.state === "your_turn" && state !== "your_turn";
      show(told);
      gather();
      verify(told).catch(() => {});
      if (state === "admitted") return enter();
      if (!over.has(state)) later(turned ? 0 : (isHidden() && told.hiddenPollAfterMs || told.pollAfterMs) * Math.max(1, joins));
    } catch (_) {
      if (mine !== asking) return;
      element("offline").hidden = navigator.onLine !== false;
      later(backoff());
    } finally {
      clearTimeout(patience);
      if (mine === asking) asking = null;
    }
  }

  const leave = element("leave"), stay = element("stay");
  if (leave) {
    leave.addEventListener("submit", (event) => {
      if (!element("sure").hidden) return;
      event.preventDefault();
      element("sure").hidden = false;
      stay.focus();
    });
    stay.addEventListener("click", () => {
      element("sure").hidden = true;
      leave.querySelector("button").focus();
    });
  }

  if (form) {
    // By script it need not be sent from another tab: the page takes a place as if nothing had been sent.
    state = "joining";
    form.hidden = false;
    element("next").hidden = document.querySelector(".again").hidden = true;
    element("send").addEventListener("click", ({ target: send }) => { send.disabled = true; location.reload(); });
  }
  if (over.has(state)) return;
  stamp();
  gather();
  addEventListener("pageshow", (event) => {
    if (form) element("send").disabled = false;
    if (!event.persisted) return;
    if (state === "admitted") state = "waiting";
    ask();
  });
  addEventListener("online", ask);
  addEventListener("offline", () => { element("offline").hidden = false; });
  document.addEventListener("visibilitychange", () => { if (!isHidden() && !isOverloaded) ask(); });
  if (state === "admitted") location.replace(target);
  else later(form ? 0 : Number(document.body.dataset.pollAfterMs));
})();
