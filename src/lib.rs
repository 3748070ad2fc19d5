//! anteroom
