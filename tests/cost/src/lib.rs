//! What an hour costs. It is *computed* ([`computed`]): from a line that moves as the scenario says, from the rule by which production's pages ask,
//! and from what each level of the tree of objects makes of what it is asked. It is *counted* too ([`counted`]): production's lobbies and
//! Room in simulated time, one visitor after the other. Where both differ by more than a tolerance the model is wrong, and the command fails.
//!
//! A crate of its own and in Rust, because both need production's code; beside the simulation and not in it, because that one judges
//! whether things are right, and this one only what they cost.

pub mod args;
pub mod bill;
pub mod computed;
pub mod counted;
pub mod line;
pub mod operations;
pub mod pages;
pub mod prices;
pub mod report;
pub mod scenario;
pub mod tree;
