// What has to be carried: the Wasm as it is uploaded, and the waiting page as it is served to somebody in line, the largest of
// its languages. Compressed with zlib at level 9: a network's brotli does better.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { LINE_HOST, NAVIGATION, obtainPass, obtainTicket } from "./browser.mjs";
import { ask, expect, sender } from "./load.mjs";
import { root } from "./runtime.mjs";

const LANGUAGES = ["en", "ms", "zh", "ta", "ar"];
const gzipBytes = (bytes) => gzipSync(bytes, { level: 9 }).length;

export async function measureSizes(ports) {
  const send = sender(ports.anteroom, LINE_HOST);
  await obtainPass(send);
  const ticket = await obtainTicket(send);
  const pages = [];
  for (const language of LANGUAGES) {
    const { head, body } = await ask(ports.anteroom, "/", { Host: LINE_HOST, ...NAVIGATION, "Accept-Language": language, Cookie: ticket });
    expect(head, 200, "anteroom");
    if (!body.includes(`lang="${language}`)) throw new Error(`the page in ${language} was not served in that language`);
    pages.push(gzipBytes(body));
  }
  return {
    wasm_gzip_bytes: gzipBytes(readFileSync(join(root, "build/index_bg.wasm"))),
    page_gzip_bytes: Math.max(...pages),
  };
}
