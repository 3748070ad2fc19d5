// The figures beside their budgets (docs name where they come from), as a table for people and one flat object for machines. A
// budget that is missed is marked, and nothing else: time is never a test.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { built } from "./runtime.mjs";

const atMost = (bound) => ({ says: `≤ ${bound}`, holds: (figure) => figure <= bound });
const atLeast = (bound) => ({ says: `≥ ${bound}`, holds: (figure) => figure >= bound });
/** A budget that cannot be kept, and what is held instead (docs/adr/0008). */
const atLeastOr = (bound, instead) => ({ says: `≥ ${bound}, held ≥ ${instead}`, holds: (figure) => figure >= bound || (figure >= instead && "held") });
const none = { says: "", holds: () => null };
const VERDICTS = new Map([[null, ""], [true, "ok"], ["held", "held"], [false, "MISSED"]]);

const digits = (figure) => (Number.isInteger(figure) ? String(figure) : figure.toFixed(figure >= 100 ? 0 : 2));
const interval = (name) => (report) => `${digits(report[name])}  [${digits(report[`${name}_low`])}, ${digits(report[`${name}_high`])}]`;

/** What is shown: the figure's name, its words, its budget, and how it is written if not as a number. */
const ROWS = [
  ["gate_us", "an admitted request, added inside workerd, µs", none],
  ["gate_anew_us", "  the same decided anew, of a pass that was believed before, µs", none],
  ["webcrypto_us", "  the same by a good JavaScript gate, µs", none],
  ["crowdhandler_us", "  the same by crowdhandler-sdk 2.5.0, hybrid, µs", none],
  ["gate_vs_webcrypto", "gate : JavaScript gate", atMost(0.8)],
  ["gate_anew_vs_webcrypto", "  the same decided anew", none],
  ["gate_vs_crowdhandler", "gate : crowdhandler-sdk", atMost(0.5)],
  ["throughput_vs_bare", "throughput : bare Worker, 95 %", { says: "not all < 0.97", holds: (_, report) => report.throughput_vs_bare_high >= 0.97 }, interval("throughput_vs_bare")],
  ["bare_vs_bare", "  bare Worker : its twin, 95 %", none, interval("bare_vs_bare")],
  ["p99_vs_bare", "  99th percentile of time : bare Worker's, 95 %", none, interval("p99_vs_bare")],
  ["poll_vs_hello", "polls : Rust hello", atLeastOr(0.8, 0.5)],
  ["poll_floor_vs_hello", "  the least that a poll takes : Rust hello", none],
  ["poll_object_calls_per_1000", "object calls on behalf of 1 000 polls", atMost(0)],
  ["join_vs_naive_64", "joins : naive object, 64 connections", atLeastOr(3, 1)],
  ["join_floor_vs_naive_64", "  the least that two objects take : naive", none],
  ["join_vs_naive_1", "joins : naive object, 1 connection", atLeastOr(0.7, 0.35)],
  ["join_floor_vs_naive_1", "  the least that two objects take : naive", none],
  ["join_p99_ms", "a join, 200 a second, a second's 99th percentile, ms, 95 %", none, interval("join_p99_ms")],
  ["join_floor_p99_ms", "  the least that the way takes", none, interval("join_floor_p99_ms")],
  ["claim_p99_ms", "a claim and the origin's answer, the same, ms, 95 %", none, interval("claim_p99_ms")],
  ["claim_floor_p99_ms", "  the least that the way takes", none, interval("claim_floor_p99_ms")],
  ["object_requests_per_1000_visitors", "calls to objects for 1 000 visitors, from join to leaving", none],
  ["object_rows_per_1000_visitors", "rows written for 1 000 visitors", none],
  ["cold_start_ms", "a new process to the first page, beyond an empty Worker's, ms, 95 %", none, interval("cold_start_ms")],
  ["cold_contact_ms", "  the same to the first visitor at the origin, through new objects", none, interval("cold_contact_ms")],
  ["core_ops_per_second", "the Room's core, native, wishes/s on one core", atLeast(2_000_000)],
  ["core_bytes_10m_tickets_1m_seats", "  its memory, 10 M tickets and 1 M seats, bytes", atMost(67_108_864)],
  ["core_rebuild_ms", "  rebuilt from its rows at that size, ms", atMost(1_000)],
  ["core_rebuild_rounds_ms", "  rebuilt with 32 full rounds, ms", atMost(1_000)],
  ["core_rows_per_commit", "  rows written per commit", atMost(3)],
  ["wasm_gzip_bytes", "Wasm, gzip, bytes", atMost(192_000)],
  ["page_gzip_bytes", "waiting page, gzip, largest language, bytes", atMost(14_336)],
];

/** Prints the table and writes target/bench/report.json. */
export function publish(report) {
  const lines = ROWS.filter(([name]) => name in report).map(([name, words, budget, written]) => (
    [words, written ? written(report) : digits(report[name]), budget.says, VERDICTS.get(budget.holds(report[name], report))]
  ));
  const table = [["what", "figure", "budget", ""], ...lines];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table) console.log(line.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
  const count = (word) => lines.filter((line) => line[3] === word).length;
  console.log(`\n${count("ok")} budgets kept, ${count("held")} missed as ADR 8 says, ${count("MISSED")} missed otherwise.`);
  const file = join(built, "report.json");
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`Report: ${file}`);
}
