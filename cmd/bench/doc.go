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
// Data in: a clip that ffmpeg makes once. Data out: a table, or JSON. Goroutines: one sends everything;
// Pion has its own for each connection; subjects own what they start and end it in stop.
package main
