// Package web answers the browser: the page itself, log-in, the JSON API, the report, playback and
// the event streams.
//
// Data in: HTTP requests on one [Server], which is an [http.Handler]; the stores it reads are the
// small interfaces of stores.go, implemented by storage and given in [Config]. Data out: JSON
// described by the OpenAPI document that is made from the Go types (openapi.json), RFC 9457 problems,
// WebM composed by media, WebVTT and server-sent events.
//
// Nothing here decides who may see what: every read of gated data goes through [consent.Gate], and
// what it refuses is answered with one 404 that is the same for unknown, foreign, not granted,
// withdrawn, expired and erased. A stream asks again while it runs and is cut off when it is refused.
//
// The package starts one goroutine per open stream (it watches for a withdrawal and ends with the
// request); its handlers block on the stores and on the client. A Server may be used from any number
// of goroutines and keeps no state but counters of requests, log-ins being tried, and open streams.
package web
