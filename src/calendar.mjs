// What only the platform knows of time: when a clock on the wall of some place shows the same again, days later. Daylight saving is its business.

const DAY = 86_400_000;

/** What a place's clock shows at an instant, as if it were UTC. */
function shown(format, instant) {
  const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
}

/** The instant at which it shows that. Of two, the earlier; of none, because the clock is put forward over it, as long after the leap as it is into it. */
function instantOf(format, wall) {
  const before = wall - (shown(format, wall - DAY) - (wall - DAY)), after = wall - (shown(format, wall + DAY) - (wall + DAY));
  const right = [before, after].filter((instant) => shown(format, instant) === wall);
  return right.length > 0 ? Math.min(...right) : before;
}

/**
 * The next `count` instants, `from` on, at which a clock of the time zone shows what it showed at `first`, every so many days; undefined where there is no
 * such time zone.
 */
export function occurrences(first, days, timeZone, from, count) {
  let format;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
    });
  } catch {
    return undefined;
  }
  const wall = shown(format, first), instants = [];
  // One step early: a clock that was put back may show it later than days of 24 hours tell.
  for (let step = Math.max(0, Math.floor((from - first) / (DAY * days)) - 1); instants.length < count; step += 1) {
    const instant = step === 0 ? first : instantOf(format, wall + step * days * DAY);
    if (instant >= from) instants.push(instant);
  }
  return instants;
}
