// The words of our pages. The Wasm asks for a language when it first speaks it (src/text.rs), and keeps what it read.
import ar from "./web/words.ar.json";
import en from "./web/words.en.json";
import ms from "./web/words.ms.json";
import ta from "./web/words.ta.json";
import zh from "./web/words.zh-Hans.json";

const files = { ar, en, ms, ta, "zh-Hans": zh };

/** A language's file, by its tag. */
export const words = (tag) => files[tag];
