// What Anteroom's gate is compared with, at its best. A good hand-written gate: one cookie found without splitting the header, one
// HMAC-SHA256 by WebCrypto with the key imported once, a token of our size, an expiry. And `crowdhandler-sdk` in hybrid mode as
// its README shows for Workers, its settings answered from memory without even a fetch, and without `recordPerformance`, which
// is advised but optional: both choices are in its favour. Each has `cookie()`, a genuine one, and `gate(request)`.
import { init } from "crowdhandler-sdk";
import { OPEN_HOST } from "../browser.mjs";

const DAY = 86_400_000;
const TOKEN_FIELD_BYTES = 40;

export const bare = { cookie: () => "gate=none", gate: (request) => fetch(request) };

const hmac = { name: "HMAC", hash: "SHA-256" };
let key;
const theKey = async () => (key ??= await crypto.subtle.importKey("raw", new TextEncoder().encode("k".repeat(64)), hmac, false, ["sign", "verify"]));

function gateCookie(header) {
  const at = header.startsWith("gate=") ? 0 : header.indexOf("; gate=") + 2;
  if (at === 1) return "";
  const end = header.indexOf(";", at);
  return header.slice(at + "gate=".length, end < 0 ? undefined : end);
}

export const webcrypto = {
  async cookie() {
    const bytes = new Uint8Array(TOKEN_FIELD_BYTES + 32);
    new DataView(bytes.buffer).setFloat64(0, Date.now() + DAY);
    bytes.set(new Uint8Array(await crypto.subtle.sign("HMAC", await theKey(), bytes.subarray(0, TOKEN_FIELD_BYTES))), TOKEN_FIELD_BYTES);
    return `gate=${bytes.toBase64({ alphabet: "base64url", omitPadding: true })}`;
  },
  async gate(request) {
    const bytes = Uint8Array.fromBase64(gateCookie(request.headers.get("Cookie") ?? ""), { alphabet: "base64url" });
    const fields = bytes.subarray(0, TOKEN_FIELD_BYTES);
    const genuine = await crypto.subtle.verify("HMAC", key ?? (await theKey()), bytes.subarray(TOKEN_FIELD_BYTES), fields);
    if (!genuine || new DataView(bytes.buffer).getFloat64(0) < Date.now()) return new Response("wait", { status: 503 });
    return fetch(request);
  },
};

const PRIVATE_KEY = "p".repeat(64);
const room = {
  domain: `https://${OPEN_HOST}`, slug: "open", urlPattern: null, patternType: "all",
  queueActivatesOn: "1700000000", timeout: 20,
};
const settings = { rooms: () => ({ get: async () => ({ result: [room] }) }) };

async function sha256Hex(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

export const crowdhandler = {
  async cookie() {
    const [secret, touched, gen, token] = [await sha256Hex(PRIVATE_KEY), Date.now(), new Date().toISOString(), "tok0Q1A2B3C4D5E6F7G8H9"];
    const sig = await sha256Hex(`${secret}${room.slug}${room.queueActivatesOn}${token}${gen}`);
    const tokens = [{ token, touched, touchedSig: await sha256Hex(`${secret}${touched}`), signatures: [{ gen, sig }] }];
    return `crowdhandler=${encodeURIComponent(JSON.stringify({ integration: "JSDK", tokens, deployment: "" }))}`;
  },
  async gate(request) {
    const { gatekeeper } = init({
      publicKey: "public", privateKey: PRIVATE_KEY, cloudflareWorkersRequest: request, options: { mode: "hybrid" },
    });
    gatekeeper.PublicClient = settings;
    const result = await gatekeeper.validateRequest();
    if (result.error || !result.promoted) return new Response(null, { status: 302, headers: { Location: result.targetURL } });
    const originResponse = await fetch(request);
    if (!result.setCookie) return originResponse;
    const response = new Response(originResponse.body, originResponse);
    response.headers.append("set-cookie", gatekeeper.setCookie(result.cookieValue, result.domain));
    return response;
  },
};
