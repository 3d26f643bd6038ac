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
//   - A peer has none: its packets come on the goroutines on which Pion decrypts them (intake.go), and
//     closing the peer ends those.
//   - [API] has one reader for each address, which hands packets to Pion: on Linux in batches of what came
//     within [media.Beat], with the kernel's arrival times (socket_linux.go, arrival.go).
//
// Nothing on the media path allocates, logs or blocks: a packet is pushed where it was decrypted.
// [Rooms] is safe to share; everything else is private to a room.
package signaling
