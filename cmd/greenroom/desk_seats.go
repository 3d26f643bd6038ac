package main

import (
	"context"
	"net/http"

	"greenroom/consent"
	"greenroom/signaling"
)

// AdmitAgain looks again whether those who hold a seat may: one question about all pages, one about all
// programs, each only where there are some.
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
	if len(pages.requests) > 0 {
		accounts, err := d.holders().AccountsNow(ctx, pages.requests)
		d.noteSeats(err, len(pages.requests))
		pages.answer(accounts, err, func(i int, err error) { admissions[i].Page = err })
	}
	if len(programs.requests) > 0 {
		accounts, err := d.holders().PublishersNow(ctx, programs.requests, programs.sessions)
		d.noteSeats(err, len(programs.requests))
		programs.answer(accounts, err, func(i int, err error) { admissions[i].Program = err })
	}
	return admissions
}

func (d *desk) noteSeats(err error, n int) {
	if err != nil {
		d.log.Warn("whether log-ins live could not be read", "requests", n, "error", err)
	}
}

// asked are the requests that go into one question.
type asked struct {
	places     []int
	requests   []*http.Request
	sessions   []consent.SessionID
	candidates []consent.AccountID
}

func (a *asked) add(place int, r *http.Request, seat signaling.Seat) {
	a.places, a.requests = append(a.places, place), append(a.requests, r)
	a.sessions, a.candidates = append(a.sessions, seat.Session), append(a.candidates, seat.Candidate)
}

// answer passes on what was found, in the errors of an admission: only the session's candidate may hold it.
func (a *asked) answer(accounts []consent.Account, err error, take func(place int, err error)) {
	for i, place := range a.places {
		switch {
		case err != nil:
			take(place, err)
		case accounts[i].ID == "":
			take(place, signaling.ErrUnauthenticated)
		case accounts[i].Kind != consent.AccountCandidate || accounts[i].ID != a.candidates[i]:
			take(place, consent.ErrNotFound)
		default:
			take(place, nil)
		}
	}
}
