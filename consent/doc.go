// Package consent decides who may see or do what with a session, and nothing else.
//
// It holds the words everything else is built on: the ids of accounts, organizations, sessions and
// authorizations; the states of a session; the three consents a candidate gives before an interview
// and the scopes of an authorization given afterwards; and [Decide], the one function that turns a
// snapshot of the facts into a [Permit]. Every read of gated data demands a Permit as an argument, so
// a read that forgot to ask does not compile.
//
// Data in: plain values and a [Snapshot] that a [SnapshotReader] (implemented by storage) took from
// the database, with the database's own time. Data out: values and Permits.
//
// The package starts no goroutines and keeps no state; every function may be called from anywhere.
package consent
