package rehearse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pion/webrtc/v4"
	"golang.org/x/sync/errgroup"
)

// Config says what to play, where and as whom.
type Config struct {
	Server   string // e.g. http://localhost:8080
	Email    string // empty: sign up as a new candidate
	Password string
	Session  string   // go on with this interview of the account; empty: a new one
	Role     string   // id of the role; empty: the first of the bank
	Speech   []string // Ogg Opus files, one for each answer, in turn; none: the demo answers
	Video    string   // IVF VP8 file; empty: the demo picture
	Answers  int      // finish after so many answers; 0: all of the plan
	Refuse   Consents // what to refuse
	// Aloud, if it is set, is an Ogg Opus file that the microphone hears while the first question is said aloud, as
	// from a loudspeaker. After Interrupt, if that is not zero, the rest of it is the candidate, talking.
	Aloud     string
	Interrupt time.Duration
	FollowUps bool // let a model ask some
	Silent    bool // do not say that an answer is done: stop speaking, and let silence end it

	// Share, if its organization is set, authorizes that organization afterwards.
	Share Share

	Progress func(line string) // may be nil
}

// Consents are the three boxes.
type Consents struct{ Recording, Transcription, Assessment bool }

// Share is what to authorize after the interview.
type Share struct {
	Organization string // by name
	Scopes       []string
}

// Result is what a rehearsal found, in milliseconds where it says so.
type Result struct {
	Session       string           `json:"session"`
	Lines         []string         `json:"transcript"`
	Measurements  []map[string]any `json:"measurements"`
	Checks        []Check          `json:"checks"`
	CaptionMS     []int64          `json:"caption_delay_ms"`         // from the end of each utterance, 0.3 s after its last sound, to its caption
	TurnMS        []int64          `json:"turn_delay_ms"`            // from the end of each answer, by done or by a countdown, to the next turn
	FollowUpMS    []int64          `json:"follow_up_delay_ms"`       // from the end of an answer to a follow-up by a model, its thinking included
	ReportMS      int64            `json:"report_delay_ms"`          // from the end of the interview to the last result
	PartialMS     []int64          `json:"partial_caption_delay_ms"` // from the newest sound of an utterance that runs to what is shown of it
	InterviewMS   int64            `json:"interview_ms"`
	RecordingMS   int64            `json:"recording_ms"`
	RecordingSize int64            `json:"recording_bytes"`
	Shared        string           `json:"shared_with,omitempty"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// OK reports whether every check passed.
func (r Result) OK() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return len(r.Checks) > 0
}

// logInTries bounds log-ins that are told to wait; several candidates may use one account at a time.
const logInTries = 10

// rehearsal is one run.
type rehearsal struct {
	Config
	client    *client
	result    Result
	ended     time.Time
	withdrawn Consents // during the interview
}

// Run does one whole interview and returns what came of it. The error says why it could not be done;
// what was done but is not right is a failed [Check] in the result.
func Run(ctx context.Context, config Config) (Result, error) {
	if config.Progress == nil {
		config.Progress = func(string) {}
	}
	r := &rehearsal{Config: config, client: newClient(config.Server)}
	begin := []func(context.Context) error{r.logIn, r.schedule, r.consent}
	if r.Session != "" {
		r.result.Session, begin = r.Session, begin[:1]
	}
	for _, step := range append(begin, r.interview, r.readReport, r.readRecording, r.share) {
		if err := step(ctx); err != nil {
			return r.result, err
		}
	}
	return r.result, nil
}

func (r *rehearsal) say(format string, args ...any) { r.Progress(fmt.Sprintf(format, args...)) }

func (r *rehearsal) check(name string, ok bool, format string, args ...any) {
	r.result.Checks = append(r.result.Checks, Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
}

func (r *rehearsal) logIn(ctx context.Context) error {
	if r.Email != "" {
		r.say("logging in")
		return r.logInAgain(ctx)
	}
	r.say("signing up as a new candidate")
	r.Password = rand.Text()
	return r.client.call(ctx, http.MethodPost, "/api/v1/accounts", map[string]string{
		"birth_date": "1990-01-01", "email": "rehearsal-" + rand.Text() + "@example.org",
		"display_name": "Rehearsal", "password": r.Password,
	}, nil)
}

// logInAgain does as it is told: while the server checks another log-in of the account, it says to try
// again in a moment.
func (r *rehearsal) logInAgain(ctx context.Context) error {
	proof := map[string]string{"email": r.Email, "password": r.Password}
	for tries := 1; ; tries++ {
		err := r.client.call(ctx, http.MethodPost, "/api/v1/log-in", proof, nil)
		if !refused(err, http.StatusTooManyRequests) || tries == logInTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (r *rehearsal) schedule(ctx context.Context) error {
	if r.Role == "" {
		var bank struct {
			Roles []struct{ ID string } `json:"roles"`
		}
		if err := r.client.call(ctx, http.MethodGet, "/api/v1/bank", nil, &bank); err != nil {
			return err
		}
		if len(bank.Roles) == 0 {
			return errors.New("the server's question bank has no roles")
		}
		r.Role = bank.Roles[0].ID
	}
	var session struct{ ID string }
	if err := r.client.call(ctx, http.MethodPost, "/api/v1/sessions", map[string]any{"role": r.Role, "mode": "practice", "follow_ups": r.FollowUps}, &session); err != nil {
		return err
	}
	r.result.Session = session.ID
	r.say("session %s for role %s", session.ID, r.Role)
	return r.checkRefusedBeforeConsent(ctx)
}

// checkRefusedBeforeConsent offers media before the notice was answered: the server must refuse.
func (r *rehearsal) checkRefusedBeforeConsent(ctx context.Context) error {
	room, err := joinRoom(ctx, r.client, r.result.Session)
	if err != nil {
		r.check("no media before consent", true, "the room does not open")
		return nil // a closed door is the refusal that is looked for
	}
	defer room.leave()
	if err := room.send("hello", map[string]any{"version": 2}); err != nil {
		return err
	}
	for {
		m, err := room.next(ctx)
		if err != nil || (m.Type == "problem" && m.Fatal) {
			r.check("no media before consent", true, "refused: %s", m.Code)
			return ctx.Err()
		}
		if m.Type == "welcome" || m.Type == "answer" {
			r.check("no media before consent", false, "the room answered with %s", m.Type)
			return nil
		}
	}
}

func (r *rehearsal) consent(ctx context.Context) error {
	path := "/api/v1/sessions/" + r.result.Session
	var notice struct {
		Version int    `json:"version"`
		SHA256  string `json:"sha256"`
	}
	if err := r.client.call(ctx, http.MethodGet, path+"/notice", nil, &notice); err != nil {
		return err
	}
	r.say("consenting to notice %d: recording %v, transcription %v, assessment %v",
		notice.Version, !r.Refuse.Recording, !r.Refuse.Transcription, !r.Refuse.Assessment)
	return r.client.call(ctx, http.MethodPost, path+"/consents", map[string]any{
		"notice_sha256": notice.SHA256, "recording": !r.Refuse.Recording,
		"transcription": !r.Refuse.Transcription, "assessment": !r.Refuse.Assessment,
	}, nil)
}

// interview joins the room, publishes, and answers each question until the interview has ended.
func (r *rehearsal) interview(ctx context.Context) error {
	clip, err := videoFile(r.Video)
	if err != nil {
		return err
	}
	room, err := joinRoom(ctx, r.client, r.result.Session)
	if err != nil {
		return err
	}
	defer room.leave()
	peer, err := newPublisher(func(c webrtc.ICECandidateInit) { _ = room.sendCandidate(c) })
	if err != nil {
		return err
	}
	defer func() { _ = peer.conn.Close() }()

	playing, stop := context.WithCancel(ctx)
	defer stop()
	group, playing := errgroup.WithContext(playing)
	// Owner: this method; both end when stop is called and are waited for below.
	group.Go(func() error {
		if !waitFor(playing, peer.connected) {
			return nil
		}
		return peer.sendAudio(playing)
	})
	group.Go(func() error {
		if !waitFor(playing, peer.connected) {
			return nil
		}
		return peer.sendVideo(playing, clip)
	})
	script := &script{rehearsal: r, room: room, peer: peer, group: group}
	err = script.play(playing)
	stop()
	err = errors.Join(err, group.Wait())
	r.say("sent %d ms of sound and %d ms of pictures",
		time.Duration(peer.sentAudio.Load()).Milliseconds(), time.Duration(peer.sentVideo.Load()).Milliseconds())
	return err
}

func waitFor(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
