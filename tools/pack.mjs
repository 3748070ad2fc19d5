// What neither the compiler nor wasm-opt does for the size of the Wasm. Usage: node tools/pack.mjs quiet|order FROM TO
//
// quiet  Panics say nothing. Their messages go to the standard error that Wasm does not have, yet every call of one writes down what it would
//        say. Functions that do nothing but panic become the trap that they end in, and so do those that write things for debuggers, which
//        nothing but such messages refers to. The places in the source that they name become zeros.
// order  Functions whose bytes are alike come to lie side by side, where the compression that looks back 32 KiB finds them. They are named in the
//        order they should have: wasm-opt, which knows what refers to them, moves them there (--reorder-functions-by-name).
import { readFileSync, writeFileSync } from "node:fs";

/** Names of functions that never return or are for debuggers, without the hashes of crates: as both of the compiler's ways to write names have them. */
const PANICS = new RegExp(`^(${[
  "core::panicking::.*", "core::(option|result)::(unwrap|expect)_failed", "core::cell::panic_already_\\w+",
  "core::str::slice_error_fail(_rt)?", "core::slice::index::slice_index_fail", "core::slice::copy_from_slice_impl::len_mismatch_fail",
  "<?alloc::.*::assert_failed", "alloc::(raw_vec|alloc)::(capacity_overflow|handle_\\w*error)", "std::alloc::rust_oom.*", ".*std::panicking::.*",
  "<.* as core::fmt::Debug>::fmt", "<?core::fmt::builders::.*", "<core::fmt::Formatter>::debug_.*",
].join("|")})(::h[0-9a-f]{16})?$`);
const [CUSTOM, IMPORT, CODE, DATA] = [0, 2, 10, 11];
const [END, I32_CONST] = [0x0b, 0x41];
const TRAP = Buffer.from([0, 0, 0x0b]);

/** A number as LEB128. */
function leb(number) {
  const bytes = [];
  do bytes.push((number & 127) | (number > 127 ? 128 : 0));
  while ((number >>>= 7));
  return Buffer.from(bytes);
}
const counted = (bytes) => Buffer.concat([leb(bytes.length), bytes]);
const list = (items) => Buffer.concat([leb(items.length), ...items]);

/** Reads from the first byte on. */
class Reader {
  constructor(bytes) { this.rest = bytes; }
  take(length) {
    const taken = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return taken;
  }
  byte() { return this.take(1)[0]; }
  number() {
    for (let number = 0, shift = 0; ; shift += 7) {
      const byte = this.byte();
      number |= (byte & 127) << shift;
      if (byte < 128) return number >>> 0;
    }
  }
  counted() { return this.take(this.number()); }
  list(read) { return Array.from({ length: this.number() }, () => read(this)); }
}

function parse(bytes) {
  const reader = new Reader(bytes), head = reader.take(8), sections = [];
  while (reader.rest.length) sections.push({ id: reader.byte(), body: reader.counted() });
  const section = (id) => new Reader(sections.find((section) => section.id === id).body);
  // All that is imported is functions: they are counted first, which each of their names shows.
  const imported = section(IMPORT).list((reader) => {
    reader.counted(), reader.counted();
    if (reader.byte() !== 0) throw new Error("something other than a function is imported");
    reader.number();
  }).length;
  return { head, sections, imported, code: section(CODE).list((reader) => reader.counted()) };
}

function write({ head, sections }) {
  return Buffer.concat([head, ...sections.flatMap(({ id, body }) => [Buffer.from([id]), counted(body)])]);
}

const isNames = ({ id, body }) => id === CUSTOM && new Reader(body).counted().toString() === "name";

/** The functions' names, by their numbers. */
function names(sections) {
  const reader = new Reader(sections.find(isNames).body);
  reader.counted();
  while (reader.byte() !== 1) reader.counted();
  return new Map(new Reader(reader.counted()).list((reader) => [reader.number(), reader.counted().toString().replace(/\[\w+\]/g, "")]));
}

function quiet(wasm) {
  const named = names(wasm.sections);
  const code = wasm.code.map((body, index) => counted(PANICS.test(named.get(wasm.imported + index)) ? TRAP : body));
  const quieted = { [CODE]: list(code), [DATA]: withoutPlaces(wasm.sections.find(({ id }) => id === DATA).body) };
  return { ...wasm, sections: wasm.sections.map(({ id, body }) => ({ id, body: quieted[id] ?? body })) };
}

/** The data without `core::panic::Location`s, which are a file's address and length, a line, and a column, and without those files' names. */
function withoutPlaces(body) {
  const data = Buffer.from(body), segments = [];
  new Reader(data).list((reader) => {
    if (reader.byte() !== 0 || reader.byte() !== I32_CONST) throw new Error("a segment of data lies at no constant address");
    const from = reader.number();
    if (reader.byte() !== END) throw new Error("a segment of data lies at no constant address");
    segments.push({ from, bytes: reader.counted() });
  });
  const at = (address, length) => {
    const segment = segments.find(({ from, bytes }) => from <= address && address + length <= from + bytes.length);
    return segment?.bytes.subarray(address - segment.from, address - segment.from + length);
  };
  const names = new Set();
  for (const { from, bytes } of segments) {
    for (let place = -from & 3; place + 16 <= bytes.length; place += 4) {
      const name = at(bytes.readUInt32LE(place), bytes.readUInt32LE(place + 4));
      if (!/^[\w./-]+\.rs$/.test(name?.toString("latin1"))) continue;
      bytes.fill(0, place, place + 16);
      names.add(name);
    }
  }
  names.forEach((name) => name.fill(0));
  return data;
}

/** Runs of five bytes say how much two functions have in common, but for runs that are everywhere. */
const RUN = 5, EVERYWHERE = 60;
/** So many bytes of those that were laid down last are what the next one is chosen for: half of what the compression looks back at. */
const WINDOW = 16 * 1024;

function alike(code) {
  const runs = code.map((body) => {
    const found = new Set();
    for (let at = 0; at + RUN <= body.length; at += 1) found.add(body.readUIntBE(at, RUN));
    return found;
  });
  const having = new Map();
  runs.forEach((found, index) => found.forEach((run) => having.has(run) ? having.get(run).push(index) : having.set(run, [index])));
  const common = new Float64Array(code.length);
  const weigh = (index, weight) => {
    for (const run of runs[index]) {
      const others = having.get(run);
      if (others.length <= EVERYWHERE) for (const other of others) common[other] += weight;
    }
  };
  const left = new Set(code.keys()), order = [];
  for (let next = 0, first = 0, bytes = 0; left.size; ) {
    order.push(next);
    left.delete(next);
    weigh(next, 1);
    for (bytes += code[next].length; bytes > WINDOW && first < order.length - 1; first += 1) {
      weigh(order[first], -1);
      bytes -= code[order[first]].length;
    }
    let most = -1;
    for (const index of left) {
      // A long function has something in common with everybody.
      const share = common[index] / Math.sqrt(runs[index].size + 8);
      if (share > most) [most, next] = [share, index];
    }
  }
  return order;
}

function order(wasm) {
  const places = new Map(alike(wasm.code).map((index, place) => [index, place]));
  const name = (number) => counted(Buffer.from(number < wasm.imported ? `a${number}` : `f${String(places.get(number - wasm.imported)).padStart(6, "0")}`));
  const functions = list(Array.from({ length: wasm.imported + wasm.code.length }, (_, number) => Buffer.concat([leb(number), name(number)])));
  const body = Buffer.concat([counted(Buffer.from("name")), Buffer.from([1]), counted(functions)]);
  return { ...wasm, sections: wasm.sections.map((section) => (isNames(section) ? { id: CUSTOM, body } : section)) };
}

const [what, from, to] = process.argv.slice(2);
writeFileSync(to, write({ quiet, order }[what](parse(readFileSync(from)))));
