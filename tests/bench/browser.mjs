// What a browser sends and what it keeps. One request for every gate: eighteen headers and 1.5 KB of other people's cookies, among
// which each gate finds its own in the middle, for a header of one small cookie would hide what copying the header costs. The cookies
// of Anteroom are come by as visitors come by them, through `send(path, headers)`, which answers the pair that was set.
export const NAVIGATION = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate" };
export const APP = { Accept: "application/json", "Sec-Fetch-Mode": "cors" };

/** The rooms of the benchmark: one with a seat for everybody, one whose only seat is taken, and one that is held until an operator lets everybody in. */
export const OPEN_HOST = "shop.localhost";
export const LINE_HOST = "line.localhost";
export const TURN_HOST = "turn.localhost";
export const OPERATORS_TOKEN = "0123456789abcdef".repeat(2);
export const ANTEROOM_VARS = {
  ORIGIN: "", ANTEROOM: "on", OPERATOR_HOST: "operator.localhost", KEY_CURRENT: "k".repeat(64), OPERATOR_TOKENS: `bench:${OPERATORS_TOKEN}`,
  ROOMS: [
    { name: "open", host: OPEN_HOST, path: "/", total_active_users: 10_000, new_users_per_minute: 100_000, session_duration_seconds: 86_400 },
    { name: "line", host: LINE_HOST, path: "/", total_active_users: 1, new_users_per_minute: 100_000, session_duration_seconds: 86_400 },
    {
      name: "turn", host: TURN_HOST, path: "/", total_active_users: 100_000, new_users_per_minute: 1_000_000, session_duration_seconds: 86_400,
      claim_window_seconds: 600, queue_all: true,
    },
  ],
};

const foreign = (from, to) => Array.from({ length: to - from }, (_, index) =>
  `_shop${from + index}=GS1.1.17${String(from + index).padStart(8, "0")}.${"3a7f".repeat(17)}`).join("; ");
const BEFORE = foreign(0, 8);
const AFTER = foreign(8, 16);

/** The headers of a navigation by somebody who keeps this cookie. */
export const navigation = (cookie) => ({
  Host: OPEN_HOST,
  ...NAVIGATION,
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-SG,en;q=0.9,ms;q=0.8,zh;q=0.7",
  "Cache-Control": "max-age=0",
  Cookie: `${BEFORE}; ${cookie}; ${AFTER}`,
  "CF-Connecting-IP": "203.0.113.7",
  Priority: "u=0, i",
  Referer: "https://shop.localhost/catalogue/spring?page=2",
  "Sec-CH-UA": '"Chromium";v="142", "Not=A?Brand";v="24", "Google Chrome";v="142"',
  "Sec-CH-UA-Mobile": "?1",
  "Sec-CH-UA-Platform": '"Android"',
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Site": "same-origin",
  "Sec-Fetch-User": "?1",
  "Upgrade-Insecure-Requests": "1",
  "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
});

/** The pair of a `Set-Cookie` line. */
export const pair = (line) => line?.split(";")[0];

/** A pass that is not due for hours: the first contact's is due at once, and confirmed by the second request. */
export async function obtainPass(send) {
  const first = await send("/", NAVIGATION);
  return send("/", { ...NAVIGATION, Cookie: first });
}

/** An arrival in the room whose seat is taken: good for one join. */
export const obtainArrival = (send) => send("/", APP);

/** A ticket of the room whose seat is taken. */
export async function obtainTicket(send) {
  return send("/", { ...APP, Cookie: await obtainArrival(send) });
}
