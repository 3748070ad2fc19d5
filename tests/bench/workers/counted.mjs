// The Worker as it is deployed, its objects counting what they are billed for: each call and alarm, each row that a statement wrote (as the cursor says),
// and each alarm that is set, which is a row too. `/counts` on `counts.localhost` tells, and begins anew.
import entry, { DirectoryObject as Directory, LobbyObject as Lobby, RoomObject as Room } from "../../../src/entry.mjs";

let counts;
const begin = () => { counts = { calls: { room: 0, lobby: 0, directory: 0 }, rows: 0 }; };
begin();

function countingSql(sql) {
  return {
    exec(...statement) {
      const cursor = sql.exec(...statement);
      // Writing is done by the time the cursor is there; reading has written nothing.
      counts.rows += cursor.rowsWritten;
      return cursor;
    },
  };
}

function countingStorage(storage) {
  const sql = countingSql(storage.sql);
  return {
    get sql() { return sql; },
    setAlarm(at) { counts.rows += 1; return storage.setAlarm(at); },
    deleteAlarm: () => storage.deleteAlarm(),
    deleteAll: () => storage.deleteAll(),
    sync: () => storage.sync(),
  };
}

const counting = (Base, name) => class extends Base {
  constructor(context, env) {
    super(context, env);
    Object.defineProperty(this, "ctx", { value: { storage: countingStorage(context.storage) } });
  }
  ask(...asked) {
    // A timer of its own is no call, and is not billed as one.
    counts.calls[name] += asked[1] === "tick" ? 0 : 1;
    return super.ask(...asked);
  }
};

export const RoomObject = counting(Room, "room");
export const LobbyObject = counting(Lobby, "lobby");
export const DirectoryObject = counting(Directory, "directory");

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).hostname !== "counts.localhost") return entry.fetch(request, env, context);
    const told = Response.json(counts);
    begin();
    return told;
  },
};
