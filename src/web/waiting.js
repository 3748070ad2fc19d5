"use strict";
// Asks as often as it is told, at once when somebody looks, and never gives up. All words come from the server.
(() => {
  const { target, waitPath } = document.body.dataset;
  const element = (id) => document.getElementById(id);
  const over = new Set(["cookies_blocked", "form_held", "left", "ticket_used"]);
  const BACKOFF_MAX_MS = 60_000, SPOKEN_EVERY_MS = 60_000, GOING_MS = 8_000;
  let state = document.body.dataset.state, timer = 0, asking = false, failures = 0, spokenAt = Date.now(), going = 0, joins = 0;

  const later = (ms) => { clearTimeout(timer); timer = setTimeout(ask, ms); };
  const go = () => {
    // A claim may find the room full after all: then this page stays and asks on.
    if (Date.now() - going < GOING_MS) return later(GOING_MS);
    going = Date.now();
    location.replace(target);
  };
  const speak = (words, changed) => {
    if (!changed && Date.now() - spokenAt < SPOKEN_EVERY_MS) return;
    spokenAt = Date.now();
    element("spoken").textContent = words;
  };

  function show(room, display) {
    const changed = room.state !== state;
    state = document.body.dataset.state = room.state;
    for (const id of ["heading", "next", "place", "ahead", "wait"]) element(id).textContent = display[id];
    element("facts").hidden = !display.place;
    const leave = element("leave"), progress = element("progress");
    if (leave) leave.hidden = !display.place;
    progress.hidden = over.has(state);
    if (display.progress === null) progress.removeAttribute("value");
    else progress.value = display.progress;
    document.title = display.title;
    speak(`${display.heading}. ${display.ahead} ${display.next}`, changed);
  }

  const stamp = () => {
    const now = new Date();
    element("checked").dateTime = now.toISOString();
    element("checked").textContent = now.toLocaleTimeString(document.documentElement.lang);
  };

  async function ask() {
    if (asking || over.has(state)) return;
    asking = true;
    clearTimeout(timer);
    try {
      // Joining is asked of the wanted page itself: that is where a place is given.
      const joining = state === "joining";
      const url = joining ? target : `${waitPath}?to=${encodeURIComponent(target)}`;
      const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store", credentials: "same-origin", redirect: "manual" });
      if (!answer.headers.has("Anteroom")) return joining ? go() : later(backoff());
      const { cfWaitingRoom: room, display } = await answer.json();
      failures = 0;
      element("offline").hidden = true;
      stamp();
      // Three times first contact: no cookie comes back. The mark lets the server say so.
      if (room.state === "joining" && ++joins > 3) return location.replace(target + (target.includes("?") ? "&" : "?") + "anteroom-cookie=1");
      show(room, display);
      if (room.state === "your_turn") go();
      else if (!over.has(room.state)) later(room.pollAfterMs);
    } catch {
      element("offline").hidden = navigator.onLine !== false;
      later(backoff());
    } finally {
      asking = false;
    }
  }

  const backoff = () => Math.min(BACKOFF_MAX_MS, 2_000 * 2 ** failures++) * (0.75 + Math.random() / 2);

  const leave = element("leave");
  leave?.addEventListener("submit", (event) => {
    if (!element("sure").hidden) return;
    event.preventDefault();
    element("sure").hidden = false;
    element("stay").focus();
  });
  element("stay")?.addEventListener("click", () => {
    element("sure").hidden = true;
    leave.querySelector("button").focus();
  });

  if (over.has(state)) return;
  stamp();
  addEventListener("pageshow", (event) => { if (event.persisted) { going = 0; ask(); } });
  addEventListener("online", ask);
  addEventListener("offline", () => { element("offline").hidden = false; });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") ask(); });
  if (state === "your_turn") go();
  later(Number(document.body.dataset.pollAfterMs));
})();
