// As much of RFC 6455 as an echo needs: small frames of text, unfragmented. Anything else is closed with the code for it.
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];
const [PROTOCOL_ERROR, UNSUPPORTED, TOO_BIG] = [1002, 1003, 1009];
const PAYLOAD_BYTES_MAX = 125;

const frame = (opcode, payload) => Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
const closing = (code) => frame(CLOSE, Buffer.from([code >> 8, code & 0xff]));

/** The first whole frame of a client: its opcode, payload and the bytes after it; undefined while it is not whole. */
function firstFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const [head, length] = [bytes[0], bytes[1] & 0x7f];
  if ((head & 0xf0) !== 0x80 || !(bytes[1] & 0x80)) return { refusal: PROTOCOL_ERROR };
  if (length > PAYLOAD_BYTES_MAX) return { refusal: TOO_BIG };
  if (bytes.length < 6 + length) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4]));
  return { opcode: head & 0x0f, payload, rest: bytes.subarray(6 + length) };
}

/** Accepts the upgrade and echoes. */
export function echo(request, socket) {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let bytes = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let found; socket.writable && (found = firstFrame(bytes)); bytes = found.rest) {
      const { opcode, payload, refusal } = found;
      if (refusal) return socket.end(closing(refusal));
      if (opcode === TEXT) socket.write(frame(TEXT, payload));
      else if (opcode === PING) socket.write(frame(PONG, payload));
      else if (opcode === CLOSE) return socket.end(frame(CLOSE, payload));
      else if (opcode !== PONG) return socket.end(closing(UNSUPPORTED));
    }
  });
}
