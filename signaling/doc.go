// Package signaling joins a candidate's page to a live session: the WebSocket protocol of the room
// (PROTOCOL.md), rooms, peer connections and ICE; and a program that sends in the page's place (WHIP).
//
// Data in: WebSocket frames and SRTP. Data out: RTP packets pushed into a [media.Capture], acts given
// to an [Interviewer], and messages for the page. What the rest of the program knows is reached
// through [Desk]; this package imports neither assess nor storage.
//
// Who owns goroutines:
//   - [Rooms.Run] owns the one feedback timer, which walks every peer each 20 ms, and the two of the watch
//     (watch.go), which ask each second for all rooms what they consent to and whether log-ins live.
//   - A Room has three: its loop (the interviewer's only user), one that does what an answer to the watch
//     asks of it, and its capture. [Rooms.Close] waits for all of them.
//   - A conn has two: the read pump, which is the goroutine of the HTTP handler, and the write pump.
//   - [API] has one reader for each address (mux.go): on Linux it takes in batches what came within
//     [media.Beat], with the kernel's arrival times (socket_linux.go). It gives STUN to the peer's ICE
//     agent and the records of the handshake to DTLS, and decrypts media itself (inbound.go, intake.go).
//   - A peer has two (transport.go): one makes the handshake and then waits for the other side's goodbye,
//     one takes what comes by ICE-TCP. Closing the peer ends them and waits. Pion's ICE agent has its own.
//
// Nothing on the media path allocates, logs or blocks: a packet is decrypted where it lies and pushed there.
// [Rooms] is safe to share; everything else is private to a room.
package signaling
