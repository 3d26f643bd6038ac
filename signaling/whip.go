package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"greenroom/consent"
)

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	typeProblem  = "application/problem+json"
)

// PublishHandler serves WHIP (RFC 9725) for programs that send a session's sound and picture in the
// page's place: the endpoint at /api/v1/sessions/{id}/whip, its resources at …/whip/{program}.
// PROTOCOL.md says what it answers.
func PublishHandler(rooms *Rooms) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resource := r.PathValue("program")
		allowed := []string{http.MethodOptions, http.MethodPost}
		if resource != "" {
			allowed = []string{http.MethodOptions, http.MethodPatch, http.MethodDelete}
		}
		switch {
		case !slices.Contains(allowed, r.Method):
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			refusePublisher(w, &Refusal{
				Code: "bad_method", Message: "This address does not take " + methodName(r.Method) + ".",
				Next: "Give it to a program that speaks WHIP.", status: http.StatusMethodNotAllowed,
			})
		case r.Method == http.MethodOptions: // says nothing about any session, so it asks for no token
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			w.Header().Set(acceptFor(resource))
			w.WriteHeader(http.StatusOK)
		case resource == "":
			rooms.publish(w, r)
		default:
			rooms.change(w, r, resource)
		}
	})
}

func methodName(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete}, method) {
		return method
	}
	return "this method"
}

func acceptFor(resource string) (name, value string) {
	if resource == "" {
		return "Accept-Post", typeSDP
	}
	return "Accept-Patch", typeFragment
}

// publish answers a program's offer.
func (rs *Rooms) publish(w http.ResponseWriter, r *http.Request) {
	session, refusal := rs.admitPublisher(r)
	if refusal == nil {
		refusal = mayPublish(session)
	}
	var offer string
	if refusal == nil {
		offer, refusal = readBody(r, typeSDP, maxSDP)
	}
	if refusal != nil {
		refusePublisher(w, refusal)
		return
	}
	g, answer, refusal := rs.begin(r, session, offer)
	if refusal != nil {
		refusePublisher(w, refusal)
		return
	}
	w.Header().Set("Content-Type", typeSDP)
	w.Header().Set("Location", strings.TrimSuffix(r.URL.EscapedPath(), "/")+"/"+g.id)
	w.Header().Set("ETag", g.etag)
	w.Header().Set("Accept-Patch", typeFragment)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) //nolint:gosec // SDP that says it is SDP, to a program; if that is gone, ICE will notice
}

// admitPublisher answers a missing token, a foreign session and an unknown one alike.
func (rs *Rooms) admitPublisher(r *http.Request) (consent.Session, *Refusal) {
	id, err := consent.ParseID[consent.SessionID](r.PathValue("id"))
	if err != nil {
		return consent.Session{}, noToken()
	}
	session, err := rs.config.Desk.AdmitPublisher(r, id)
	switch {
	case notAdmitted(err):
		return consent.Session{}, noToken()
	case err != nil:
		rs.config.Log.Warn("admission of a publisher failed", "error", err)
		return consent.Session{}, tryLater("cannot_open", err)
	}
	return session, nil
}

func mayPublish(session consent.Session) *Refusal {
	switch session.State { // all the others are over
	case consent.SessionConsented, consent.SessionLive:
		return nil
	case consent.SessionScheduled:
		return &Refusal{
			Code: "consent_required", Message: "This session has no consent yet.",
			Next: "Answer the notice on the session's page first, then start the program again.", status: http.StatusForbidden,
		}
	default:
		over := sessionOver()
		return &Refusal{Code: over.Code, Message: over.Message, Next: over.Next, status: http.StatusConflict}
	}
}

// begin gives the program its place in the session's room, opening it if need be, and answers the offer.
func (rs *Rooms) begin(r *http.Request, session consent.Session, offer string) (*program, string, *Refusal) {
	o, refusal := checkOffer(offer)
	if refusal != nil {
		return nil, "", refusal
	}
	takeover, refusal := wantsTakeover(r)
	if refusal != nil {
		return nil, "", refusal
	}
	account := string(session.Candidate)
	if !rs.conns.take(account) {
		return nil, "", &Refusal{
			Code: "too_many_conns", Message: "This account is connected in too many places.",
			Next: "Close another page or program first.", status: http.StatusTooManyRequests,
		}
	}
	g := &program{
		id: consent.NewID[string](), etag: newETag(), offer: offer, request: r,
		done: func() { rs.conns.release(account) },
	}
	room, refusal := rs.seatProgram(r.Context(), g, session, o, takeover)
	if refusal != nil {
		g.leave()
		return nil, "", refusal
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	answer, err := g.peer.answer(r.Context(), offer)
	if err != nil {
		room.log.Info("a program's offer was refused after the check") // the error may repeat what the program said
		room.endProgram(g)
		return nil, "", badOffer("the offer does not fit this server")
	}
	return g, answer, nil
}

// seatProgram is seat for a program.
func (rs *Rooms) seatProgram(ctx context.Context, g *program, session consent.Session, o offered, takeover bool) (*Room, *Refusal) {
	for {
		room, refusal := rs.join(ctx, session)
		if refusal != nil {
			return nil, refusal
		}
		over, refusal := room.publish(g, g.offer, o, takeover)
		switch {
		case refusal != nil:
			return nil, refusal
		case over == "":
			return room, nil
		case over != EndServerStopping:
			return nil, mayPublish(consent.Session{State: consent.SessionEnded})
		}
		select {
		case <-room.gone:
		case <-ctx.Done():
			return nil, tryLater("cannot_open", ctx.Err())
		}
	}
}

// change is what a program asks of its resource.
func (rs *Rooms) change(w http.ResponseWriter, r *http.Request, resource string) {
	session, refusal := rs.admitPublisher(r)
	if refusal != nil {
		refusePublisher(w, refusal)
		return
	}
	room := rs.find(session.ID)
	var g *program
	if room != nil {
		g = room.programNamed(resource)
	}
	switch {
	case g == nil:
		refusePublisher(w, &Refusal{
			Code: "not_sending", Message: "Nothing is sent here any more.",
			Next: "Start the program again.", status: http.StatusNotFound,
		})
	case r.Method == http.MethodDelete: // ends the media, not the session
		room.endProgram(g)
		w.WriteHeader(http.StatusOK)
	default:
		g.patch(w, r)
	}
}

// patch takes candidates, or restarts ICE where the credentials are new.
func (g *program) patch(w http.ResponseWriter, r *http.Request) {
	text, refusal := readBody(r, typeFragment, maxFragment)
	if refusal != nil {
		refusePublisher(w, refusal)
		return
	}
	f, err := readFragment(text)
	if err != nil {
		refusePublisher(w, malformed("the body is not an SDP fragment"))
		return
	}
	for _, candidate := range f.candidates {
		if checkCandidate(candidate) != nil {
			refusePublisher(w, malformed("a candidate is none"))
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if refusal := matches(r.Header.Values("If-Match"), g.etag); refusal != nil {
		refusePublisher(w, refusal)
		return
	}
	ufrag, pwd := credentials(g.offer)
	if f.ufrag == "" || f.ufrag == ufrag && f.pwd == pwd {
		if refusal := g.trickle(f); refusal != nil {
			refusePublisher(w, refusal)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer, refusal := g.restart(r.Context(), f)
	if refusal != nil {
		refusePublisher(w, refusal)
		return
	}
	w.Header().Set("Content-Type", typeFragment)
	w.Header().Set("ETag", g.etag)
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, answer) // the program is gone: ICE will notice
}

// trickle counts candidates; candidates.go says why none is used.
func (g *program) trickle(f fragment) *Refusal {
	for _, candidate := range f.candidates {
		if ok, _ := g.peer.countCandidate(ICECandidateInit{Candidate: candidate}); !ok { // its form was looked at
			return &Refusal{
				Code: "too_many_candidates", Message: "The program sent more than 32 candidates; the rest is not used.",
				Next: "Nothing needs to be done if the connection works.", status: http.StatusUnprocessableEntity,
			}
		}
	}
	return nil
}

// restart answers new credentials with new ones. Over 30 offers, or with an offer that cannot be read, what was
// agreed before still holds; if it fails later, media go on by the old way for up to half a minute, and the
// program has to start again.
func (g *program) restart(ctx context.Context, f fragment) (string, *Refusal) {
	offer := withCredentials(g.offer, f)
	answer, err := g.peer.answer(ctx, offer)
	if err != nil {
		return "", &Refusal{
			Code: "no_restart", Message: "The connection could not be set up anew.",
			Next: "Go on with it as it is, or stop the program and start it again.", status: http.StatusUnprocessableEntity,
		}
	}
	g.offer, g.etag = offer, newETag()
	_ = g.trickle(f) // what is too much is not used: the connection is set up anew all the same
	return answerFragment(answer), nil
}

func newETag() string { return strconv.Quote(consent.NewID[string]()) }

// matches: RFC 9110 13.1.1, with the one strong tag that the resource has.
func matches(header []string, etag string) *Refusal {
	if len(header) == 0 {
		return &Refusal{
			Code: "no_if_match", Message: "The request does not say with If-Match which ICE session it means.",
			Next: "Send the ETag of the last answer, or * to restart ICE.", status: http.StatusPreconditionRequired,
		}
	}
	for tag := range strings.SplitSeq(strings.Join(header, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag {
			return nil
		}
	}
	return &Refusal{
		Code: "other_ice_session", Message: "ICE was restarted meanwhile.",
		Next: "Send the ETag of the last answer, or * to restart ICE.", status: http.StatusPreconditionFailed,
	}
}

func wantsTakeover(r *http.Request) (bool, *Refusal) {
	switch text := r.URL.Query().Get("takeover"); text {
	case "":
		return false, nil
	case "true", "false":
		return text == "true", nil
	default:
		return false, malformed("takeover is neither true nor false")
	}
}

// readBody reads a body of the one type that is taken, up to a limit.
func readBody(r *http.Request, want string, limit int64) (string, *Refusal) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		return "", &Refusal{
			Code: "bad_type", Message: "The request is not " + want + ".",
			Next: "Give this address to a program that speaks WHIP.", status: http.StatusUnsupportedMediaType,
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case int64(len(body)) > limit || isTooLarge(err):
		return "", &Refusal{
			Code: "too_large", Message: "The request is larger than " + strconv.FormatInt(limit>>10, 10) + " KiB.",
			Next: "Send less at once.", status: http.StatusRequestEntityTooLarge,
		}
	case err != nil:
		return "", malformed("the request did not arrive whole")
	}
	return string(body), nil
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

func malformed(what string) *Refusal {
	return &Refusal{
		Code: "bad_request", Message: "The server did not understand the program: " + what + ".",
		Next: "Update the program, or use another one.", status: http.StatusBadRequest,
	}
}

func noToken() *Refusal {
	return &Refusal{
		Code: "no_token", Message: "The token does not let anybody send for this session.",
		Next: "Make a new one on the session's page and give it to the program.", status: http.StatusUnauthorized,
	}
}

func sendsAlready() *Refusal {
	return &Refusal{
		Code: "taken", Message: "Sound and picture of this session come from somewhere else already.",
		Next: "Stop sending there, or add ?takeover=true to the address: the other one then stops.", status: http.StatusConflict,
	}
}

// refusePublisher answers with an RFC 9457 problem that has the words a page would show.
func refusePublisher(w http.ResponseWriter, refusal *Refusal) {
	status := refusal.status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusUnsupportedMediaType:
		w.Header().Set("Accept-Post", typeSDP)
		w.Header().Set("Accept-Patch", typeFragment)
	case http.StatusConflict, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", typeProblem)
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Next   string `json:"next"`
		Code   string `json:"code"`
	}{"about:blank", http.StatusText(status), status, refusal.Message, refusal.Next, refusal.Code})
}
