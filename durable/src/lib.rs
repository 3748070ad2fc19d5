//! What remembers: the [`room`] that keeps the line, the [`lobby`] that gathers for it, and the
//! [`directory`] that knows which routes belong to which room.
//!
//! Everything here is pure but for the `*_object` files, the Durable Objects around it: they read
//! the clock once for each event, call, commit what they were told to, and only then answer.
//!
//! The Room's rules are the ten of `docs/how-it-works.md`, and *rule* with a number means one of them; the files that keep them:
//!
//! | file | decides |
//! |---|---|
//! | [`room`] | takes a step: what came in, in what order; the decisions are in `turn.rs`, what the schedule brings in `due.rs`, what a reset does in `reset.rs`, when it is woken in [`alarm`], the sums behind them in `admission.rs` |
//! | [`schedule`] | which rules hold at a moment, all wills considered |
//! | [`mod@line`], [`call`], [`kept`], [`draws`] with [`draw`], [`rounds`] | who is called, in what order, and who asked in vain |
//! | [`seats`] with [`slots`] and [`chains`], [`pace`], [`spent`], [`replies`] | one rule each |
//! | [`health`] | how the origin does, and the pace that follows it |
//! | [`waits`], [`forecast`] | how long it takes, and how well that is told |
//! | [`state`], [`journal`], [`store`] | what a Room knows, what changed, how it is kept |
//! | [`lobby`]: [`leaf`] with [`calls`], [`region`], [`courier`], [`bulletin`], [`batch`] | how many visitors ask at once |
//! | `publish.rs`, [`board`], [`token`], [`seen`], [`protocol`], [`wire`] | what is said outside |
//! | [`moving`], [`location`] | where a Room lives |
//! | [`settings`], [`plan`], [`agenda`], [`rules`], [`expression`] with [`steps`] and [`comparable`], [`order`], [`directory`], [`clerk`] | what operators decide, and how Rooms hear of it |
//! | [`listed`], [`pieces`], [`table`] | the few things that the standard library does at a price in bytes |

#![forbid(unsafe_code)]

mod admission;
pub mod agenda;
pub mod alarm;
pub mod base64url;
pub mod batch;
pub mod board;
pub mod bulletin;
pub mod call;
pub mod calls;
pub mod chains;
pub mod clerk;
pub mod codec;
pub mod comparable;
pub mod cookie_settings;
pub mod courier;
pub mod date;
pub mod directory;
pub mod draw;
pub mod draws;
mod due;
pub mod errand;
pub mod expression;
mod fields;
pub mod forecast;
pub mod health;
pub mod health_settings;
pub mod hearsay;
pub mod history;
pub mod journal;
pub mod json;
pub mod kept;
pub mod leaf;
pub mod leases;
pub mod line;
pub mod listed;
pub mod lobby;
pub mod location;
pub mod moving;
pub mod neighbours;
pub mod order;
mod origin_log;
mod origins;
pub mod pace;
pub mod page_settings;
pub mod pieces;
pub mod plan;
pub mod planted;
pub mod prefix;
pub mod protocol;
mod publish;
pub mod recent;
pub mod region;
pub mod replies;
pub mod reply;
mod reset;
pub mod room;
pub mod rounds;
pub mod route_pattern;
pub mod rules;
pub mod schedule;
pub mod seats;
pub mod seen;
mod sessions;
pub mod settings;
pub mod slots;
pub mod spent;
pub mod state;
pub mod steps;
pub mod store;
pub mod table;
pub mod token;
mod turn;
pub mod units;
pub mod waits;
pub mod wire;

#[cfg(any(target_arch = "wasm32", feature = "shell"))]
pub mod directory_object;
#[cfg(any(target_arch = "wasm32", feature = "shell"))]
pub mod lobby_object;
#[cfg(any(target_arch = "wasm32", feature = "shell"))]
pub mod platform;
#[cfg(any(target_arch = "wasm32", feature = "shell"))]
pub mod room_object;
