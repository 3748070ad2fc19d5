// The board's mirror (docs/mirror.md): the Room's host writes the board to a bucket while a line stands, and pages read it there. What lies there may be old, or
// gone: pages see to that, so nothing here is waited for by anybody, and no failure is anybody's but the mirror's.
import { after } from "./errands.mjs";

/** The bucket takes one write of a key in a second. */
export const EVERY_MS = 1_000;
/** So often at least, so that pages see that it lives: they believe no board that is ten seconds older than it may be. */
export const AT_LEAST_EVERY_MS = 5_000;
/** A write that takes longer has failed. */
const PATIENCE_MS = 10_000;

/**
 * What is to be done about a board, `{ waiting, sequence }`, where `last` is what was written last, and `last.at` when: "write" it, "wait" for news, or "rest", for
 * no line stands and the mirror does not say that one does.
 */
export function decide(now, board, last) {
  if (!board.waiting && !last?.waiting) return "rest";
  const since = last ? now - last.at : Infinity, isNews = board.sequence !== last?.sequence;
  // A clock that jumped back tells nothing.
  return since < 0 || since >= (isNews ? EVERY_MS : AT_LEAST_EVERY_MS) ? "write" : "wait";
}

/** A room's mirror: `read` says its board as it was committed, as text, or nothing. */
export class Mirror {
  last = undefined;
  isAwake = false;
  isBroken = false;

  constructor(bucket, read) {
    this.bucket = bucket;
    this.read = read;
  }

  /** Something was committed. */
  async wake(room) {
    if (this.isAwake) return;
    this.isAwake = true;
    for (let text; (text = this.read()) !== undefined; await after(EVERY_MS)) {
      const { waiting, sequence } = JSON.parse(text), todo = decide(Date.now(), { waiting, sequence }, this.last);
      if (todo === "rest") break;
      if (todo === "write") await this.write(room, text, { waiting, sequence });
    }
    this.isAwake = false;
  }

  /** One write at a time. Whether it came there or not, the next one brings what is newest then. */
  async write(room, text, said) {
    const options = { httpMetadata: { contentType: "application/json", cacheControl: "public, max-age=1" } };
    let timer;
    const patience = new Promise((_, reject) => (timer = setTimeout(reject, PATIENCE_MS, new Error(`it took more than ${PATIENCE_MS} ms`))));
    try {
      await Promise.race([this.bucket.put(`${room}.json`, text, options), patience]);
      this.isBroken = false;
    } catch (error) {
      if (!this.isBroken) console.error(`anteroom: the mirror of the board of room ${room} could not be written, and is tried again: ${error}`);
      this.isBroken = true;
    }
    clearTimeout(timer);
    this.last = { ...said, at: Date.now() };
  }
}
