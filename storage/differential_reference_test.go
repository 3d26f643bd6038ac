package storage

import (
	"slices"

	"greenroom/consent"
)

// reference is what the words of the promise say about who may read what, and nothing of how that is kept.
// It shares no code with [consent.Decide], the policies or the key service, and has no events: what a
// record is follows from what was done. Time is in whole hours; records end at half past, so that the
// seconds a test takes decide nothing.
type reference struct {
	hour     int
	notices  []refNotice // all that were ever published
	members  map[consent.AccountID]*refMember
	closed   map[consent.OrgID]bool // suspended organizations
	sessions map[consent.SessionID]*refSession
	records  []*refRecord
}

type refNotice struct {
	consent.Notice
	from int // the hour from which it holds
}

type refMember struct {
	email    string
	org      consent.OrgID
	reviewer bool
	gone     bool
}

type refSession struct{ restricted, held, erased bool }

type refRecord struct {
	id      consent.AuthorizationID
	session consent.SessionID
	org     consent.OrgID
	purpose consent.Purpose
	scopes  []consent.Scope
	from    int
	until   int // it ends half past that hour
	notice  int
	granted bool
	ended   string
}

// demanded is the newest notice in force that everybody has to agree to anew.
func (r *reference) demanded() int {
	newest := 0
	for _, n := range r.notices {
		if n.Materiality == consent.MaterialityReconsent && n.from <= r.hour {
			newest = max(newest, n.Version)
		}
	}
	return newest
}

func (r *reference) over(a *refRecord) bool { return r.hour > a.until }

// waiting and given: a record that nothing ended is one or the other until its time is up.
func (r *reference) waiting(a *refRecord) bool { return a.ended == "" && !r.over(a) && !a.granted }
func (r *reference) given(a *refRecord) bool   { return a.ended == "" && !r.over(a) && a.granted }

// opens are the parts that each artefact needs, all of one record.
var opens = map[consent.Artefact][]consent.Scope{
	consent.ArtefactSession:      nil, // any part
	consent.ArtefactRatings:      {consent.ScopeRatings},
	consent.ArtefactFeedback:     {consent.ScopeFeedback},
	consent.ArtefactMeasurements: {consent.ScopeFeedback},
	consent.ArtefactQuotes:       {consent.ScopeFeedback, consent.ScopeTranscript},
	consent.ArtefactTranscript:   {consent.ScopeTranscript},
	consent.ArtefactAudio:        {consent.ScopeRecordingAudio},
	consent.ArtefactVideo:        {consent.ScopeRecordingVideo},
	consent.ArtefactProfile:      {consent.ScopeProfile},
	consent.ArtefactRate:         {consent.ScopeRatings, consent.ScopeTranscript},
}

// employerReads: a reviewer of an organization that is not suspended reads what a record of that
// organization opens, while the session is not erased, held or restricted.
func (r *reference) employerReads(who consent.Actor, session consent.SessionID, artefact consent.Artefact) bool {
	needs, shared := opens[artefact]
	member, s := r.members[who.Account], r.sessions[session]
	if !shared || member.gone || !member.reviewer || member.org != who.Org || r.closed[who.Org] || s.erased || s.held || s.restricted {
		return false
	}
	for _, a := range r.records {
		if a.session != session || a.org != who.Org || !r.given(a) || a.from > r.hour || a.notice < r.demanded() {
			continue
		}
		missing := false
		for _, scope := range needs {
			missing = missing || !slices.Contains(a.scopes, scope)
		}
		if !missing {
			return true
		}
	}
	return false
}

// ownerReads: the candidate reads everything of an own session that is not erased or held.
func (r *reference) ownerReads(session consent.SessionID, artefact consent.Artefact) bool {
	_, shared := opens[artefact]
	s := r.sessions[session]
	return (shared && artefact != consent.ArtefactRate || artefact == consent.ArtefactPrivate) && !s.erased && !s.held
}

// What may be done. Each says whether it is allowed and does it.

func (r *reference) sharable(session consent.SessionID) bool {
	s := r.sessions[session]
	return !s.erased && !s.held && !s.restricted
}

// supersede: of one session, organization and purpose only the last grant counts.
func (r *reference) supersede(by *refRecord) {
	for _, a := range r.records {
		if a != by && a.session == by.session && a.org == by.org && a.purpose == by.purpose && r.given(a) {
			a.ended = "superseded"
		}
	}
}

func (r *reference) grant(a *refRecord) bool {
	if !r.sharable(a.session) || r.closed[a.org] || a.notice < r.demanded() {
		return false
	}
	a.from, a.granted = r.hour, true
	r.supersede(a)
	r.records = append(r.records, a)
	return true
}

func (r *reference) ask(a *refRecord, by consent.AccountID) bool {
	m := r.members[by]
	if !r.sharable(a.session) || r.closed[a.org] || a.notice < r.demanded() || m.gone || !m.reviewer {
		return false
	}
	a.from = r.hour
	r.records = append(r.records, a)
	return true
}

func (r *reference) confirm(a *refRecord) bool {
	if !r.waiting(a) || !r.sharable(a.session) || r.closed[a.org] || a.notice < r.demanded() {
		return false
	}
	r.supersede(a)
	a.granted = true
	return true
}

func (r *reference) refuse(a *refRecord) bool {
	if r.sessions[a.session].erased || !r.waiting(a) && a.ended != "refused" {
		return false
	}
	a.ended = "refused"
	return true
}

func (r *reference) withdraw(a *refRecord) bool {
	if r.sessions[a.session].erased {
		return false
	}
	r.end(a, "withdrawn")
	return true
}

// end ends what has not ended. A record whose time is up has.
func (r *reference) end(a *refRecord, how string) {
	if r.waiting(a) || r.given(a) {
		a.ended = how
	}
}

func (r *reference) endAll(how string, which func(*refRecord) bool) {
	for _, a := range r.records {
		if which(a) {
			r.end(a, how)
		}
	}
}

// sweep writes down what has expired: from then on no clock brings it back. Of an erased session nothing
// comes back anyway.
func (r *reference) sweep() {
	for _, a := range r.records {
		if a.ended == "" && r.over(a) {
			a.ended = "expired"
		}
	}
}
