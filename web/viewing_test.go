package web

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
)

// slowViewers never answers.
type slowViewers struct{}

func (slowViewers) Watching(ctx context.Context, _ consent.Actor, _ consent.SessionID, _ consent.StreamKind) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s slowViewers) CutOff(ctx context.Context, actor consent.Actor, id consent.SessionID, stream consent.StreamKind, _ time.Time, _ time.Duration) error {
	return s.Watching(ctx, actor, id, stream)
}

// A cut-off that the database was too slow to take is lost, so the log says so; a reader who left while a
// note was written is nobody's fault.
func TestNoteThatTookTooLongIsLogged(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Viewers = slowViewers{} })
	v := &viewing{server: s.server, account: consent.Account{Kind: consent.AccountEmployer}, stream: consent.StreamEvents}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := v.begin(ctx)
		time.Sleep(noteWithin / 2)
		cancel()
		done()
		if got := s.log.String(); strings.Contains(got, "not noted") {
			t.Errorf("a reader who left is logged: %s", got)
		}
		began := time.Now()
		v.cutOff(ctx, began)
		if got := s.log.String(); time.Since(began) != noteWithin || !strings.Contains(got, "a cut-off was not noted") {
			t.Errorf("after %v the log has %q", time.Since(began), got)
		}
	})
}
