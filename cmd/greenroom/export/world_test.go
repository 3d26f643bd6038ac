package export

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is what an export reads, in memory.
type world struct {
	account  consent.Account
	sessions map[consent.SessionID]consent.Session
	export   consent.Export
	closed   bool // the account was closed
	over     bool // the export was taken away
	broken   error
	videos   map[consent.SessionID]time.Duration // how long the recording is; 0: nothing was recorded
	receipts map[consent.SessionID][]consent.HeldReceipt
	older    []consent.HeldReceipt // of sessions that were erased
	key      ed25519.PrivateKey
	asked    []consent.Artefact
	before   func(what string) // called before each read
}

func newWorld(t testing.TB) *world {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		account: consent.Account{
			ID: consent.NewID[consent.AccountID](), Kind: consent.AccountCandidate, Email: "canary@example.org", DisplayName: "Candice <Canary>",
		},
		sessions: map[consent.SessionID]consent.Session{}, videos: map[consent.SessionID]time.Duration{},
		receipts: map[consent.SessionID][]consent.HeldReceipt{}, key: key, before: func(string) {},
	}
	w.export = consent.Export{ID: consent.NewID[consent.ExportID](), Account: w.account.ID, Whole: true, State: consent.ExportRunning}
	return w
}

// add adds a session with a recording of the length to what is exported.
func (w *world) add(state consent.SessionState, length time.Duration) consent.SessionID {
	session := consent.Session{
		ID: consent.NewID[consent.SessionID](), Candidate: w.account.ID, State: state, Role: "go", RoleTitle: "Go engineer",
		Mode: consent.ModePractice, Consents: consent.Consents{Recording: true, Transcription: true, Assessment: true},
		NoticeSHA256: strings.Repeat("a", 64), CreatedAt: testNow.Add(-time.Hour), MediaStart: testNow.Add(-time.Hour), EndedAt: testNow.Add(-time.Minute),
	}
	w.sessions[session.ID], w.videos[session.ID] = session, length
	w.export.Sessions = append(w.export.Sessions, consent.ExportSession{Session: session.ID, RoleTitle: session.RoleTitle})
	return session.ID
}

func (w *world) change(id consent.SessionID, state consent.SessionState) {
	session := w.sessions[id]
	session.State = state
	w.sessions[id] = session
}

// Snapshot implements consent.SnapshotReader.
func (w *world) Snapshot(_ context.Context, actor consent.Actor, id consent.SessionID) (consent.Snapshot, error) {
	w.before("facts")
	if w.broken != nil {
		return consent.Snapshot{}, w.broken
	}
	session, known := w.sessions[id]
	return consent.Snapshot{
		Actor: actor, ActorLive: !w.closed && actor.Account == w.account.ID, Session: id, Known: known, Candidate: session.Candidate,
		State: session.State, Consents: session.Consents, ExportOpen: !w.over && actor.Export == w.export.ID, Now: testNow, ReadAt: time.Now(),
	}, nil
}

// Record implements Records; every Permit must be there.
func (w *world) Record(_ context.Context, permits consent.RecordPermits) (assess.Record, error) {
	w.before("record")
	id := permits.Session.Session()
	for artefact, permit := range map[consent.Artefact]consent.Permit{
		consent.ArtefactSession: permits.Session, consent.ArtefactRatings: permits.Ratings, consent.ArtefactFeedback: permits.Feedback,
		consent.ArtefactQuotes: permits.Quotes, consent.ArtefactMeasurements: permits.Measurements,
		consent.ArtefactTranscript: permits.Transcript, consent.ArtefactPrivate: permits.Private,
	} {
		if err := permit.Demand(id, artefact); err != nil {
			return assess.Record{}, err
		}
		w.asked = append(w.asked, artefact)
	}
	return recordOf(w.sessions[id])
}

func recordOf(session consent.Session) (assess.Record, error) {
	rating := func(f assess.RatingFields) assess.Rating {
		f.Session, f.Take, f.Competency, f.At = session.ID, 1, "ownership", testNow
		r, err := assess.NewRating(f)
		if err != nil {
			panic(err)
		}
		return r
	}
	model := assess.Rater{Kind: assess.RaterModel, Model: "judge-1", PromptSHA256: "aa", RubricSHA256: "bb"}
	line := assess.Line{
		Session: session.ID, Epoch: 1, Sequence: 2, Take: 1, Start: 10 * time.Second, End: 12 * time.Second, Engine: "moonshine-tiny",
		Revision: 1, Changed: 1, CorrectedAt: testNow,
		Interpolated: true, Words: []assess.Word{
			{Text: "the", Start: 10 * time.Second, End: 11 * time.Second}, {Text: "<zebra>", Start: 11 * time.Second, End: 12 * time.Second, Corrected: true},
		}, Flaws: &media.Flaws{Lost: 300 * time.Millisecond},
	}
	return assess.Record{
		Session: session, Length: time.Minute,
		Plan: assess.Plan{
			BankVersion: "1", BankSHA256: "cc",
			Questions: []assess.Question{{
				ID: "q1", Kind: "behavioural", Text: "Tell me.", Competencies: []string{"ownership"}, AnswerFor: 2 * time.Minute,
				Anchors: map[string]map[int]string{"ownership": {1: "own a", 3: "own b", 5: "own c"}},
			}},
			Competencies: []assess.Competency{{ID: "ownership", Name: "Ownership", Anchors: map[int]string{1: "a", 3: "b", 5: "c"}}},
		},
		Answers: []assess.AnswerResult{{
			Answer:   assess.Answer{Revision: 1, CorrectedAt: testNow, Session: session.ID, Take: 1, Start: 9 * time.Second, End: 14 * time.Second, Limit: 2 * time.Minute, EndedBy: assess.EndedByDone},
			FollowUp: assess.FollowUp{Text: "Why the zebra?", Model: "judge-1", PromptSHA256: "p", BankSHA256: "b", At: testNow},
			Lines:    []assess.Line{line},
			Measurements: []assess.Measurement{
				{Name: "words", Value: 2, Unit: "1", Counted: "Words.", Valid: true},
				{Name: "pace", Value: 99, Unit: "words/min", Counted: "Words by minutes.", Invalid: "too short"},
			},
			Evidence: []assess.Evidence{
				{Competency: "ownership", Line: assess.LineRef{Epoch: 1, Sequence: 2}, First: 1, Last: 1, Polarity: assess.Supports, Part: assess.PartAction, Rater: model},
				{Competency: "ownership", Line: assess.LineRef{Epoch: 1, Sequence: 2}, First: 1, Last: 9, Polarity: assess.Contradicts, Part: assess.PartOther, Rater: model},
			},
			Originals: []assess.Original{{Line: line.Ref(), Until: testNow, Words: []assess.Word{line.Words[0], {Text: "sea", Start: line.Words[1].Start, End: line.Words[1].End}}}},
			EarlierEvidence: []assess.EarlierEvidence{{Evidence: assess.Evidence{
				Competency: "ownership", Line: line.Ref(), First: 0, Last: 1, Polarity: assess.Supports, Part: assess.PartAction, Rater: model,
			}}},
			Earlier: []assess.Rating{rating(assess.RatingFields{Rater: model, Outcome: assess.OutcomeLevel, Level: 2})},
			Ratings: []assess.Rating{
				rating(assess.RatingFields{
					Rater: model, Outcome: assess.OutcomeLevel, Level: 4, WhyNotHigher: "a", WhyNotLower: "b", Revision: 1,
					Asked: assess.Asked{Held: assess.HeldBySchema, Answered: "judge-1b"}, Heard: assess.HeardBadly{Lost: true}, PartlyRead: true,
				}),
				rating(assess.RatingFields{Rater: model, Outcome: assess.OutcomeNotAssessable, Reason: "too short", Revision: 1}),
				rating(assess.RatingFields{Rater: assess.Rater{Kind: assess.RaterSelf}, Outcome: assess.OutcomeLevel, Level: 2}),
			},
			People: []assess.PersonRating{{
				Rating:       rating(assess.RatingFields{Rater: assess.Rater{Kind: assess.RaterHuman}, Outcome: assess.OutcomeLevel, Level: 5}),
				Organization: "Acme", Why: "It names the part.",
			}},
		}},
		Loose: []assess.Line{{Session: session.ID, Epoch: 1, Sequence: 1, Question: -1, Start: time.Second, End: 2 * time.Second, Engine: "moonshine-tiny"}},
		Gaps:  []media.Gap{{Kind: media.KindVideo, Start: 20 * time.Second, End: 21 * time.Second, Reason: media.GapMuted}},
	}, nil
}

// AccountHistory implements Histories.
func (w *world) AccountHistory(_ context.Context, export consent.Export) (consent.AccountHistory, error) {
	w.before("account")
	if export.Account != w.account.ID {
		return consent.AccountHistory{}, consent.ErrNotFound
	}
	return consent.AccountHistory{
		Account: w.account, AgeRule: consent.AgeRule, CreatedAt: testNow.AddDate(0, -1, 0),
		LogIns:   []consent.LogIn{{Since: testNow.Add(-time.Hour), Until: testNow.Add(23 * time.Hour)}},
		Notices:  []consent.AnsweredNotice{{Notice: consent.Notice{Version: 1, Text: "# What happens\n"}, Answered: testNow}},
		Receipts: w.older,
	}, nil
}

// SessionHistory implements Histories.
func (w *world) SessionHistory(_ context.Context, permit consent.Permit) (consent.SessionHistory, error) {
	w.before("history")
	if err := permit.Demand(permit.Session(), consent.ArtefactSession); err != nil {
		return consent.SessionHistory{}, err
	}
	return consent.SessionHistory{
		Consents: []consent.ConsentEvent{{At: testNow, Kind: "answered", Consents: consent.Consents{Recording: true}, NoticeSHA256: strings.Repeat("a", 64)}},
		Authorizations: []consent.AuthorizationHistory{{
			Authorization: consent.Authorization{
				ID: consent.NewID[consent.AuthorizationID](), OrgName: "Acme", Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings},
				ValidFrom: testNow, ValidUntil: testNow.Add(time.Hour), State: consent.AuthorizationWithdrawn,
			},
			Events: []consent.PastEvent{{At: testNow, Kind: "granted"}, {At: testNow.Add(time.Minute), Kind: "withdrawn"}},
		}},
		Accesses: []consent.Access{{At: testNow, OrgName: "Acme", Artefact: consent.ArtefactRatings}},
		AICalls:  []consent.AICall{{At: testNow, For: "rating", Model: "judge-1", PromptSHA256: "aa"}},
		Events:   []consent.SessionEvent{{Sequence: 1, PastEvent: consent.PastEvent{At: testNow, Kind: "scheduled"}}},
	}, nil
}

// SessionReceipts implements Histories.
func (w *world) SessionReceipts(_ context.Context, permit consent.Permit) ([]consent.HeldReceipt, error) {
	w.before("receipts")
	return w.receipts[permit.Session()], permit.Demand(permit.Session(), consent.ArtefactSession)
}

// The made-up media: a key frame every two seconds, as large as a camera's in good light.
const (
	segmentLength = 10 * time.Second
	frameEvery    = 100 * time.Millisecond
	frameSize     = 25_000 // bytes: 2 Mbit/s
	chunkFrames   = 10
)

// Segments implements media.RecordingReader.
func (w *world) Segments(_ context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, _ int64) ([]media.StoredSegment, error) {
	w.before("segments")
	if err := permit.Demand(session, kind.Artefact()); err != nil {
		return nil, err
	}
	if kind == media.KindAudio {
		return nil, nil
	}
	var segments []media.StoredSegment
	for at := time.Duration(0); at < w.videos[session]; at += segmentLength {
		segments = append(segments, testSegment(session, len(segments), at))
	}
	return segments, nil
}

func testSegment(session consent.SessionID, sequence int, at time.Duration) media.StoredSegment {
	segment := media.StoredSegment{Index: int64(sequence + 1), SegmentInfo: media.SegmentInfo{
		SegmentHead: media.SegmentHead{
			ID:    media.SegmentID{Session: session, Kind: media.KindVideo, Epoch: 1, Sequence: sequence},
			Codec: media.CodecVP8, Start: at,
		},
		End: at + segmentLength, Width: 640, Height: 480,
	}}
	frames := int(segmentLength / frameEvery)
	for frame := range frames {
		chunk := frame / chunkFrames
		segment.Table.Blocks = append(segment.Table.Blocks, media.BlockRef{
			Chunk: chunk, Offset: frame % chunkFrames * frameSize, Size: frameSize, Time: at + time.Duration(frame)*frameEvery, Key: frame%20 == 0,
		})
		if frame%chunkFrames == 0 {
			const sealed = chunkFrames*frameSize + 28
			segment.Table.Chunks = append(segment.Table.Chunks, media.ChunkRef{Offset: int64(chunk * sealed), Size: sealed, Plain: chunkFrames * frameSize})
		}
	}
	return segment
}

// ReadChunks implements media.RecordingReader with noise, as compressed media is.
func (w *world) ReadChunks(_ context.Context, permit consent.Permit, segment media.StoredSegment, first, last int) ([][]byte, error) {
	w.before("media")
	if err := permit.Demand(segment.ID.Session, consent.ArtefactVideo); err != nil {
		return nil, err
	}
	noise := rand.NewChaCha8([32]byte{byte(segment.ID.Sequence), byte(first)})
	chunks := make([][]byte, 0, last-first+1)
	for range last - first + 1 {
		chunk := make([]byte, chunkFrames*frameSize)
		_, _ = noise.Read(chunk)
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

// sign makes a token that open takes apart again; the real notary has tests of its own.
func (w *world) sign(body any) (string, error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode(payload) + "." + encode(ed25519.Sign(w.key, payload)), nil
}

func (w *world) open(token string, body any) error {
	text, signature, _ := strings.Cut(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("no token: %w", err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(w.key.Public().(ed25519.PublicKey), payload, raw) {
		return errors.New("the signature is not this server's")
	}
	return json.Unmarshal(payload, body)
}

func (w *world) writer() Writer {
	return Writer{Sources{
		Gate: consent.Gate{Reader: w}, Records: w, Recordings: w, Histories: w, Sign: w.sign,
		Now: func() time.Time { return testNow },
	}}
}

// file makes the export and fails the test if it cannot.
func (w *world) file(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := w.writer().Write(t.Context(), &out, w.export, ignoreProgress); err != nil {
		t.Fatalf("write: %v", err)
	}
	return out.Bytes()
}

func ignoreProgress(context.Context, consent.SessionID, consent.ExportFault) error { return nil }

func (w *world) verify(file []byte) (Verified, error) {
	return Verify(bytes.NewReader(file), int64(len(file)), Checks{Open: w.open, Receipt: func(text []byte) error {
		file, err := consent.ParseReceiptFile(text)
		if err == nil && file.Receipt != "a receipt" {
			err = errors.New("no receipt")
		}
		return err
	}})
}
