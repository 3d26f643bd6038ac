// A speech server of our own that speaks the OpenAI protocol: each text is a tone. It listens on loopback.
import { once } from "node:events";
import { createServer } from "node:http";

export async function startVoice({ seconds = 6 } = {}) {
  const said = [];
  const sound = tone(seconds);
  const server = createServer(async (request, answer) => {
    let text = "";
    for await (const piece of request) text += piece;
    if (!request.url.endsWith("/audio/speech")) return answer.writeHead(404).end("{}");
    said.push(JSON.parse(text));
    answer.writeHead(200, { "Content-Type": "audio/wav" }).end(sound);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}/v1`,
    said,
    stop: () => new Promise((done) => server.close(done)),
  };
}

/** A WAV file: 16 kHz, mono, 16 bits. */
function tone(seconds) {
  const rate = 16_000;
  const pcm = Buffer.alloc(2 * seconds * rate);
  for (let i = 0; i < seconds * rate; i++) pcm.writeInt16LE(8000 * Math.sin((2 * Math.PI * 220 * i) / rate), 2 * i);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + pcm.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(2 * rate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([head, pcm]);
}
