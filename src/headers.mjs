// The headers that the gate looks at (`Headers`, src/visit.rs), as lines.

// Each costs the platform a third of a microsecond, so polls bring the first three, and preflights alone the last two.
const LINES = ["Accept", "Accept-Language", "Origin", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Purpose", "Purpose", "Upgrade", "CF-Connecting-IP"];
const FEW = LINES.slice(0, 3);
const PREFLIGHT = [...LINES, "Access-Control-Request-Method", "Access-Control-Request-Headers"];

/** What the platform says of a request, by a name with a colon before it, which no header has: no client can send it. */
const value = ({ headers, cf }, name) => (name[0] === ":" ? cf?.[name.slice(1)] : headers.get(name)) ?? "";
const lines = (request, names) => names.reduce((text, name) => `${text}\n${value(request, name)}`, request.method);

/** The few that are enough to say where somebody stands. */
export const few = (request) => lines(request, FEW);
/** Those that every request is looked at by. */
export const all = (request) => lines(request, request.method === "OPTIONS" ? PREFLIGHT : LINES);
/** Those, and behind them what a `#` verdict (src/verdict.rs) names. */
export const wanted = (request, verdict) => (verdict === "#" ? all(request) : lines(request, [...PREFLIGHT, ...verdict.slice(1).trim().split("\n")]));
