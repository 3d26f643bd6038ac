package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"greenroom/consent"
)

const (
	eventStream = "text/event-stream"
	heartbeat   = 15 * time.Second // so that proxies keep the stream and a gone page is noticed
	eventWithin = 10 * time.Second // for writing one event
)

func (s *Server) eventRoutes() {
	s.plain(candidate, "GET /sessions/{id}/events", "watch-session",
		"Server-sent events: results, consents, viewers", eventStream, s.watch)
	s.plain(employer, "GET /shared/{id}/events", "watch-shared",
		"Server-sent events: access.ended, after which the stream closes", eventStream, s.watch)
}

// watch sends what happens to one session until its reader goes away or may not see it any more.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, account consent.Account) {
	ctx := r.Context()
	id, err := parseID[consent.SessionID](r.PathValue("id"))
	if err != nil {
		writeProblem(w, notFound())
		return
	}
	before, err := s.rights(ctx, account, id)
	if err != nil {
		writeProblem(w, s.failed(ctx, err))
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", eventStream)
		return
	}
	ctx, done, refused := s.streams.begin(ctx, streamEvents)
	if refused != nil {
		writeProblem(w, refused)
		return
	}
	defer done()
	watcher := &watcher{
		server: s, account: account, session: id, before: before, out: eventWriter{w, http.NewResponseController(w)},
		viewing: &viewing{server: s, account: account, session: id, stream: consent.StreamEvents, permitted: before.snapshot.Now},
	}
	unnote := watcher.viewing.begin(ctx)
	watcher.run(ctx)
	ended := time.Now()
	unnote()
	if watcher.refused {
		watcher.viewing.cutOff(ctx, ended)
	}
}

// watcher is one open event stream.
type watcher struct {
	server  *Server
	account consent.Account
	session consent.SessionID
	before  rights
	out     eventWriter
	viewing *viewing
	refused bool   // the reader may not read on
	shown   []byte // who is watching, as it was sent to the candidate
	again   bool   // somebody was watching at the last look, or it failed: look again soon
}

// run ends when the reader is gone, which shows in a failed write or in ctx. An employer whose log-in ended
// is told so, wherever in the loop that was noticed.
func (e *watcher) run(ctx context.Context) {
	e.follow(ctx)
	if e.employer() && !e.refused && context.Cause(ctx) == errGone { //nolint:errorlint // the cause itself
		_ = e.out.send("access.ended", struct{}{})
	}
}

func (e *watcher) follow(ctx context.Context) {
	changed := e.server.cfg.Changes.Subscribe(ctx, e.session)
	var viewers <-chan struct{}
	if !e.employer() {
		viewers = e.server.cfg.Changes.SubscribeViewers(ctx, e.session)
	}
	if err := e.out.open(); err != nil {
		return
	}
	// What happened before the subscription, or while the page was connecting again, is not lost: the
	// first look counts as a change.
	if err := e.look(ctx, true); err != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	// An employer's rights can end without anybody's doing: by time, or on a node that hears nothing.
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	// Somebody who stops watching says nothing; so while somebody does, the candidate's page looks again.
	watching := time.NewTicker(seenEvery)
	defer watching.Stop()
	logIn := time.NewTicker(logInEvery)
	defer logIn.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = e.out.beat()
		case _, ok := <-changed:
			if !ok {
				changed = nil
			}
			err = e.look(ctx, true)
		case _, ok := <-viewers:
			if !ok {
				viewers = nil
				continue
			}
			err = e.showViewers(ctx)
		case <-logIn.C:
			e.server.endIfDead(ctx, visitOf(ctx).token)
		case <-ask.C:
			if e.employer() {
				err = e.look(ctx, false)
			}
		case <-watching.C:
			if e.again {
				err = e.showViewers(ctx)
			}
		}
		if err != nil {
			return
		}
	}
}

func (e *watcher) employer() bool { return e.account.Kind == consent.AccountEmployer }

// look asks again and sends what follows from the answer; errGone ends the stream.
func (e *watcher) look(ctx context.Context, something bool) error {
	asked, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	now, err := e.server.rights(asked, e.account, e.session)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case e.employer() && (err != nil || now.lostSince(e.before)):
		e.refused = true
		_ = e.out.send("access.ended", struct{}{})
		return errGone
	case err != nil:
		return errGone
	case e.employer() || !something:
		e.viewing.stillPermitted(now.snapshot.Now)
		return nil
	}
	if consents := now.snapshot.Consents; consents != e.before.snapshot.Consents {
		if err := e.out.send("consents", consentsJSON(consents)); err != nil {
			return err
		}
	}
	e.before = now
	if err := e.out.send("results", struct{}{}); err != nil {
		return err
	}
	return e.showViewers(ctx)
}

// showViewers sends who is watching and who was cut off, when that changed. A fault leaves it for the
// next look.
func (e *watcher) showViewers(ctx context.Context) error {
	asked, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	list, err := e.server.viewersOf(asked, e.account.ID, e.session)
	e.again = err != nil || len(list.Viewers) > 0
	if err != nil {
		e.server.log.WarnContext(ctx, "viewers could not be listed", "request", visitOf(ctx).id, "error", err)
		return nil
	}
	if len(e.shown) == 0 && len(list.Viewers) == 0 && len(list.CutOffs) == 0 {
		return nil
	}
	now, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode viewers: %w", err)
	}
	if bytes.Equal(now, e.shown) {
		return nil
	}
	e.shown = now
	return e.out.send("viewers", list)
}

// eventWriter writes server-sent events, each at once.
type eventWriter struct {
	to      http.ResponseWriter
	control *http.ResponseController
}

func (e eventWriter) open() error {
	e.to.Header().Set("Content-Type", eventStream)
	e.to.WriteHeader(http.StatusOK)
	return e.write("retry: 2000\n\n")
}

func (e eventWriter) beat() error { return e.write(": still here\n\n") }

func (e eventWriter) send(name string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", name, err)
	}
	return e.write("event: " + name + "\ndata: " + string(raw) + "\n\n")
}

func (e eventWriter) write(text string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(eventWithin)); err != nil {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := e.to.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := e.control.Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}
