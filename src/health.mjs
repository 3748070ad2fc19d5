// How the origin does, seen from here: of the requests that passes let through a sample is looked at as its answer begins. Only rooms that follow
// their origin have it done (`origin_health`, durable/src/health_settings.rs). What is looked at is not touched: the origin's own promise is handed on.
//
// Of one pass one answer is looked at in a span: whoever asks for what is broken again and again says so once. What was seen goes to a leaf
// with the next wishes (leaves.mjs), or by itself if nobody wishes anything; where it is lost, the next says as much.

/** One report for a room in so long. */
const SPAN_MS = 3_000;
/** It goes along with a call from this age on. */
const ALONG_MS = 2_000;
/** Older than that it is no news. */
const OLD_MS = 60_000;
/** So many answers are looked at in a span: more would say nothing more. */
const MOST = 64;
/** A deployment has no more rooms that matter to one isolate; with more, all are forgotten. */
const ROOMS_MOST = 200;

/** By room: since when, whose, and what. */
const rooms = new Map();

const anew = (since) => ({ since, passes: new Set(), sampled: 0, errors: 0, slow: 0 });

function seenOf(room, now) {
  let seen = rooms.get(room);
  // A clock that jumped back would hold a span open.
  if (!seen || now < seen.since || now - seen.since > OLD_MS) {
    if (rooms.size >= ROOMS_MOST) rooms.clear();
    rooms.set(room, (seen = anew(now)));
  }
  return seen;
}

/** What the gate says of whose answers are looked at (`watch`, src/isolate.rs); nothing where none are. */
export function watching(words) {
  if (!words) return undefined;
  const [leaf, bound, pass] = words.split(" ");
  return { leaf, room: leaf.slice(0, leaf.indexOf("/")), lateMs: Number(bound), pass };
}

/** What was seen of a room's origin, as a wish's line (`Ask`, durable/src/protocol.rs), if that is `age` old; it is forgotten here. No board need come back: none is newer. */
export function taken(room, now, age = ALONG_MS) {
  const seen = rooms.get(room);
  if (!seen || now - seen.since < age) return undefined;
  rooms.set(room, anew(now));
  if (!seen.sampled) return undefined;
  const { sampled, errors, slow } = seen, newest = Number.MAX_SAFE_INTEGER;
  return JSON.stringify({ wish: { health: { sampled, errors, slow } }, board_sequence: newest, revoked_seq: newest });
}

/**
 * The origin's answer, as it is. Perhaps it is looked at: an error is a status of 500 or more, or none; what has not begun in time is late at once, for it may never begin.
 * A visitor who leaves takes their request along, and says nothing; nor can anybody tell who broke off while a body was on its way. So
 * neither is counted at all: as a good answer it would hide that the origin fails.
 */
export function watched(answer, { leaf, room, lateMs, pass }, request, send) {
  const now = Date.now();
  seenOf(room, now);
  const line = taken(room, now, SPAN_MS);
  if (line) send(`?\nLOBBY\n${leaf}\nask\n${line}`);
  const { passes } = seenOf(room, now);
  if (passes.size >= MOST || passes.has(pass)) return answer;
  passes.add(pass);
  const count = (what) => {
    const seen = seenOf(room, Date.now());
    seen.sampled += 1;
    if (what) seen[what] += 1;
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    count("slow");
  }, lateMs);
  const began = (failed) => {
    clearTimeout(timer);
    // What was late was counted; that it failed in the end is one more thing.
    if (failed || !isLate) count(failed && "errors");
  };
  answer.then(
    ({ status }) => began(status >= 500),
    () => (request.signal?.aborted || request.body ? clearTimeout(timer) : began(true)),
  );
  return answer;
}
