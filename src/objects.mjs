// The Durable Objects, around their cores in Wasm (durable/src/*_object.rs). A core takes text or bytes and says what is to be told,
// called or committed; whatever takes time happens here, so that nothing waits in Wasm's memory.
import { DurableObject } from "cloudflare:workers";
import * as cores from "../build/index.js";
import { occurrences } from "./calendar.mjs";
import { generation, lay, recover } from "./core.mjs";
import { after, call, callRoom, run, way } from "./errands.mjs";
import { Mirror } from "./mirror.mjs";

/** The directory's with a silent Room: shorter than that of who waits for the directory, and wants to hear what has become of a change. */
const ROOM_PATIENCE_MS = 1_400;

/** With the object that takes a Room's pages, some megabytes: nobody is served before they are there. */
const MOVING_PATIENCE_MS = 10_000;

/** While there is always more, a Room commits so often: a commit costs the same, however many it is for. With its row and a page
 * in a few it is some twenty rows a second. */
const SPACING_MS = 80;

/** What a core says of one caller: an error is theirs alone. */
const settle = ({ resolve, reject }, said) => (said instanceof Error ? reject : resolve)(said);

class Hosted extends DurableObject {
  /** The core, made anew in another instance of the Wasm. */
  core(Core) {
    if (this.generation !== generation) {
      this.forget(new Error("the core began anew"));
      this.kept = new Core(this.ctx.storage, this.env, occurrences);
      this.generation = generation;
    }
    return this.kept;
  }

  /** Drops the core, and with it what it remembers. */
  lose(error) {
    this.generation = undefined;
    this.forget(error);
    recover(error);
    return error;
  }

  forget() {}

  alarm() {
    return this.ask("", "alarm", "");
  }
}

export class RoomObject extends Hosted {
  gathered = [];
  committing = false;
  /** Whether there is always more. */
  isBusy = false;
  ticksAt = Infinity;
  /** Only then is what memory says durable. */
  isCommitted = false;
  /** This object's: the room's id, and where it has moved to if it has (durable/src/moving.rs). Of an alarm that woke it, an older runtime does not know: then whoever asks next says it. */
  name = this.ctx.id.name;

  ask(name, action, payload) {
    this.name ??= name || undefined;
    return new Promise((resolve, reject) => {
      this.gathered.push({ name, action, payload, resolve, reject });
      if (!this.committing) this.commit();
    });
  }

  /**
   * One step and one commit for all that has gathered, or as much of it as one row may hold, until nothing has. What gathers meanwhile says that others are near: then the next takes more of them along, and
   * there is a next if any has come by its time.
   */
  async commit() {
    this.committing = true;
    while (this.gathered.length > 0) {
      const asked = this.gathered.splice(0), begun = Date.now();
      try {
        if (this.core(cores.RoomObject).leaves()) await this.leave();
        const core = this.core(cores.RoomObject);
        for (const { action, payload } of asked) core.gather(this.name ?? "", action, payload);
        this.isCommitted = false;
        const answers = core.step();
        this.gathered.unshift(...asked.splice(answers.length));
        this.tick(core.ticks_at());
        // Nobody hears of it before it is durable.
        await this.ctx.storage.sync();
        this.isCommitted = true;
        asked.forEach((caller, index) => settle(caller, answers[index]));
        this.mirror();
        if (this.core(cores.RoomObject).leaves()) await this.leave();
      } catch (error) {
        this.lose(error);
        for (const { reject } of asked) reject(error);
      }
      this.isBusy = this.gathered.length > 0 || (this.isBusy && asked.length > 1);
      const early = begun + SPACING_MS - Date.now();
      // A clock that jumped back would make it an hour.
      if (this.isBusy && early > 0) await after(Math.min(early, SPACING_MS));
    }
    this.committing = false;
  }

  /**
   * A Room that moves is frozen. Its pages go to the object in which it lives from then on, before anybody hears of that one. Should that fail, whoever asks next has it
   * tried again, or the alarm.
   */
  async leave() {
    const [name, pages] = this.core(cores.RoomObject).leaving();
    const { said } = await call(() => way(this.env, "ROOM", name), name, "take", pages, MOVING_PATIENCE_MS);
    if (said !== "taken") return;
    this.core(cores.RoomObject).left();
    await this.ctx.storage.sync();
    console.log(`anteroom: a room has moved, and lives in ${name}`);
  }

  /** What is near comes by a timer; should this object be lost before, by its alarm. */
  tick(at) {
    if (at === undefined || at >= this.ticksAt) return;
    this.ticksAt = at;
    setTimeout(() => {
      if (this.ticksAt === at) this.ticksAt = Infinity;
      // Why it failed, `lose` has said. Once more would end an instance that has just begun.
      this.ask("", "tick", "").catch(() => {});
    }, at - Date.now());
  }

  /** Beside everybody who waits for an answer: the board's mirror is told that there is news, where one is bound. */
  mirror() {
    if (!this.env.MIRROR || !this.name) return;
    this.mirrored ??= new Mirror(this.env.MIRROR, () => {
      if (this.isCommitted && this.generation === generation) return this.kept.mirrored();
    });
    this.mirrored.wake(this.name.split("~", 1)[0]).catch((error) => {
      this.mirrored = undefined;
      this.lose(error);
    });
  }
}

export class LobbyObject extends Hosted {
  waiting = new Map();
  calls = 0;
  wakesAt = Infinity;

  ask(name, action, payload) {
    try {
      const number = (this.calls = (this.calls + 1) >>> 0), core = this.core(cores.LobbyObject);
      const said = action === "ask" ? core.ask(number, lay(`${name}\n${payload}`)) : core.gather(name, number, payload || undefined);
      const told = new Promise((resolve, reject) => (said === undefined ? this.waiting.set(number, { resolve, reject }) : settle({ resolve, reject }, said)));
      this.parent = name.slice(0, name.lastIndexOf("/"));
      // Though everybody is answered: what was heard of the origin goes on, and nobody waits for that (durable/src/hearsay.rs).
      this.pump();
      return told;
    } catch (error) {
      throw this.lose(error);
    }
  }

  /** Makes the calls that are due, and comes back for those that are not. */
  pump() {
    for (let due; (due = this.core(cores.LobbyObject).due()) !== undefined; ) {
      if (typeof due === "number") {
        if (due < this.wakesAt) {
          this.wakesAt = due;
          setTimeout(() => this.wake(due), due - Date.now());
        }
        return;
      }
      this.send(...due);
    }
  }

  wake(at) {
    if (this.wakesAt === at) this.wakesAt = Infinity;
    this.safely(() => this.pump());
  }

  /** A task of its own: a visitor who goes away takes nobody's answer along. */
  async send(action, batch, payload) {
    const core = this.core(cores.LobbyObject);
    const { said, overloaded } = await this.above(action, payload);
    if (said === undefined) this.up = undefined;
    this.safely(() => {
      // A core that began anew meanwhile knows nothing of this call, and nobody waits for it any more.
      if (this.core(cores.LobbyObject) !== core) return;
      const answered = core.heard(action, batch, said, overloaded === true);
      for (let index = 0; index < answered.length; index += 2) {
        const caller = this.waiting.get(answered[index]);
        if (caller) settle(caller, answered[index + 1]);
        this.waiting.delete(answered[index]);
      }
      this.pump();
    });
  }

  /** The parent: a region, or the Room, by one way as long as that leads there. */
  above(action, payload) {
    const isRegions = this.parent.includes("/");
    const find = (name) => {
      if (this.upTo !== name) [this.upTo, this.up] = [name, undefined];
      return (this.up ??= way(this.env, isRegions ? "LOBBY" : "ROOM", name));
    };
    return isRegions ? call(() => find(this.parent), this.parent, action, payload) : callRoom(find, this.parent, action, payload);
  }

  safely(task) {
    try {
      task();
    } catch (error) {
      this.lose(error);
    }
  }

  /** With its core a lobby loses who waits: they ask again, and are given what they were given. */
  forget(error) {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

export class DirectoryObject extends Hosted {
  async ask(name, action, payload) {
    try {
      let said = this.core(cores.DirectoryObject).ask(action, payload);
      while (said[0] === "?") {
        const reply = await run(said, this.env, ROOM_PATIENCE_MS);
        said = this.core(cores.DirectoryObject).heard(action, said, reply);
      }
      return said;
    } catch (error) {
      throw this.lose(error);
    }
  }
}
