// Package assess turns what a candidate says into text, and text into ratings that can be checked.
//
//	media.Utterance ─► Scribe ─► Transcriber (Moonshine here, or a configured server) ─► Line
//	Line ─► evidence job ─► Evidence          answer closed ─► Measurements, ratings ─► Report
//
// # Speech
//
// [OpenSpeechRuntime] loads the local models: it makes voice activity judges for media and a
// [Transcriber]. The models and the library are files beside the program; a build without cgo has none
// and says so. [NewOpenAITranscriber] uses a configured server instead, with the same promises. A
// [Scribe] stands between media and a transcriber: it queues, keeps the order of each session, asks for
// a Permit before it listens, while it does and again before it saves, and is late before it loses anything.
//
// # Language models
//
// A [Model] answers one request at a time; [NewOpenAIModel] is the only implementation. The assessor
// never takes a number from a model that it cannot check, and without a model there are measurements,
// self-ratings and human ratings only.
//
// # Spoken questions
//
// A [Speaker] says texts of the bank aloud; [NewOpenAISpeaker] is the only implementation. [Spoken] has each made
// once, before anybody is asked, and keeps the sound on the disk.
//
// # What leaves this server
//
// A request to a model is a [Prompt]: fixed fields, and words in which [Names] and what else says who
// somebody is are masked, word for word, so that word ranges in an answer fit the stored words. A request
// to a speech server is sound, one to a voice a text of the question bank. The wire writes each request anew from an allow-list of fields, headers
// and form parts, and refuses the rest.
//
// # Data in and out
//
// In: utterances with at most 25 s of 16 kHz samples, the question bank, permits. Out: lines, evidence,
// ratings and measurements, given to the functions and stores that the caller passes in. Nothing here
// knows SQL, HTTP routes or sockets.
//
// # Goroutines
//
// [Spoken.Run] works in the goroutine that calls it. [Scribe.Run] starts its workers and waits for them. Each call of a transcriber or a model by a Scribe
// or an [Assessor] has one goroutine beside it, which asks every half second whether the consent still
// stands, cancels the call if not, and ends with it. Everything else works in the goroutine that calls
// it. A SpeechRuntime, a Transcriber, a Model and a Scribe may be shared; a voice
// activity judge belongs to one voice. Transcribe and Complete block until done, their context ends, or
// their own deadline passes.
package assess
