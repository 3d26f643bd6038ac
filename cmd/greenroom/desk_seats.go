package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"

	"greenroom/consent"
	"greenroom/signaling"
)

// AdmitAgain looks again whether those who hold a seat may: one question about all pages, one about all
// programs, each only where there are some, side by side, so that both have the whole time.
func (d *desk) AdmitAgain(ctx context.Context, seats []signaling.Seat) []signaling.Admission {
	admissions := make([]signaling.Admission, len(seats))
	var pages, programs asked
	for i, seat := range seats {
		if seat.Page != nil {
			pages.add(i, seat.Page, seat)
		}
		if seat.Program != nil {
			programs.add(i, seat.Program, seat)
		}
	}
	var asking sync.WaitGroup
	asking.Go(func() { // owner: this call, which waits; ends with ctx
		d.ask(&pages, func() ([]consent.Account, error) { return d.holders().AccountsNow(ctx, pages.requests) })
	})
	d.ask(&programs, func() ([]consent.Account, error) {
		return d.holders().PublishersNow(ctx, programs.requests, programs.sessions)
	})
	asking.Wait()
	pages.answer(func(i int, err error) { admissions[i].Page = err })
	programs.answer(func(i int, err error) { admissions[i].Program = err })
	return admissions
}

// ask puts a question about requests, if there are any. A panic in it is an answer that could not be read.
func (d *desk) ask(a *asked, question func() ([]consent.Account, error)) {
	if len(a.requests) == 0 {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			a.err = errors.New("the question broke")
			d.log.Error("panic in a question about log-ins", "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	a.accounts, a.err = question()
	d.noteSeats(a.err, len(a.requests))
}

func (d *desk) noteSeats(err error, n int) {
	if err != nil {
		d.log.Warn("whether log-ins live could not be read", "requests", n, "error", err)
	}
}

// asked are the requests that go into one question, and whose they are by its answer.
type asked struct {
	places     []int
	requests   []*http.Request
	sessions   []consent.SessionID
	candidates []consent.AccountID

	accounts []consent.Account
	err      error
}

func (a *asked) add(place int, r *http.Request, seat signaling.Seat) {
	a.places, a.requests = append(a.places, place), append(a.requests, r)
	a.sessions, a.candidates = append(a.sessions, seat.Session), append(a.candidates, seat.Candidate)
}

// answer passes on what was found, in the errors of an admission: only the session's candidate may hold it.
func (a *asked) answer(take func(place int, err error)) {
	for i, place := range a.places {
		switch {
		case a.err != nil:
			take(place, a.err)
		case a.accounts[i].ID == "":
			take(place, signaling.ErrUnauthenticated)
		case a.accounts[i].Kind != consent.AccountCandidate || a.accounts[i].ID != a.candidates[i]:
			take(place, consent.ErrNotFound)
		default:
			take(place, nil)
		}
	}
}
