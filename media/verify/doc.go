// Package verify keeps account of a recording from outside, for tests, crash runs and soaks. It knows
// what may never happen, whatever fails: a sample lost or twice, time going back, an index row without
// an object, an object without a row, a byte after consent was withdrawn, a spool that is not empty when
// it was drained.
//
//	recorder ──► Watch ──► store ──► spool ──► object store ──► index ──► reader
//	               │                   └───────────┴───────────┘            │
//	            []Taken                        Stock                  []StoredSegment
//	               └───────────────────► CheckRecording ◄───────────────────┘
//
// [Watch] stands between a recorder and its store and notes what the store took; [CheckRecording]
// compares that with what is read back, byte for byte; [Stock] compares index, bucket and spool;
// [Times] looks at one track of a file as a player sees it. Everything returns what is wrong as
// sentences; none means all is well. Nothing here starts a goroutine, and nothing of it is in the
// program.
package verify
