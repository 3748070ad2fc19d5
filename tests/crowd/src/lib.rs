//! A crowd for a running Anteroom: visitors who keep cookies and walk from the waiting page to a purchase as a
//! browser with the page's script would. It writes down what each of them was told, and judges from that, and from
//! what the demo shop counted on its own, whether the room kept its promises.
//!
//! Pure, with tests beside them: [`args`], [`target`], [`jar`], [`heard`], [`steps`], [`record`], [`audit`],
//! [`percentiles`], [`verdict`], [`report`]. They are told the time in [`moment::Moment`]s. What does IO:
//! [`client`], [`walk`], [`crowd`], [`progress`].
//!
//! It knows Anteroom only from outside, by HTTP: nothing of it is linked here, so that it cannot share its mistakes.

#![allow(
    clippy::disallowed_methods,
    reason = "this program is a visitor, not the core: it has a clock of its own"
)]

pub mod args;
pub mod audit;
pub mod client;
pub mod crowd;
pub mod heard;
pub mod jar;
pub mod moment;
pub mod percentiles;
pub mod progress;
pub mod record;
pub mod report;
pub mod steps;
pub mod target;
pub mod verdict;
pub mod walk;
