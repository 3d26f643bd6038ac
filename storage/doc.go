// Package storage keeps what Greenroom keeps: accounts, sessions, authorizations and results in Postgres,
// recordings in an object store, and every key in a third place. It is the only package that knows pgx,
// River and MinIO's client.
//
//	media.Recorder ─ Segments.OpenSegment ─ encrypt ─ Spool: open/ ─ Seal ─ sealed/
//	                                                                          │
//	              page ─ Segments.ReadChunks ─ decrypt ─ object store ─ Uploader ─ index in Postgres
//
//	signaling, web ─ Ingest, Sessions, Accounts, Authorizations ─ rows ─┬─ Jobs ─ assess ─ Results
//	                                                                    └─ Changes ─ pages that are open
//
// In go plain chunks of media, words and ratings, each with a [greenroom/consent.Permit]; out come
// the same, again only for a Permit. What lies on a disk or in the object store is ciphertext.
//
// # Walls
//
// A Permit comes from consent's decision on the facts that [Snapshots] reads. Behind it stand two walls
// that do not trust this program's code: each plane of the server is a [Role] of its own in Postgres, for
// which row-level security shows only the rows it needs; and [Keys], under yet another role, asks the
// database anew before it gives a key. [OpenDatabase] refuses a database whose walls have a gap.
// Erasing a session destroys its keys first; what is left of it is noise from then on. Keys are sealed
// anew every day under a key that lives for 21 days ([Keys.TurnEpoch]), so backups become noise too.
//
// # Proof
//
// What gives or ends a right to look is an entry of the ledger, in the transaction that makes it so, and
// gives whom it concerns a receipt that [Notary] signs. Entries are only ever added, each commits to all
// before it, and [Journal] keeps a copy outside the database: an ending is answered when that copy has it, and a
// database that was restored from a backup is told what it forgot before anything is served
// ([Journal.Reconcile]). Whoever adds an ending calls Database.settle after the commit, and gives it an
// effect in replay.go.
//
// # Goroutines
//
// [Uploader.Run], [Changes.Run], [Journal.Run] and [Jobs.Run] work on the caller's goroutine until their context ends,
// and wait for the goroutines that they started. [StartEmbedded] and [StartGateway] each start one that
// owns the child process or the server inside this process; Stop waits for it. There are no others but
// those of the connection pools, which [Database.Close] ends. The order of an end is: those who write,
// the uploader with [Uploader.Drain], the other Runs, the pools and the object store, and Postgres last.
//
// # What blocks
//
// Everything that takes a context waits for Postgres, the object store or a disk, and no longer than the
// context allows; calls to the object store have deadlines of their own besides. Appending to a segment
// waits for the local disk alone, so a store that is away is not felt by an interview until the spool has
// reached its size ([ErrSpoolFull]). Seal returns when the file is synced. The rows that a change is about,
// its job and its notification are one transaction.
//
// # What is safe to share
//
// All exported types are safe for concurrent use, but for a segment's writer and an [Admin], which have
// one user at a time. The spool, the journal and the private Postgres lock their folders, so two
// servers cannot share one. A [Gateway] makes its data folder the working directory of
// the process: there is one in a process, and all other paths are absolute.
package storage
