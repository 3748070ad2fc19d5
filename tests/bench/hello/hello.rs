//! The least that can answer a request from Rust: a raw export, no `worker` crate, no future.
//! A poll of Anteroom is compared with it.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A request of the platform.
    pub type Request;
    /// An answer of the platform.
    pub type Response;
    #[wasm_bindgen(constructor)]
    fn new(body: &str) -> Response;
}

/// Answers every request alike.
#[wasm_bindgen]
pub fn hello(_request: Request) -> Response {
    Response::new("hello")
}
