//! Lists of what an iterator brings, one after the other. The standard library's `collect` asks first how much that will be, takes the first
//! by itself and makes room for the rest: two functions for each iterator there is, and together two kilobytes of the Wasm. The lists here are
//! short, or made once.

/// See the module's words.
pub trait Listed: Iterator {
    /// All that comes, as a list.
    fn listed(self) -> Vec<Self::Item>;
}

impl<I: Iterator> Listed for I {
    fn listed(self) -> Vec<I::Item> {
        let mut list = Vec::new();
        for item in self {
            list.push(item);
        }
        list
    }
}
