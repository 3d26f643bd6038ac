package web

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// Words that betray which part of a session an answer shows.
const (
	canaryTranscript  = "zebra"      // only in the transcript
	canaryQuote       = "quokka"     // in the transcript and in the quote
	canaryWhy         = "whynotlynx" // in a why-not sentence
	canaryReason      = "reasonibis" // why a rating has no level
	canaryAdvice      = "advisoria"  // what a model says of the answer
	canaryFollowUp    = "askedagain" // what a model asked in it
	canaryMeasurement = "countedotter"
	canaryModel       = "judgemodel" // names the rater
	canaryLoose       = "loosemoose"
	canaryName        = "Candice Canary"
)

// interview adds an ended interview of the person with every kind of result and a minute of media.
func (s *stage) interview(t *testing.T, owner *person) consent.SessionID {
	t.Helper()
	plan, err := s.server.cfg.Bank.Plan("software-engineer", assess.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	session := consent.Session{
		ID: consent.NewID[consent.SessionID](), Candidate: owner.account.ID, State: consent.SessionAssessed,
		Role: plan.Role, RoleTitle: plan.RoleTitle, Mode: consent.ModePractice,
		Consents: consent.Consents{Recording: true, Transcription: true, Assessment: true}, NoticeSHA256: "aa",
		CreatedAt: testNow.Add(-time.Hour), EndedAt: testNow.Add(-time.Minute),
	}
	s.set(func(w *world) {
		w.sessions[session.ID], w.plans[session.ID] = session, plan
		w.records[session.ID] = recordOf(t, session, plan)
	})
	s.record(session.ID, time.Minute)
	return session.ID
}

func recordOf(t *testing.T, session consent.Session, plan assess.Plan) assess.Record {
	t.Helper()
	competency := plan.Questions[0].Competencies[0]
	rating := func(f assess.RatingFields) assess.Rating {
		f.Session, f.Take, f.Competency, f.At = session.ID, 1, competency, testNow
		r, err := assess.NewRating(f)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	model := assess.Rater{Kind: assess.RaterModel, Model: canaryModel, PromptSHA256: "aa", RubricSHA256: "bb"}
	line := assess.Line{
		Session: session.ID, Epoch: 1, Sequence: 4, Take: 1, Start: 10 * time.Second, End: 13 * time.Second, Engine: "moonshine-tiny",
		Interpolated: true, Words: wordsOf(10*time.Second, "the", canaryTranscript, "and", "the", canaryQuote, "<b>&", "ran"),
	}
	evidence := func(of assess.Evidence) assess.Evidence {
		of.Session, of.Take, of.Competency, of.Polarity, of.Part = session.ID, 1, competency, assess.Supports, assess.PartAction
		return of
	}
	return assess.Record{
		Session: session, Plan: plan, Length: time.Minute,
		Answers: []assess.AnswerResult{{
			Answer:   assess.Answer{Session: session.ID, Take: 1, Start: 9 * time.Second, End: 14 * time.Second, EndedBy: assess.EndedByDone},
			FollowUp: assess.FollowUp{Session: session.ID, Take: 1, Text: canaryFollowUp, Model: "asker-1", At: testNow},
			Lines:    []assess.Line{line},
			Measurements: []assess.Measurement{
				{Name: "words", Value: 7, Unit: "1", Counted: canaryMeasurement, Valid: true},
				{Name: "pace", Value: 99.5, Unit: "words/min", Counted: "by hand", Invalid: "too short"},
			},
			Evidence: []assess.Evidence{
				evidence(assess.Evidence{ID: 1, Line: assess.LineRef{Epoch: 1, Sequence: 4}, First: 3, Last: 4}),
				evidence(assess.Evidence{ID: 2, Line: assess.LineRef{Epoch: 1, Sequence: 4}, First: 5, Last: 7}), // one word too many
				evidence(assess.Evidence{ID: 3, Line: assess.LineRef{Epoch: 2, Sequence: 4}, First: 0, Last: 0}), // of no line
			},
			Feedback: []assess.FeedbackItem{
				{Kind: assess.FeedbackStrength, Text: canaryAdvice, Evidence: []int64{3, 1, 99}, Measurements: []string{"words", "pace"}},
				{Kind: assess.FeedbackGap, Text: "rests on nothing that is shown", Evidence: []int64{2}, Measurements: []string{"pace"}},
			},
			Ratings: []assess.Rating{
				rating(assess.RatingFields{Rater: model, Outcome: assess.OutcomeLevel, Level: 4, WhyNotHigher: canaryWhy, WhyNotLower: canaryWhy}),
				rating(assess.RatingFields{Rater: model, Outcome: assess.OutcomeNotAssessable, Reason: canaryReason}),
				rating(assess.RatingFields{Rater: assess.Rater{Kind: assess.RaterSelf}, Outcome: assess.OutcomeLevel, Level: 2}),
			},
		}},
		Loose: []assess.Line{{
			Session: session.ID, Epoch: 1, Sequence: 1, Question: -1, Start: time.Second, End: 2 * time.Second,
			Engine: "moonshine-tiny", Words: wordsOf(time.Second, canaryLoose),
		}},
		Gaps: []media.Gap{
			{Kind: media.KindAudio, Start: 20 * time.Second, End: 21 * time.Second, Reason: media.GapNetwork},
			{Kind: media.KindVideo, Start: 30 * time.Second, End: 31 * time.Second, Reason: media.GapConsent},
		},
	}
}

func wordsOf(start time.Duration, texts ...string) []assess.Word {
	words := make([]assess.Word, len(texts))
	for i, text := range texts {
		words[i] = assess.Word{Text: text, Start: start, End: start + 300*time.Millisecond}
		start += 400 * time.Millisecond
	}
	return words
}

const (
	blockEvery = 100 * time.Millisecond
	videoFrame = 20_000 // bytes
)

// record adds segments of six seconds to the session: index 1, 2 for the first six seconds of sound and
// picture, and so on. Every frame is filled with the name of its kind.
func (s *stage) record(session consent.SessionID, length time.Duration) {
	s.set(func(w *world) {
		for start := time.Duration(0); start < length; start += 6 * time.Second {
			w.addSegment(session, media.KindAudio, media.CodecOpus, start, 80)
			w.addSegment(session, media.KindVideo, media.CodecVP8, start, videoFrame)
		}
	})
}

func (w *world) addSegment(session consent.SessionID, kind media.Kind, codec media.Codec, start time.Duration, frame int) {
	id := media.SegmentID{Session: session, Kind: kind, Epoch: 1, Sequence: int(start / (6 * time.Second))}
	segment := media.StoredSegment{
		Index:       int64(len(w.segments[session]) + 1),
		SegmentInfo: media.SegmentInfo{SegmentHead: media.SegmentHead{ID: id, Codec: codec, Start: start}, End: start + 6*time.Second},
	}
	if kind == media.KindVideo {
		segment.Width, segment.Height = 640, 480
	}
	filling := bytes.Repeat([]byte(kind), frame)[:frame]
	perChunk := max(1, min(10, 200_000/frame))
	for at := time.Duration(0); at < 6*time.Second; at += blockEvery {
		number := int(at / blockEvery)
		segment.Table.Blocks = append(segment.Table.Blocks, media.BlockRef{
			Chunk: number / perChunk, Offset: number % perChunk * frame, Size: frame, Time: start + at, Key: kind == media.KindAudio || number == 0,
		})
		if number%perChunk == 0 {
			offset := int64(number) * int64(frame)
			segment.Table.Chunks = append(segment.Table.Chunks, media.ChunkRef{Offset: offset, Size: perChunk * frame, Plain: perChunk * frame})
			w.chunks[id] = append(w.chunks[id], bytes.Repeat(filling, perChunk))
		}
	}
	w.segments[session] = append(w.segments[session], segment)
}

// share lets the employer's organization see parts of the session.
func (s *stage) share(session consent.SessionID, with *person, scopes ...consent.Scope) {
	s.set(func(w *world) {
		w.authorizations[session] = append(w.authorizations[session], consent.Authorization{
			ID: consent.NewID[consent.AuthorizationID](), Session: session, Org: with.account.Org, OrgName: with.account.OrgName,
			Purpose: consent.PurposePracticeReview, Scopes: scopes, ValidFrom: testNow.Add(-time.Hour), ValidUntil: testNow.Add(time.Hour),
			State: consent.AuthorizationGranted, GrantedAt: testNow.Add(-time.Hour),
		})
	})
}

func sharedPath(session consent.SessionID, rest string) string {
	return fmt.Sprintf("/api/v1/shared/%s/%s", session, rest)
}

func sessionPathOf(session consent.SessionID, rest string) string {
	return fmt.Sprintf("/api/v1/sessions/%s/%s", session, rest)
}
