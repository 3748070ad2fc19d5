// The calendar, on Node's ICU. What workerd's own says is seen in events.test.mjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { occurrences } from "../../src/calendar.mjs";

const at = Date.parse;
const days = (instants) => instants.map((instant) => new Date(instant).toISOString().slice(5, 16));

test("every day at the same time of its own clock, through both changes of the year", () => {
  const spring = occurrences(at("2027-03-26T12:00:00+02:00"), 1, "Europe/Athens", at("2027-03-26T12:00:00+02:00"), 4);
  assert.deepEqual(days(spring), ["03-26T10:00", "03-27T10:00", "03-28T09:00", "03-29T09:00"]);
  const autumn = occurrences(at("2026-10-23T12:00:00+03:00"), 1, "Europe/Athens", at("2026-10-24T12:00:00+03:00"), 3);
  assert.deepEqual(days(autumn), ["10-24T09:00", "10-25T10:00", "10-26T10:00"]);
});

test("a time that is skipped is as long after the leap, and of one that comes twice the earlier counts", () => {
  const skipped = occurrences(at("2027-03-27T02:30:00-05:00") - 13 * 86_400_000, 1, "America/New_York", at("2027-03-14T00:00:00Z"), 1);
  assert.deepEqual(days(skipped), ["03-14T07:30"], "02:30 does not exist that night: 03:30 in summer time");
  const twice = occurrences(at("2026-10-31T01:30:00-04:00"), 1, "America/New_York", at("2026-11-01T00:00:00Z"), 1);
  assert.deepEqual(days(twice), ["11-01T05:30"]);
});

test("every week on the same day, from wherever one asks", () => {
  const first = at("2026-12-01T09:00:00Z");
  assert.deepEqual(days(occurrences(first, 7, "UTC", 0, 3)), ["12-01T09:00", "12-08T09:00", "12-15T09:00"]);
  assert.deepEqual(days(occurrences(first, 7, "UTC", first + 1, 1)), ["12-08T09:00"]);
  assert.equal(occurrences(first, 7, "UTC", at("2036-12-01T00:00:00Z"), 8).length, 8);
});

test("a place whose days are shifted against UTC", () => {
  const first = at("2026-12-31T23:30:00+14:00");
  assert.deepEqual(days(occurrences(first, 1, "Pacific/Kiritimati", first + 1, 2)), ["01-01T09:30", "01-02T09:30"]);
});

test("a year is told by the same time of every day, and costs few questions to the platform, wherever clocks are changed and for however short", () => {
  const Asked = Intl.DateTimeFormat;
  let asked = 0;
  Intl.DateTimeFormat = class extends Asked { format(instant) { asked += 1; return super.format(instant); } };
  try {
    for (const timeZone of ["Europe/London", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Cairo", "Asia/Kathmandu"]) {
      for (const first of [at("2026-06-01T12:00:00.250Z"), at("2026-11-23T02:45:00Z")]) {
        asked = 0;
        const instants = occurrences(first, 1, timeZone, first, 404);
        assert.ok(asked < 250, `${timeZone}: ${asked} questions`);
        const clock = new Asked("en-GB", { timeZone, timeStyle: "medium" });
        const others = instants.filter((instant) => clock.format(instant) !== clock.format(first) || instant % 1000 !== first % 1000);
        assert.ok(others.length <= 1, `${timeZone}: ${others.length} at another time; one may be skipped`);
        for (const [index, instant] of instants.entries()) {
          const late = instant - (first + index * 86_400_000);
          assert.ok(Math.abs(late) <= 7_200_000, `${timeZone}, day ${index}: ${late} ms`);
        }
      }
    }
  } finally {
    Intl.DateTimeFormat = Asked;
  }
});

test("no such time zone", () => assert.equal(occurrences(0, 1, "Atlantis/Capital", 0, 1), undefined));
