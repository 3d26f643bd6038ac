package consent

import (
	"errors"
	"testing"
	"time"
)

// exporting is a session that its candidate's export may read.
func exporting() Snapshot {
	return Snapshot{
		Actor:     Actor{Kind: ActorExport, Account: "candidate", Export: "export"},
		ActorLive: true, ExportOpen: true, Session: "session", Known: true, Candidate: "candidate", State: SessionAssessed,
		Now: noon, ReadAt: time.Now(),
	}
}

func TestExportReadsWhatItsCandidateMay(t *testing.T) {
	for _, artefact := range AllArtefacts() {
		want := artefact != ArtefactCapture && artefact != ArtefactModel && artefact != ArtefactRate && artefact != ArtefactProfile
		permit, err := Decide(exporting(), artefact)
		if (err == nil) != want {
			t.Errorf("%s: %v, want it permitted: %v", artefact, err, want)
		}
		if want && permit.Demand("session", artefact) != nil {
			t.Errorf("%s: the Permit does not cover it", artefact)
		}
	}
}

func TestExportIsRefusedWhenAnyFactIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Snapshot)
		fault ExportFault // why the session is left out; empty: the export itself ends
	}{
		"unknown session":           {func(s *Snapshot) { s.Known = false }, ExportFaultErased},
		"erased session":            {func(s *Snapshot) { s.State = SessionErased }, ExportFaultErased},
		"interview going on":        {func(s *Snapshot) { s.State = SessionLive }, ExportFaultLive},
		"account closed":            {func(s *Snapshot) { s.ActorLive = false }, ""},
		"another's session":         {func(s *Snapshot) { s.Candidate = "other" }, ""},
		"nobody's session":          {func(s *Snapshot) { s.Candidate, s.Actor.Account = "", "" }, ""},
		"no export":                 {func(s *Snapshot) { s.Actor.Export = "" }, ""},
		"export over":               {func(s *Snapshot) { s.ExportOpen = false }, ""},
		"under legal hold":          {func(s *Snapshot) { s.HeldAt = noon }, ExportFaultHeld},
		"export over, and erased":   {func(s *Snapshot) { s.ExportOpen, s.State = false, SessionErased }, ""},
		"account closed, erased":    {func(s *Snapshot) { s.ActorLive, s.State = false, SessionErased }, ""},
		"facts never read":          {func(s *Snapshot) { s.ReadAt = time.Time{} }, ""},
		"an employer with the same": {func(s *Snapshot) { s.Actor.Kind = ActorEmployer }, ""},
	} {
		s := exporting()
		c.spoil(&s)
		if p, err := Decide(s, ArtefactSession); !errors.Is(err, ErrNotFound) || p != (Permit{}) {
			t.Errorf("%s: Decide = %v, %v; want the zero Permit and ErrNotFound", name, p, err)
		}
		if fault := ExportFaultOf(s); fault != c.fault {
			t.Errorf("%s: left out because %q, want %q", name, fault, c.fault)
		}
	}
}
