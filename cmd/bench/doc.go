// Command bench measures what recording costs: Greenroom, the floors under it, and other recorders, in
// one run on two cores with one shared publisher.
//
// This process is the publisher. It runs on CPU 0 and sends pre-packetised VP8 and Opus of N sessions at
// a fixed rate, without an encoder. The subject is a process of its own on CPU 1, started for each round
// and stopped after it; the rounds of all subjects are interleaved and shuffled. What a subject used
// between two looks at its processor time is divided by the RTP packets sent in between.
//
// Subjects: f0 to f3 are floors, served by this program itself ("bench serve f2"); greenroom and
// captions are the built program; galene and janus are used if they are there.
//
//	make build && go run ./cmd/bench                          # all subjects that are there, 20 sessions, about ten minutes
//	GALENE_BIN=/path/to/galene go run ./cmd/bench             # Galene too
//	go run ./cmd/bench -n 100 -rounds 5 -seconds 60           # the long form
//	go run ./cmd/bench -n 5 -warm 30 -seconds 30 -subjects greenroom,captions   # captions are steady after an utterance's length
//	go run ./cmd/bench -mode capacity -n 100 -step 20 -subjects greenroom
//	go run ./cmd/bench -profile DIR -subjects greenroom       # perf records of the measured window
//
// A round is void, and says why, if the kernel dropped packets of the subject's sockets, if the publisher
// used more than 80 % of its CPU, or sent a packet more than 200 ms late. Galene and Janus do not ask for
// large socket buffers: with a hundred sessions raise net.core.rmem_default to 4 MiB before (Greenroom
// and the floors ask for as much themselves). On a machine that is not idle, start it under
// "chrt -r 1": figures are then higher, because each wake-up finds cold caches, and only ratios count.
//
// Data in: a clip that ffmpeg makes once. Data out: a table, or JSON. Goroutines: one sends everything;
// Pion has its own for each connection; subjects own what they start and end it in stop.
package main
