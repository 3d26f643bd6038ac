package main

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// cutOffLimit bounds a cut-off in tests, on machines that do other things as well; BenchmarkCutOff
// measures the second that is promised.
const cutOffLimit = 5 * time.Second

// end is one way in which what an employer may see ends.
type end struct {
	name  string
	cause string // as the candidate reads it; empty where nobody can tell them
	// lasting is how long the grant is for; it is the end itself where do is nil.
	lasting time.Duration
	do      func() error
	goBack  func() error
}

// Whatever ends what an employer may see ends what they have open, the recording in its middle and the
// page, at another server than the one where it was ended; and the candidate is told who and when. So it
// is where nothing tells the employer's server: time ends it, or notifications are lost, or the database
// does not answer. It asks by itself, and takes no answer for a no.
func TestEndsCutStreamsOffOnAnotherNode(t *testing.T) {
	t.Parallel()
	n := startTwoNodes(t, 20)
	for _, e := range n.ends() {
		if !t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) { n.cutOff(t, e) }) {
			return
		}
	}
}

// ends has those first after which the world goes on as before.
func (n *twoNodes) ends() []end {
	const email = "employer@demo.test"
	t := n.t
	post := func(path string, status int) error { n.candidate.post(t, n.path(path), "", status); return nil }
	withdraw := func() error { n.withdraw(); return nil }
	var heal func()
	return []end{
		{name: "withdrawn", cause: "withdrawn", do: withdraw},
		{
			name: "restricted", cause: "suspended",
			do:     func() error { return post("restrict", http.StatusOK) },
			goBack: func() error { defer n.withdraw(); return post("unrestrict", http.StatusOK) },
		},
		{
			name: "held", // its candidate may not look either
			do:   func() error { return n.admin.Hold(t.Context(), consent.SessionID(n.session), "a test", "tests") },
			goBack: func() error {
				defer n.withdraw()
				return n.admin.LiftHold(t.Context(), consent.SessionID(n.session), "the test is over")
			},
		},
		{
			name: "organization suspended", cause: "organization",
			do:     func() error { _, err := n.admin.SuspendOrganization(t.Context(), demoOrganization); return err },
			goBack: func() error { return n.admin.RestoreOrganization(t.Context(), demoOrganization) },
		},
		{
			name: "member's role", cause: "role",
			do: func() error { return n.admin.SetMemberRole(t.Context(), email, consent.MemberBilling) },
			goBack: func() error {
				defer n.withdraw()
				return n.admin.SetMemberRole(t.Context(), email, consent.MemberReviewer)
			},
		},
		{name: "expired", cause: "expired", lasting: 4 * time.Second},
		{
			name: "no notifications", cause: "withdrawn",
			do:     func() error { heal = n.deafen(); return withdraw() },
			goBack: func() error { heal(); return nil },
		},
		{
			name:   "no database",
			do:     func() error { n.line.stall(); return nil },
			goBack: func() error { n.line.flow(); n.withdraw(); return nil },
		},
		{name: "membership ended", cause: "membership", do: func() error { return n.admin.EndMember(t.Context(), email) }},
	}
}

func (n *twoNodes) cutOff(t *testing.T, e end) {
	t.Helper()
	began := time.Now()
	if e.lasting > 0 {
		began = began.Add(e.lasting)
	}
	n.grant(cmp.Or(e.lasting, time.Hour))
	streams := []watching{n.watch(consent.StreamMedia), n.watch(consent.StreamEvents)}
	if e.do != nil {
		began = time.Now()
		if err := e.do(); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range streams {
		if took := w.after(t, began); took > cutOffLimit {
			t.Errorf("the %s stream ended after %v", w.kind, took)
		}
	}
	if e.cause != "" {
		n.toldOf(t, e.cause, len(streams))
	}
	if e.goBack != nil {
		if err := e.goBack(); err != nil {
			t.Fatal(err)
		}
	}
}

// toldOf waits until the newest cut-offs that the candidate is shown have a cause and a time.
func (n *twoNodes) toldOf(t *testing.T, cause string, count int) {
	t.Helper()
	var list struct {
		CutOffs []struct {
			Cause   string
			OrgName string `json:"org_name"`
			AfterMS *int64 `json:"after_ms"`
		} `json:"cut_offs"`
	}
	told := func() bool {
		n.decode(n.candidate.get(t, n.path("viewers"), http.StatusOK), &list)
		if len(list.CutOffs) < count {
			return false
		}
		for _, c := range list.CutOffs[:count] {
			if c.Cause != cause || c.OrgName != demoOrganization || c.AfterMS == nil || *c.AfterMS < 0 {
				return false
			}
		}
		return true
	}
	for deadline := time.Now().Add(20 * time.Second); !told(); <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the candidate is shown %+v, want %d that say %s", list.CutOffs, count, cause)
		}
	}
}
