// From which part of the world somebody asks (src/region.mjs), by what the platform says of a request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { REGIONS, regionOf } from "../../src/region.mjs";

const AT = [
  [{ continent: "EU", country: "DE", longitude: "8.7" }, "weur"],
  [{ continent: "EU", country: "PL", longitude: "21.0" }, "eeur"],
  [{ continent: "AS", country: "MY", longitude: "101.7" }, "apac"],
  [{ continent: "AS", country: "SA", longitude: "46.7" }, "me"],
  [{ continent: "NA", country: "US", longitude: "-122.4" }, "wnam"],
  [{ continent: "NA", country: "US", longitude: "-77.5" }, "enam"],
  [{ continent: "NA", country: "MX" }, "enam"],
  [{ continent: "SA", country: "BR" }, "sam"],
  [{ continent: "AF", country: "ZA" }, "afr"],
  [{ continent: "OC", country: "NZ" }, "oc"],
  [{ continent: "AN" }, "sam"],
];

test("every continent has a region that the platform knows, and some have two", () => {
  for (const [cf, region] of AT) assert.equal(regionOf(cf), region, JSON.stringify(cf));
  assert.deepEqual(new Set(AT.map(([, region]) => region)), REGIONS);
});

test("where the platform says nothing, or what nobody knows, it is a region without a place", () => {
  for (const cf of [undefined, {}, { continent: "T1" }, { continent: "__proto__" }, { country: "XX", longitude: "east" }]) {
    assert.equal(regionOf(cf), "near", JSON.stringify(cf));
  }
});
