//! What people want: visitors who come, wait, stray and stay, and operators who change their minds. It knows nothing of clocks that
//! lie, lost calls or lost memory, and judges nothing.

pub mod browser;
pub mod orders;
pub mod visitor;
