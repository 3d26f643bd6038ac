package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// serve is the little of a server that verify asks, over the proof's ledger.
func (p *proof) serve(asked *[]string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RequestURI())
		switch r.URL.Path {
		case "/api/v1/keys":
			_, _ = w.Write(p.keys)
		case "/api/v1/ledger/checkpoint":
			_, _ = w.Write(p.checkpoint(int64(len(p.entries))))
		case "/api/v1/ledger/sums":
			var page struct {
				Sums []consent.Digest `json:"sums"`
			}
			after, _ := strconv.Atoi(r.URL.Query().Get("after"))
			for _, e := range p.entries[after:min(after+1, len(p.entries))] { // one a page
				page.Sums = append(page.Sums, e.Digest())
			}
			_ = json.NewEncoder(w).Encode(page)
		default:
			http.NotFound(w, r)
		}
	}))
	p.t.Cleanup(server.Close)
	return server.URL
}

// With a server's address a candidate needs nothing of the operator's to see that the ledger still has
// what the receipt says.
func TestVerifyFollowsTheServersLedger(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	p.copyLedger()
	var asked []string
	server := p.serve(&asked)
	receipt := verifyCommand{Path: p.path("organization.json"), Server: server + "/"}
	if found, err := receipt.verify(t.Context()); err != nil || verdicts(found) != "holds, holds, not checked, holds" {
		t.Errorf("a receipt: %v, %v", found, err)
	}
	if want := []string{"/api/v1/keys", "/api/v1/ledger/checkpoint", "/api/v1/ledger/sums?after=2"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	ledger := verifyCommand{Path: p.path("copy"), Server: server}
	for range 3 { // the server's goes on
		if found, err := ledger.verify(t.Context()); err != nil || verdicts(found) != "holds, holds, holds" {
			t.Errorf("a ledger beside a server that has %d entries: %v, %v", len(p.entries), found, err)
		}
		p.record(consent.LedgerEvent{Kind: consent.LedgerRestored, At: proofTime})
	}
	p.entries = p.entries[:1]
	if found, err := receipt.verify(t.Context()); err != nil || verdicts(found) != "holds, holds, not checked, not checked" {
		t.Errorf("a receipt that the server has not signed for yet: %v, %v", found, err)
	}
	if found, err := ledger.verify(t.Context()); err != nil || verdicts(found) != "holds, holds, holds" {
		t.Errorf("a ledger beside a server that is behind: %v, %v", found, err)
	}
	p.rewrite()
	for name, command := range map[string]verifyCommand{"receipt": receipt, "ledger": ledger} {
		if found, err := command.verify(t.Context()); err != nil || found.Whole() || !strings.Contains(found[len(found)-1].Text, "another story") {
			t.Errorf("%s, after the server wrote its ledger anew: %v, %v", name, found, err)
		}
	}
}

// A server lets an address ask sixty times a minute, and a long ledger has more pages than that.
func TestVerifyWaitsForAServerThatAsksForIt(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	var asked []string
	behind, refusals, retryAfter := p.serve(&asked), 0, "0"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/ledger/sums" && refusals > 0 {
			refusals--
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		http.Redirect(w, r, behind+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	command := verifyCommand{Path: p.path("organization.json"), Server: server.URL}
	refusals = mostWaits
	if found, err := command.verify(t.Context()); err != nil || verdicts(found) != "holds, holds, not checked, holds" {
		t.Errorf("a server that asked to wait: %v, %v", found, err)
	}
	for name, c := range map[string]struct {
		refusals   int
		retryAfter string
	}{"too often": {mostWaits + 1, "0"}, "too long": {1, "61"}, "without an end": {1, "99999999999999999999"}, "and does not say how long": {1, ""}} {
		refusals, retryAfter = c.refusals, c.retryAfter
		if found, err := command.verify(t.Context()); err == nil || !strings.Contains(err.Error(), "429") || verdicts(found) != "holds, holds, not checked" {
			t.Errorf("a server that asks to wait %s: %v, %v; want what was found, and that it answers 429", name, found, err)
		}
		if refusals != 0 {
			t.Errorf("%s: it was asked %d times less than wanted", name, refusals)
		}
	}
	ending, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	refusals, retryAfter = 1, "60"
	if _, err := command.verify(ending); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who does not want to wait: %v", err)
	}
}

// A ledger folder that was read is said to hold, whatever comes of asking the server.
func TestVerifySaysWhatWasFoundBeforeSomethingFailed(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	p.copyLedger()
	var asked []string
	behind := p.serve(&asked)
	answers := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := answers[r.URL.Path]; status != 0 {
			w.WriteHeader(status)
			return
		}
		http.Redirect(w, r, behind+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	for path, before := range map[string]string{"copy": "holds, holds", "candidate.json": "holds, holds, holds"} {
		command := verifyCommand{Path: p.path(path), Server: server.URL}
		answers["/api/v1/ledger/checkpoint"] = http.StatusServiceUnavailable
		if found, err := command.verify(t.Context()); err == nil || verdicts(found) != before {
			t.Errorf("%s, and a server that is ill: %v, %v; want %s", path, found, err, before)
		}
		answers["/api/v1/ledger/checkpoint"] = http.StatusNotFound
		if found, err := command.verify(t.Context()); err != nil || !strings.HasPrefix(verdicts(found), before+", not checked") || !slices.ContainsFunc(found, func(f consent.Finding) bool { return strings.Contains(f.Text, "no checkpoint") }) {
			t.Errorf("%s, and a server without a checkpoint: %v, %v", path, found, err)
		}
	}
	command := verifyCommand{Path: p.path("copy"), Keys: p.path("keys.json"), Ledger: p.path("nothing")}
	if found, err := command.verify(t.Context()); err == nil || verdicts(found) != "holds, holds" {
		t.Errorf("a copy that is not there: %v, %v", found, err)
	}
}

func TestVerifyFetchesKeysFromAServer(t *testing.T) {
	t.Parallel()
	p := newProof(t)
	var asked []string
	command := verifyCommand{Path: p.path("candidate.json"), Server: p.serve(&asked) + "/elsewhere"}
	if _, err := command.verify(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a server without keys: %v", err)
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = w.Write(make([]byte, consent.MaxKeySet/10))
		}
	}))
	defer endless.Close()
	command.Server = endless.URL
	if _, err := command.verify(t.Context()); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a server that never ends: %v", err)
	}
}
