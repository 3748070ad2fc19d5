//! Anteroom's edge: it decides, and does not remember.
//!
//! A request comes in through `entry.mjs` as text, and [`edge`] says with a [`verdict`] what happens to it: [`route`] finds its room, [`cookie`]
//! reads what its visitor holds, and [`gate`] decides from that and the room's board alone. Most requests end there: a good
//! pass goes on to the origin, a ticket whose turn has not come is answered with [`page`] or [`json`] ([`answer`]). Only
//! joining, claiming, renewing and leaving are errands to a leaf lobby, in the crate [`durable`]; the entry runs them.
//!
//! Everything is pure but for `shell`, which alone knows the platform.

pub mod address;
pub mod answer;
pub mod bypass;
pub mod cookie;
pub mod cors;
pub mod edge;
pub mod gate;
pub mod isolate;
pub mod json;
mod mirror;
pub mod operator;
pub mod page;
pub mod poll;
mod prepared;
pub mod route;
pub mod shared;
pub mod standing;
pub mod text;
pub mod verdict;
pub mod visit;

#[cfg(any(target_arch = "wasm32", feature = "shell"))]
pub mod shell;
// Naming the objects here keeps the linker from dropping them.
#[cfg(any(target_arch = "wasm32", feature = "shell"))]
pub use durable::{directory_object::DirectoryObject, lobby_object::LobbyObject, room_object::RoomObject};
