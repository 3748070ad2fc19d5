"use strict";
// The operator's desk: asks every two seconds what each Room says, and changes settings by the same API that everybody
// may use (src/operator.rs). All that is shown goes in as text.
(() => {
  const LIVE_EVERY_MS = 2000, ROOMS_EVERY_MS = 10000, CHANGES_SHOWN = 20;
  const api = "/client/v4/zones/all/";
  const element = (id) => document.getElementById(id);
  const cards = new Map(); // By the room's id.
  const number = (value) => value.toLocaleString();
  const phases = {
    open: "open", busy: "a line stands", held: "everybody is held", suspended: "off",
    prequeue: "gathering before an event", passthrough: "everybody passes", reject: "closed",
  };

  async function ask(path, method, body) {
    const answer = await fetch(api + path, {
      method: method || "GET", body: body && JSON.stringify(body), cache: "no-store",
      headers: { "Anteroom-CSRF": document.body.dataset.csrf, "Content-Type": "application/json" },
    }).catch((error) => { throw Object.assign(error, { unsure: true }); });
    if (answer.status === 401) return location.reload();
    const told = await answer.json();
    if (!told.success) throw Object.assign(new Error(told.errors.map(({ message }) => message).join("\n")), { unsure: answer.status >= 500 });
    return told;
  }

  /** What failed was refused; or nobody knows what has become of it. */
  const failed = ({ unsure, message }) => (unsure ? `It may have been done or not, look before you try again: ${message}` : `Nothing was changed: ${message}`);

  function duration(ms) {
    const seconds = Math.round(ms / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  }

  function draw(card, history) {
    const from = history.length ? history[0].at_ms : 0;
    const span = Math.max(1, history.length ? history[history.length - 1].at_ms - from : 1);
    const most = Math.max(1, ...history.map((point) => Math.max(point.inside, point.waiting, point.admitted)));
    for (const what of ["waiting", "inside", "admitted"]) {
      const points = history.map((point) => `${((point.at_ms - from) * 600 / span).toFixed(1)},${(136 - point[what] * 132 / most).toFixed(1)}`);
      card.querySelector(`polyline.${what}`).setAttribute("points", points.join(" "));
    }
    const told = `the last ${duration(span)}, up to ${number(most)}`;
    card.querySelector("figcaption .span").textContent = told;
    card.querySelector("svg").setAttribute("aria-label", `Waiting, inside and let in per minute: ${told}`);
  }

  const percent = (permille) => `${Math.round(permille / 10)} %`;
  function learnt({ waits_measured: measured, wait_p50_permille: half, wait_p90_permille: most, show_up_permille: come }) {
    const waits = measured < 20 ? "Too few waits have been measured yet to say how well they are told."
      : `Of ${number(measured)} waits, half took at most ${percent(half)} of what was forecast, nine in ten at most ${percent(most)}.`;
    return come < 1000 ? `${waits} Of those who are called, about ${percent(come)} are expected, and so many more are called.` : waits;
  }

  const unwell = ({ error_permille: errors, slow_permille: late }) => `${percent(errors)} errors, ${percent(late)} late`;
  const permille = (part, whole) => whole ? part * 1000 / whole : 0;
  /** Whether the room is slower than its limit, for its origin's sake. What changes every quarter of a minute is not said aloud each time. */
  function slowed(card, { pace_per_minute: pace, limit_per_minute: limit, origin }) {
    const [said, by] = [card.querySelector(".slowed"), card.querySelector(".slowed-by")];
    const isSlower = pace < limit, text = isSlower ? "Fewer are let in: the origin is not well." : "";
    if (said.textContent !== text) said.textContent = text;
    by.hidden = !isSlower;
    if (isSlower) by.textContent = `Lowered to ${number(pace)} of ${number(limit)} per minute: ${unwell({
      error_permille: permille(origin.errors, origin.sampled), slow_permille: permille(origin.slow, origin.sampled),
    })}.`;
  }

  function lives(card, { region, moves_to: wanted }) {
    const named = (name) => card.querySelector(`[name="room_region"] option[value="${name}"]`).textContent;
    const moves = wanted ? `The room moves to ${named(wanted)} as soon as nobody waits or is inside and no event is near.` : "";
    card.querySelector(".lives").textContent = `${region ? `The room lives in ${named(region)}. ` : ""}${moves}`;
  }

  async function live(id, card) {
    try {
      const { result } = await ask(`waiting_rooms/${id}/live`);
      for (const place of card.querySelectorAll("[data-live]")) {
        const value = result[place.dataset.live];
        place.textContent = place.dataset.live.endsWith("_ms") ? duration(value) : number(value);
      }
      card.querySelector(".phase").textContent = phases[result.phase] || result.phase;
      card.querySelector(".learnt").textContent = learnt(result);
      slowed(card, result);
      lives(card, result);
      draw(card, result.history);
      element("trouble").hidden = true;
    } catch (error) {
      element("trouble").textContent = `What is shown is old: ${error.message}`;
      element("trouble").hidden = false;
    }
  }

  function show(card, room) {
    card.querySelector("h2").textContent = room.name;
    card.querySelector(".where").textContent = [room, ...(room.additional_routes || [])].map(({ host, path }) => host + path).join(" · ");
    for (const button of card.querySelectorAll(".switch")) {
      const { field, on } = button.dataset, value = room[field];
      button.setAttribute("aria-checked", String(field === "fail_open_until" ? Date.parse(value) > Date.now() : String(value) === on));
    }
    const values = { room_region: "", ...room, message: room.page.message };
    card.dataset.name = room.name;
    for (const input of card.querySelector(".limits").querySelectorAll("[name]")) {
      // What somebody is typing is theirs.
      if (input.dataset.was === undefined || input.value === input.dataset.was) input.value = values[input.name];
      input.dataset.was = values[input.name];
    }
  }

  async function change(id, card, patch, first) {
    const told = card.querySelector(".told");
    const buttons = [...card.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    try {
      if (first) await first();
      const { result, messages } = await ask(`waiting_rooms/${id}`, "PATCH", patch);
      for (const input of card.querySelector(".limits").querySelectorAll("[name]")) if (input.name in patch || (input.name === "message" && patch.page)) input.dataset.was = input.value;
      show(card, result);
      told.className = "told";
      told.textContent = messages.length ? messages[0].message : "Saved. It holds at the Room now; every edge follows within 2 s while a line stands, within 10 s otherwise.";
      changes();
    } catch (error) {
      told.className = "told fault";
      told.textContent = failed(error);
    }
    for (const button of buttons) button.disabled = false;
  }

  function card(room) {
    const made = element("room").content.firstElementChild.cloneNode(true);
    for (const button of made.querySelectorAll(".switch")) button.addEventListener("click", () => {
      const turnsOn = button.getAttribute("aria-checked") !== "true";
      const { field, on } = button.dataset;
      const patch = { [field]: turnsOn === (on === "true") };
      if (field === "suspended" && turnsOn) {
        sure(made.querySelector("dialog.on"), (answer) =>
          change(room.id, made, patch, answer === "count" && (() => countFirst(room.id, made))));
      } else if (field === "fail_open_until") {
        if (!turnsOn) return change(room.id, made, { fail_open_until: null });
        sure(made.querySelector("dialog.open"), () => change(room.id, made, { fail_open_until: new Date(Date.now() + 3600000).toISOString() }));
      } else change(room.id, made, patch);
    });
    made.querySelector(".limits").addEventListener("submit", (event) => {
      event.preventDefault();
      const patch = {};
      for (const input of made.querySelector(".limits").querySelectorAll("[name]")) {
        if (input.value === input.dataset.was) continue;
        if (input.name === "message") patch.page = { message: input.value };
        else patch[input.name] = input.type === "number" ? Number(input.value) : input.value;
      }
      change(room.id, made, patch);
    });
    events(room.id, made.querySelector(".events"));
    rules(room.id, made.querySelector(".rules"));
    sessions(room.id, made, made.querySelector(".sessions"));
    return made;
  }

  /** Asks before what cannot be taken back. */
  function sure(dialog, go) {
    dialog.onclose = () => { if (dialog.returnValue) go(dialog.returnValue); };
    dialog.returnValue = "";
    dialog.showModal();
  }

  /** For one session's length everybody passes and is given a pass by the way: an event, which the Room ends by itself. */
  async function countFirst(id, card) {
    const { result } = await ask(`waiting_rooms/${id}`);
    const now = Date.now(), seconds = Math.max(60, result.session_duration_seconds);
    await ask(`waiting_rooms/${id}/events`, "POST", {
      name: `switched-on-${now}`, event_start_time: new Date(now).toISOString(), event_end_time: new Date(now + seconds * 1000).toISOString(),
      queueing_method: "passthrough",
    });
    card.querySelector(".events").dispatchEvent(new Event("toggle"));
  }

  /** Carries something out below a card, and says there how it went. */
  async function attempt(below, done, task) {
    const told = below.querySelector(".told");
    try {
      await task();
      told.className = "told";
      told.textContent = done;
      changes();
      return undefined;
    } catch (error) {
      told.className = "told fault";
      told.textContent = failed(error);
      return error;
    }
  }

  /** A button of a row, which says of what it is to whoever does not see the row. */
  function button(text, of, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.className = "quiet";
    made.setAttribute("aria-label", `${text}: ${of}`);
    made.addEventListener("click", action);
    return made;
  }

  /** Who is exempt from a room: the rules there are, in their order, a form for another or a changed one, and a question to all of them. */
  function rules(id, below) {
    const form = below.querySelector(".rule"), listed = below.querySelector(".listed"), { elements } = form;
    const wrong = below.querySelector(".wrong"), trial = below.querySelector(".try"), tried = below.querySelector(".tried");
    const path = `waiting_rooms/${id}/rules`;
    const named = (rule) => rule.description || rule.expression;
    wrong.id = `wrong-${id}`;
    elements.expression.setAttribute("aria-describedby", wrong.id);
    /** What is wrong with the expression stands at the field, and the cursor where it is. */
    const blame = (error) => {
      const [, message, at] = /`expression`: (at character (\d+).*|.*)/.exec(error?.message ?? "") ?? [];
      wrong.hidden = message === undefined;
      wrong.textContent = message ?? "";
      elements.expression.setAttribute("aria-invalid", String(!wrong.hidden));
      if (wrong.hidden) return;
      elements.expression.focus();
      // Characters are counted, and the field counts by two what is beyond the first plane.
      const from = [...elements.expression.value].slice(0, (at ?? 1) - 1).join("").length;
      elements.expression.setSelectionRange(from, from);
    };
    const row = (rule, index, all) => {
      const made = document.createElement("li"), what = document.createElement("span"), expression = document.createElement("code");
      expression.textContent = rule.expression;
      what.className = rule.enabled ? "" : "off";
      what.append(`${index + 1}. ${rule.description}${rule.enabled ? "" : " (switched off)"}`, expression);
      const change = (done, body, focus) => attempt(below, done, async () => show((await ask(`${path}/${rule.id}`, "PATCH", body)).result, focus));
      const move = (text, to) => {
        const mover = button(text, named(rule), () => change(`${named(rule)} is number ${to} now.`, { position: { index: to } }, [rule.id, text]));
        mover.disabled = to < 1 || to > all.length;
        mover.dataset.does = text;
        return mover;
      };
      const turn = button(rule.enabled ? "Switch off" : "Switch on", named(rule), () =>
        change(`${named(rule)} is ${rule.enabled ? "off" : "on"}.`, { enabled: !rule.enabled }, [rule.id, "turn"]));
      turn.dataset.does = "turn";
      made.dataset.id = rule.id;
      made.append(what, move("Up", index), move("Down", index + 2), turn,
        button("Change", named(rule), () => {
          blame();
          elements.id.value = rule.id;
          elements.expression.value = rule.expression;
          elements.description.value = rule.description;
          elements.enabled.checked = rule.enabled;
          elements.expression.focus();
        }),
        button("Delete", named(rule), () => attempt(below, `${named(rule)} is deleted.`, async () => {
          show((await ask(`${path}/${rule.id}`, "DELETE")).result);
          if (elements.id.value === rule.id) form.reset();
          below.querySelector("summary").focus();
        })));
      return made;
    };
    /** Shows the rules; the focus stays at what was done, or beside it where that cannot be done again. */
    const show = (all, [focused, does] = []) => {
      listed.replaceChildren(...all.map(row));
      const there = focused && listed.querySelector(`[data-id="${focused}"]`);
      if (there) [there.querySelector(`[data-does="${does}"]:not([disabled])`), ...there.querySelectorAll("button:not([disabled])")].find(Boolean).focus();
    };
    below.addEventListener("toggle", () => {
      if (below.open) ask(path).then(({ result }) => show(result), (error) => { below.querySelector(".told").textContent = error.message; });
    });
    form.addEventListener("reset", () => { elements.id.value = ""; blame(); });
    form.addEventListener("submit", async (submitted) => {
      submitted.preventDefault();
      const changed = elements.id.value;
      const rule = { action: "bypass_waiting_room", expression: elements.expression.value, description: elements.description.value, enabled: elements.enabled.checked };
      blame(await attempt(below, `${named(rule)} is saved. Every edge follows within 2 s while a line stands, within 10 s otherwise.`, async () => {
        show((await ask(changed ? `${path}/${changed}` : path, changed ? "PATCH" : "POST", rule)).result);
        form.reset();
      }));
    });
    trial.addEventListener("submit", async (submitted) => {
      submitted.preventDefault();
      const { url, method, ip, country } = trial.elements;
      tried.textContent = "";
      try {
        // As a browser would send it.
        const asked = { url: new URL(url.value).href, method: method.value, ip: ip.value, country: country.value };
        const { result: { rule } } = await ask(`${path}/try`, "POST", asked);
        tried.textContent = rule ? `Exempt, by this rule: ${named(rule)}` : "Not exempt: no rule that holds fits this request.";
      } catch (error) {
        tried.textContent = error.message;
      }
    });
  }

  function sessions(id, card, below) {
    const end = async (body, none) => {
      const { result } = await ask(`waiting_rooms/${id}/end_sessions`, "POST", body);
      if (!result.ended) throw new Error(none);
    };
    below.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const { session } = event.target.elements;
      attempt(below, `Session ${session.value} is over; its seat is free within twenty seconds.`, () =>
        end({ session: session.value }, "there is no such session, or it is over already"));
    });
    below.querySelector(".all").addEventListener("click", () => sure(card.querySelector("dialog.all"), () =>
      attempt(below, "All sessions are over; their seats are free within twenty seconds.", () => end({ all: true }, "there was none"))));
    below.querySelector(".reset").addEventListener("click", () => sure(card.querySelector("dialog.reset"), () =>
      attempt(below, "The room has begun anew; its seats are free within twenty seconds.", () => ask(`waiting_rooms/${id}/reset`, "POST"))));
  }

  const wall = (iso) => {
    if (!iso) return "";
    const at = new Date(iso);
    return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  };
  const when = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  function described({ name, event_start_time: start, event_end_time: end, prequeue_start_time: gathers, repeat, time_zone: zone, shuffle_at_event_start: shuffles, suspended, description }) {
    const again = { daily: `, every day by the clock of ${zone}`, weekly: `, every week by the clock of ${zone}` }[repeat] || "";
    const before = gathers ? `; gathers people from ${when(gathers)}${shuffles ? " and draws their places" : ""}` : "";
    return `${name}${suspended ? ", left out for now" : ""}: ${when(start)} to ${when(end)}${again}${before}${description && `. ${description}`}`;
  }

  /** A room's events: those there are, and the form for another or a changed one. */
  function events(id, below) {
    const form = below.querySelector("form"), { elements } = form, listed = below.querySelector(".listed");
    const path = `waiting_rooms/${id}/events`;
    elements.time_zone.value = elements.time_zone.defaultValue = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    const show = (event) => {
      for (const input of form.querySelectorAll("[name]")) {
        if (input.type === "checkbox") input.checked = event[input.name];
        else if (input.type === "datetime-local") input.value = wall(event[input.name]);
        else input.value = event[input.name] === null ? "" : event[input.name];
      }
      elements.name.focus();
    };
    const list = async () => {
      const { result } = await ask(`${path}?per_page=1000`);
      listed.replaceChildren(...result.map((event) => {
        const row = document.createElement("li"), what = document.createElement("span");
        what.textContent = described(event);
        row.append(what, button("Change", event.name, () => show(event)), button("Delete", event.name, () =>
          attempt(below, `${event.name} is deleted.`, async () => { await ask(`${path}/${event.id}`, "DELETE"); await list(); })));
        return row;
      }));
    };
    below.addEventListener("toggle", () => { if (below.open) list().catch((error) => { below.querySelector(".told").textContent = error.message; }); });
    form.addEventListener("reset", () => { elements.id.value = ""; });
    form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      const event = {};
      for (const input of form.querySelectorAll("[name]")) {
        if (input.name === "id") continue;
        if (input.type === "checkbox") event[input.name] = input.checked;
        else if (input.value === "") event[input.name] = null;
        else if (input.type === "datetime-local") event[input.name] = new Date(input.value).toISOString();
        else if (input.name === "disable_session_renewal") event[input.name] = input.value === "true";
        else event[input.name] = input.type === "number" ? Number(input.value) : input.value;
      }
      const changed = elements.id.value;
      attempt(below, `${event.name} is saved.`, async () => {
        await ask(changed ? `${path}/${changed}` : path, changed ? "PATCH" : "POST", event);
        form.reset();
        await list();
      });
    });
  }

  async function rooms() {
    const { result } = await ask("waiting_rooms?per_page=1000");
    const there = new Set(result.map(({ id }) => id));
    for (const [id, old] of cards) if (!there.has(id)) { old.remove(); cards.delete(id); }
    for (const room of result) {
      if (!cards.has(room.id)) {
        cards.set(room.id, card(room));
        element("rooms").append(cards.get(room.id));
      }
      show(cards.get(room.id), room);
    }
  }

  const differences = (before, after) => Object.keys({ ...before, ...after }).flatMap((key) => {
    const [one = null, other = null] = [before[key], after[key]];
    if (one && other && typeof other === "object" && !Array.isArray(other)) return differences(one, other);
    return JSON.stringify(one) === JSON.stringify(other) ? [] : [`${key}: ${JSON.stringify(one)} → ${JSON.stringify(other)}`];
  });

  /** What became of rules, of whom the log has those that differ, by their ids. */
  const ruled = (before, after) => Object.keys({ ...before, ...after }).map((id) => {
    const [one, other] = [before[id], after[id]], named = ({ description, expression }) => `rule “${description || expression}”`;
    if (!one) return `new ${named(other)}: ${other.expression}${other.enabled ? "" : ", switched off"}`;
    if (!other) return `${named(one)} deleted`;
    const told = ({ expression, description, enabled }) => ({ expression, description, enabled });
    return `${named(other)}: ${differences(told(one), told(other)).join(", ") || "moved"}`;
  });

  async function changes() {
    const { result } = await ask("waiting_room_changes");
    element("changes").replaceChildren(...result.slice(0, CHANGES_SHOWN).map(({ at_ms, who, action, room_id, before, after }) => {
      const row = document.createElement("tr");
      const of = (after || {}).name || (before || {}).name, edits = /^edit/.test(action);
      const shown = cards.has(room_id) ? cards.get(room_id).querySelector("h2").textContent : room_id;
      const name = /event/.test(action) ? shown : of || shown;
      const done = /event/.test(action) && of ? `${action} ${of}` : action;
      const pace = /pace$/.test(action) && (before ? `${action} to ${number(after.per_minute)} of ${number(before.per_minute)} per minute: ${unwell(after)}`
        : `${action}: ${number(after.per_minute)} per minute`);
      const what = pace ? pace : action === "edit rules" ? ruled(before, after).join("; ") : edits ? [...(done === "edit" ? [] : [done]), ...differences(before || {}, after || {})].join(", ") : done;
      for (const text of [new Date(at_ms).toLocaleString(), who, name, what]) row.insertCell().textContent = text;
      return row;
    }));
  }

  // One after the other: a slow answer is waited for, never overtaken.
  async function again(every, task) {
    try { await task(); } catch (error) {
      element("trouble").textContent = error.message;
      element("trouble").hidden = false;
    }
    setTimeout(again, every, every, task);
  }
  const watch = () => document.visibilityState === "visible" ? Promise.all([...cards].map(([id, shown]) => live(id, shown))) : null;
  again(ROOMS_EVERY_MS, async () => { await rooms(); await watch(); await changes(); });
  setTimeout(again, LIVE_EVERY_MS, LIVE_EVERY_MS, watch);
  document.addEventListener("visibilitychange", watch);
})();
