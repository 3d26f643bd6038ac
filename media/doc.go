// Package media turns the packets of one session into a recording and into speech, and lays a recording
// out as a file.
//
//	RTP packet ─ Track.Push ─ receiver (sequence numbers, jitter, what is missing)
//	                  │
//	            jitterBuffer ─ depacketizer ─ timeline ─┬─ Recorder ─ block ─ chunk ─ SegmentWriter
//	             (in order)    (whole frames) (media    │
//	                                           time)    └─ speech ─ PCM ─ VoiceActivity ─ Utterance
//
//	RecordingReader ─ Layout ─ WriteRange ─ WebM
//
// Sockets, peer connections and timers are signaling's; encryption, files and the object store are
// storage's, behind [SegmentStore] and [RecordingReader]; models are assess's, behind [VoiceActivity].
//
// # Goroutines
//
// [Track.Push], [Track.Feedback] and the rest of Track run on their callers' goroutines, under one mutex
// for each kind of track, up to a queue: they never block, and in the steady state do not allocate.
// [Capture.Run] owns the recorder's goroutines and the one that decodes speech, and waits for both; it
// is also where OnOrigin and OnGap are called. Both queues are bounded and count what they lose. No
// callback is called under a mutex. Locks are taken in the order lane, then sender clock, session clock
// or a queue.
//
// What is done again and again, of every session of a process, falls on the multiples of [Beat]: waking the
// processor costs more than most of what it then does.
//
// # Time
//
// An rtpTime counts ticks of the codec's clock from a random start and wraps. Wall time is what the
// caller says a packet's arrival was; keep the monotonic reading of time.Now in it. Media time counts
// from the session's origin, the arrival of its first packet, and goes on through reconnects and other
// processes. A frame's media time is its RTP time plus a shift: from the least delay of the first
// packets and then of the last seconds, and with sender reports of both tracks from the sender's own
// clock, so that sound and picture stay together. Another network path moves neither: see notePath. Within a
// track times always rise.
//
// # Loss
//
// What is missing is asked for again, up to eight times in two seconds; after the fourth time a key
// frame is asked for as well, and after more than a second without any packet at once. Of a picture that
// leans on a missing one nothing is kept: what is kept decodes to exactly what was sent. A hole is told
// of as a [Gap]: more than 100 ms where packets were given up, else half a second of sound or two
// seconds without a picture.
//
// # Consent
//
// Without consent to record there is no [Recorder], and without consent to transcribe no decoder and no
// [VoiceActivity]: packets are then received, ordered and dropped.
package media
