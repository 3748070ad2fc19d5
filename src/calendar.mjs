// What only the platform knows of time: when a clock on the wall of some place shows the same again, days later. Daylight saving is its business.

const DAY = 86_400_000;

/** How far a place's clock is ahead of UTC at an instant. */
function ahead(format, instant) {
  const [month, day, year, hour, minute, second] = format.format(instant).match(/\d+/g);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/** The instant at which it shows that. Of two, the earlier; of none, because the clock is put forward over it, as long after the leap as it is into it. */
function instantOf(format, wall) {
  const before = wall - ahead(format, wall - DAY), after = wall - ahead(format, wall + DAY);
  const right = [before, after].filter((instant) => instant + ahead(format, instant) === wall);
  return right.length > 0 ? Math.min(...right) : before;
}

/**
 * The next `count` instants, `from` on, at which a clock of the time zone shows what it showed at `first`, every so many days; undefined where there is no
 * such time zone. The platform is asked less than 250 times for a year of days.
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
  const start = first + ahead(format, first), instants = [];
  let distance, steady = -Infinity;
  // One step early: a clock that was put back may show it later than days of 24 hours tell.
  for (let step = Math.max(0, Math.floor((from - first) / (DAY * days)) - 1); instants.length < count; step += 1) {
    const wall = start + step * days * DAY;
    if (wall + DAY > steady) {
      // Between two days of one distance, nine days apart, no clock was changed: those that are put back for Ramadan stay so for a month.
      distance = ahead(format, wall - DAY);
      steady = ahead(format, wall + 8 * DAY) === distance ? wall + 8 * DAY : -Infinity;
    }
    const instant = step === 0 ? first : wall + DAY <= steady ? wall - distance : instantOf(format, wall);
    if (instant >= from) instants.push(instant);
  }
  return instants;
}
