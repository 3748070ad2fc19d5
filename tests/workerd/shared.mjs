// What isolates share through their data center's cache, as src/shared.rs lays it there, seen with the eyes of somebody who has that cache too: a script of the
// same zone (neighbour.mjs), which here is told the deployment's key.
import { createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";
import { KEY } from "./harness.mjs";

/** For `beside`, harness.mjs. */
export const NEIGHBOUR = { config: { name: "neighbour", main: fileURLToPath(new URL("neighbour.mjs", import.meta.url)), compatibility_date: "2026-08-01" } };

const mac = (key, purpose, text) => createHmac("sha256", key).update(`${purpose}\0${text}`).digest();
/** Where something of a host's lies. */
export const placeOf = (host, name) => `https://${host}/${mac(KEY, "anteroom place", host).subarray(0, 12).toString("base64url")}/${name}`;

export function entryOf(place, text, { key = KEY, at = Date.now() } = {}) {
  const dated = at.toString(16).padStart(16, "0") + text;
  return mac(key, `anteroom entry ${place}`, dated).toString("base64url") + dated;
}
/** What an entry says, and when that was new; it must be sealed for this place. */
export function opened(place, entry) {
  const at = Number.parseInt(entry.slice(43, 59), 16), text = entry.slice(59);
  if (entryOf(place, text, { at }) !== entry) throw new Error(`not sealed: ${entry}`);
  return { at, text };
}

/** The cache, in the neighbour's hands. */
export function cacheOf(harness) {
  const neighbour = harness.getWorker("neighbour");
  return {
    read: async (place) => {
      const found = await neighbour.fetch(place), entry = await found.text();
      return found.ok ? entry : undefined;
    },
    write: async (place, entry) => void (await (await neighbour.fetch(place, { method: "POST", body: entry })).arrayBuffer()),
  };
}
