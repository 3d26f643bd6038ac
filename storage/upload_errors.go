package storage

import (
	"errors"
	"sync"

	"greenroom/consent"
)

// failuresInARow is after how many failures a pass ends: the store or the database is away, and trying
// thousands of files would only fill the log.
const failuresInARow = 8

// What is wrong with one file, whatever works otherwise.
var (
	errDamaged        = errors.New("it is damaged: the spool's disk returned other bytes than were sealed")
	errUnknownSession = errors.New("the database does not know its session: is it the right database?")
)

// ofOneFile reports whether an error is about one file or its session, so that it says nothing about others.
func ofOneFile(err error) bool {
	if errors.Is(err, consent.ErrFacts) {
		return false
	}
	return errors.Is(err, errDamaged) || errors.Is(err, errUnknownSession) || errors.Is(err, errObjectDiffers) ||
		errors.Is(err, consent.ErrNotFound) || refusesRows(err)
}

// server is who a step of an upload needs.
type server int

const (
	atStore server = iota
	atDatabase
)

// passErrors collects what failed in one pass, which goes on as long as each server does something.
type passErrors struct {
	mu    sync.Mutex
	errs  []error
	inRow [2]int // by server
}

func (p *passErrors) add(at server, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.inRow[at] = 0
		return
	case !ofOneFile(err):
		p.inRow[at]++
	}
	if len(p.errs) < failuresInARow {
		p.errs = append(p.errs, err)
	}
}

func (p *passErrors) hopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.inRow[atStore], p.inRow[atDatabase]) >= failuresInARow
}

func (p *passErrors) all() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}
