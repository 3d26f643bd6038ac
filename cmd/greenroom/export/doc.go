// Package export writes a candidate's data into one ZIP file that needs nothing of Greenroom to be read,
// and checks such a file without asking a server.
//
//	manifest.json                        every other file: name, size, SHA-256
//	manifest.jws                         the manifest's hash, signed by the server that made the file
//	schema.json                          JSON Schema of every JSON file here
//	data.json                            the account, its log-ins, the notices that were answered
//	receipts/<id>.json                   signed receipts about sessions that are not here any more
//	sessions/<id>/session.json           consents, answers, ratings, evidence, who may see and who looked
//	sessions/<id>/transcript.json        every word with its time
//	sessions/<id>/captions.vtt           the same words as WebVTT
//	sessions/<id>/recording.webm         the recording, stored as it is
//	sessions/<id>/receipts/<id>.json     signed receipts about that session
//
// [Writer] reads through the small interfaces of [Sources], under [consent.ActorExport], and asks
// for a fresh Permit before each read; it writes a stream and holds no more than one session's words and
// the places of its frames, whatever the length of a recording. [Verify] takes a file from anywhere:
// sizes are bounded before they are read, and nothing is written.
//
// The package starts no goroutines; its functions may be called from anywhere.
package export
