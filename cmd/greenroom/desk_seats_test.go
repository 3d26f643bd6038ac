package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"greenroom/consent"
	"greenroom/signaling"
)

// holdersOf says who sent which request.
type holdersOf struct {
	by       map[*http.Request]consent.Account
	pageErr  error
	tokenErr error
	asking   func() // while a question about pages is asked; nil: nothing

	mu        sync.Mutex
	questions int
}

func (h *holdersOf) AccountsNow(_ context.Context, requests []*http.Request) ([]consent.Account, error) {
	if h.asking != nil {
		h.asking()
	}
	return h.find(requests), h.pageErr
}

func (h *holdersOf) PublishersNow(_ context.Context, requests []*http.Request, _ []consent.SessionID) ([]consent.Account, error) {
	return h.find(requests), h.tokenErr
}

func (h *holdersOf) find(requests []*http.Request) []consent.Account {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.questions++
	list := make([]consent.Account, len(requests))
	for i, r := range requests {
		list[i] = h.by[r]
	}
	return list
}

// Rooms ask each second whether those who hold them still may. A database that is away must not put
// everybody out, and what is wrong with one puts out that one.
func TestSeatsAreAskedAboutTogetherAndAnsweredOneByOne(t *testing.T) {
	t.Parallel()
	request := func() *http.Request { return &http.Request{} }
	mine, employers, others, nobodys, program, noToken := request(), request(), request(), request(), request(), request()
	candidate := consent.Account{ID: "c", Kind: consent.AccountCandidate}
	holders := &holdersOf{by: map[*http.Request]consent.Account{
		mine: candidate, program: candidate, employers: {ID: "c", Kind: consent.AccountEmployer},
		others: {ID: "d", Kind: consent.AccountCandidate},
	}}
	d := &desk{holders: func() seatHolders { return holders }, log: quiet()}
	seat := func(page, program *http.Request) signaling.Seat {
		return signaling.Seat{Session: savedSession, Candidate: "c", Page: page, Program: program}
	}
	away := errors.New("the database is away")
	seats := []signaling.Seat{seat(mine, nil), seat(nobodys, program), seat(employers, nil), seat(others, noToken), seat(nil, program)}
	for name, c := range map[string]struct {
		pageErr, tokenErr error
		want              []signaling.Admission
	}{
		"readable": {nil, nil, []signaling.Admission{
			{},
			{Page: signaling.ErrUnauthenticated},
			{Page: consent.ErrNotFound},
			{Page: consent.ErrNotFound, Program: signaling.ErrUnauthenticated},
			{},
		}},
		"log-ins unreadable": {away, nil, []signaling.Admission{
			{Page: away}, {Page: away}, {Page: away}, {Page: away, Program: signaling.ErrUnauthenticated}, {},
		}},
		"tokens unreadable": {nil, away, []signaling.Admission{
			{},
			{Page: signaling.ErrUnauthenticated, Program: away},
			{Page: consent.ErrNotFound},
			{Page: consent.ErrNotFound, Program: away},
			{Program: away},
		}},
	} {
		holders.pageErr, holders.tokenErr, holders.questions = c.pageErr, c.tokenErr, 0
		got := d.AdmitAgain(t.Context(), seats)
		for i, want := range c.want {
			if !errors.Is(got[i].Page, want.Page) || !errors.Is(got[i].Program, want.Program) {
				t.Errorf("%s: seat %d: %+v, want %+v", name, i, got[i], want)
			}
		}
		if holders.questions != 2 {
			t.Errorf("%s: %d questions, want 2", name, holders.questions)
		}
	}
	holders.questions = 0
	if d.AdmitAgain(t.Context(), seats[:1]); holders.questions != 1 {
		t.Errorf("%d questions about one page, want 1", holders.questions)
	}
}

// A question about pages that hangs, or breaks, takes nothing from the one about programs.
func TestProgramsAreAskedAboutBesidePages(t *testing.T) {
	t.Parallel()
	page, program := &http.Request{}, &http.Request{}
	seats := []signaling.Seat{{Session: savedSession, Candidate: "c", Page: page, Program: program}}
	asked := make(chan struct{})
	holders := &besides{holdersOf{by: map[*http.Request]consent.Account{page: {ID: "c", Kind: consent.AccountCandidate}}}, asked}
	holders.asking = func() { <-asked }
	d := &desk{holders: func() seatHolders { return holders }, log: quiet()}
	if got := d.AdmitAgain(t.Context(), seats)[0]; got.Page != nil || !errors.Is(got.Program, signaling.ErrUnauthenticated) {
		t.Errorf("got %+v", got)
	}
	holders.asked = make(chan struct{})
	holders.asking = func() { panic("pages") }
	got := d.AdmitAgain(t.Context(), seats)[0]
	if got.Page == nil || errors.Is(got.Page, signaling.ErrUnauthenticated) || errors.Is(got.Page, consent.ErrNotFound) {
		t.Errorf("a question that broke says %v of a page", got.Page)
	}
	if !errors.Is(got.Program, signaling.ErrUnauthenticated) {
		t.Errorf("a question that broke kept the other answer away: %v", got.Program)
	}
}

// besides says when it was asked about programs.
type besides struct {
	holdersOf
	asked chan struct{}
}

func (b *besides) PublishersNow(ctx context.Context, requests []*http.Request, sessions []consent.SessionID) ([]consent.Account, error) {
	defer close(b.asked)
	return b.holdersOf.PublishersNow(ctx, requests, sessions)
}
