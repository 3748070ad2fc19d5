// How other versions of Anteroom speak, on the wire: the first one says less than ours (tests/versions.rs has what it said, byte by byte), and a later one says things
// that nobody knows yet.

/** What the first version had: of a board the fields that tests/versions.rs pins; `calls_per_hour` is of that version alone. */
const FIRST = {
  ask: ["wish", "revoked_seq"],
  answer: ["outcome", "board", "board_age_ms", "revocations"],
  board: ["version", "sequence", "at_ms", "max_age_ms", "epoch", "pass_epoch", "phase", "called", "void", "issued", "waiting", "claim_window_ms", "directory_version", "revoked_seq"],
  revocations: ["seq", "passes"],
  boardAnswer: ["board", "revocations"],
  configure: ["version", "directory_version", "settings"],
  configured: ["version"],
  document: ["version", "rooms"],
  room: ["id", "settings"],
};
/** Settings that came after it. */
const SINCE = ["joins_per_prefix_per_minute", "outage_grace_seconds", "fail_open_until", "origin_health", "room_region"];
const some = (value, change) => (value === undefined || value === null ? value : change(value));

/** By version: an object's fields as it says them. */
const SPOKEN = {
  first: (kind, object) => ({
    ...Object.fromEntries(FIRST[kind].filter((name) => name in object).map((name) => [name, object[name]])),
    ...(kind === "board" && { calls_per_hour: 0 }),
  }),
  later: (kind, object) => ({ of_tomorrow: { deep: [1, { deeper: null }] }, ...object, "x": "?" }),
};

/** A later version's settings have names that nobody knows, and values. */
const SETTINGS = {
  first: (settings) => Object.fromEntries(Object.entries(settings).filter(([name]) => !SINCE.includes(name))),
  later: (settings) => ({ ...settings, of_tomorrow: true, queueing_method: "lottery" }),
};
const withSettings = (version, kind, { settings, ...rest }) => SPOKEN[version](kind, { ...rest, settings: SETTINGS[version](settings) });

const board = (version, object) => SPOKEN[version]("board", object);
function news(version, kind, object) {
  const { board: held, revocations: list, ...rest } = object;
  return SPOKEN[version](kind, {
    ...rest,
    ...(held !== undefined && { board: some(held, (value) => board(version, value)) }),
    ...(list !== undefined && { revocations: some(list, (value) => SPOKEN[version]("revocations", value)) }),
  });
}
const lines = (text, change) => text.split("\n").map((line) => JSON.stringify(change(JSON.parse(line)))).join("\n");

// Numbers and texts of batches (durable/src/codec.rs): LEB128, and what is counted by it.
function number(bytes, at) {
  let value = 0;
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * shift;
    if (byte < 128) return [value, at];
  }
}
function leb(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}
const blob = (bytes, at) => {
  const [length, from] = number(bytes, at);
  return [bytes.slice(from, from + length), from + length];
};
const counted = (bytes) => [...leb(bytes.length), ...bytes];

/** A batch with a section more, of which nobody has heard; the first version had all the others. */
function batch(version, bytes) {
  if (version !== "later") return bytes;
  const [, named] = blob(bytes, 1);
  const [, content] = number(bytes, named + 16);
  const [items] = blob(bytes, content);
  return Uint8Array.from([...bytes.slice(0, content), ...counted([...items, 99, ...counted([1, 2, 3])])]);
}

/** The answer to one: behind what became of it stands the board, as text, where one was wanted. How old it is the first version did not say. */
function batchAnswer(version, bytes) {
  if (!(bytes instanceof Uint8Array)) return bytes;
  const [tag] = bytes;
  const at = tag === 1 ? blob(bytes, 1)[1] : tag === 2 ? number(bytes, 1)[1] : 1;
  const [text, end] = blob(bytes, at);
  if (text.length === 0) return bytes;
  const told = JSON.stringify(board(version, JSON.parse(new TextDecoder().decode(text))));
  return Uint8Array.from([...bytes.slice(0, at), ...counted(new TextEncoder().encode(told)), ...(version === "later" ? [...bytes.slice(end), 7] : [])]);
}

const spoken = (version, kind) => (text) => lines(text, (object) => SPOKEN[version](kind, object));

/** What is asked, in a version's words. */
export function said(version, action, payload) {
  const change = { ask: spoken(version, "ask"), batch: (bytes) => batch(version, bytes), configure: (text) => lines(text, (object) => withSettings(version, "configure", object)) }[action];
  return change && payload?.length ? change(payload) : payload;
}

/** What is answered. */
export function heard(version, action, answer) {
  const change = {
    ask: (text) => lines(text, (object) => news(version, "answer", object)),
    // In bytes it says why there is none.
    board: (told) => (typeof told === "string" ? lines(told, (object) => news(version, "boardAnswer", object)) : batchAnswer(version, told)),
    batch: (bytes) => batchAnswer(version, bytes),
    configure: spoken(version, "configured"),
    document: (text) => lines(text, ({ rooms, ...rest }) => SPOKEN[version]("document", { ...rest, rooms: rooms.map((room) => withSettings(version, "room", room)) })),
  }[action];
  return change && answer?.length ? change(answer) : answer;
}
