// The least a Worker that answers from Rust can do: the limit that a poll is compared with.
import { hello, initSync } from "../../../target/bench/hello/hello.js";
import module from "../../../target/bench/hello/hello_bg.wasm";

initSync({ module });
export default { fetch: (request) => hello(request) };
