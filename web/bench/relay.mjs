// A UDP relay for one sender, whose packets pass a token bucket on their way: what the bucket does not
// let through waits in a queue, as at a slow uplink, and is dropped when that is full. The way back is free.
import dgram from "node:dgram";
import { once } from "node:events";

const QUEUE_MS = 200; // of waiting at the limit, then packets are dropped
const BURST_BYTES = 3000;

/** Opens a relay; limit is in bits per second, 0 for none. connect says where it leads. */
export async function openRelay(limit) {
  const [near, far] = [dgram.createSocket("udp4"), dgram.createSocket("udp4")];
  near.bind(0, "127.0.0.1");
  far.bind(0, "127.0.0.1");
  await Promise.all([once(near, "listening"), once(far, "listening")]);
  let sender;
  let target;
  let dropped = 0;
  const queue = bucket(limit, (packet) => target && far.send(packet, target, "127.0.0.1"));
  near.on("message", (packet, from) => {
    sender = from;
    if (!queue.put(packet)) dropped++;
  });
  far.on("message", (packet) => sender && near.send(packet, sender.port, sender.address));
  return {
    port: near.address().port,
    connect(port) {
      target = port;
    },
    /** Closes the relay and returns how many packets it dropped. */
    close() {
      queue.close();
      near.close();
      far.close();
      return dropped;
    },
  };
}

function bucket(limit, send) {
  if (!limit) return { put: (packet) => (send(packet), true), close() {} };
  const bytesPerMs = limit / 8000;
  const waiting = [];
  let waitingBytes = 0;
  let tokens = BURST_BYTES;
  let last = performance.now();
  const drain = () => {
    const now = performance.now();
    tokens = Math.min(BURST_BYTES, tokens + (now - last) * bytesPerMs);
    last = now;
    while (waiting.length > 0 && tokens >= waiting[0].length) {
      const packet = waiting.shift();
      waitingBytes -= packet.length;
      tokens -= packet.length;
      send(packet);
    }
  };
  const timer = setInterval(drain, 2);
  return {
    put(packet) {
      if (waitingBytes + packet.length > QUEUE_MS * bytesPerMs) return false;
      waiting.push(packet);
      waitingBytes += packet.length;
      drain();
      return true;
    },
    close: () => clearInterval(timer),
  };
}
