package rehearse

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"golang.org/x/sync/errgroup"
)

// breath is how long the script is silent after the last word before it says that it is done: longer
// than the 0.7 s after which the server ends an utterance.
const breath = 1200 * time.Millisecond

// joinLimit bounds connecting and receiving the first media.
const joinLimit = 30 * time.Second

// script reacts to the room's messages as a candidate would.
type script struct {
	*rehearsal
	room  *room
	peer  *publisher
	group *errgroup.Group

	begun      time.Time
	aloud      bool // the first question was said, or is being said
	answered   int
	closes     atomic.Pointer[time.Time] // when the running answer ends: done was said, or a countdown runs
	answeredAt time.Time                 // when the last answer ended
	probed     [2]int                    // the question and its probe that were answered last, from 1
}

func (s *script) play(ctx context.Context) error {
	if err := s.room.send("hello", map[string]any{"version": 2}); err != nil {
		return err
	}
	joined := time.AfterFunc(joinLimit, s.room.leave)
	defer joined.Stop()
	for {
		m, err := s.room.next(ctx)
		if err != nil {
			return err
		}
		if m.Type == "media" && s.begun.IsZero() {
			joined.Stop()
		}
		done, err := s.react(ctx, m)
		if err != nil || done {
			return err
		}
	}
}

func (s *script) react(ctx context.Context, m roomMessage) (ended bool, err error) {
	switch m.Type {
	case "welcome":
		sdp, err := s.peer.offer()
		if err != nil {
			return false, err
		}
		if err := s.room.send("offer", map[string]any{"sdp": sdp}); err != nil {
			return false, err
		}
		s.peer.offerSent()
		return false, nil
	case "answer":
		answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP}
		if err := s.peer.conn.SetRemoteDescription(answer); err != nil {
			return false, fmt.Errorf("take answer: %w", err)
		}
	case "ice_candidate":
		return false, s.takeCandidate(m)
	case "media":
		return false, s.begin(m)
	case "turn":
		return false, s.takeTurn(ctx, m)
	case "caption":
		s.result.Lines = append(s.result.Lines, m.Text)
		s.noteCaption(m)
	case "caption_partial":
		if delay, ok := s.since(m); ok && m.Stable+m.Unstable != "" {
			s.result.PartialMS = append(s.result.PartialMS, delay)
		}
	case "recording":
		s.say("recording %s at %d ms: %s", m.State, m.Elapsed, m.Message)
	case "consents":
		s.noteConsents(m)
	case "caption_failed", "gap":
		s.say("%s: %s %s", m.Type, m.Reason, m.Message)
	case "problem":
		if m.Fatal {
			return false, fmt.Errorf("the room refused: %s: %s", m.Code, m.Message)
		}
		s.say("problem %s: %s", m.Code, m.Message)
	case "ended":
		s.ended = time.Now()
		if s.result.InterviewMS == 0 {
			s.result.InterviewMS = s.ended.Sub(s.begun).Milliseconds()
		}
		s.say("the interview ended: %s", m.Reason)
		return true, nil
	}
	return false, nil
}

func (s *script) takeCandidate(m roomMessage) error {
	if m.ICECandidate == nil || m.ICECandidate.Candidate == "" {
		return nil
	}
	err := s.peer.conn.AddICECandidate(webrtc.ICECandidateInit{
		Candidate: m.ICECandidate.Candidate, SDPMid: m.ICECandidate.SDPMid, SDPMLineIndex: m.ICECandidate.SDPMLineIndex,
	})
	if err != nil {
		return fmt.Errorf("take ICE candidate: %w", err)
	}
	return nil
}

// noteConsents notes what was withdrawn elsewhere, on another page of the same candidate.
func (s *script) noteConsents(m roomMessage) {
	if m.Consents == nil {
		return
	}
	s.withdrawn = Consents{
		Recording:     !s.Refuse.Recording && !m.Consents.Recording,
		Transcription: !s.Refuse.Transcription && !m.Consents.Transcription,
		Assessment:    !s.Refuse.Assessment && !m.Consents.Assessment,
	}
	s.say("withdrawn: recording %v, transcription %v, assessment %v", s.withdrawn.Recording, s.withdrawn.Transcription, s.withdrawn.Assessment)
}

// begin asks for the first question once media arrives.
func (s *script) begin(roomMessage) error {
	if !s.begun.IsZero() {
		return nil
	}
	s.begun = time.Now()
	s.say("the server receives audio and video")
	return s.room.send("begin", nil)
}

func (s *script) takeTurn(ctx context.Context, m roomMessage) error {
	s.noteTurn(m)
	switch m.Phase {
	case "preparing":
		return s.prepare(ctx, m)
	case "answering":
		if s.answered > m.Index { // the same turn told again
			return nil
		}
		s.answered = m.Index + 1
		s.group.Go(func() error { return s.answer(ctx, m.Index) })
	case "probing":
		return s.answerProbe(m)
	case "reviewing":
		if s.Answers > 0 && m.Index+1 >= s.Answers {
			return s.room.send("finish", nil)
		}
		return s.room.send("next", nil)
	case "finished": // the recording ends here; the room stays for the last caption
		s.result.InterviewMS = time.Since(s.begun).Milliseconds()
	}
	return nil
}

// prepare needs no time to think. The first question may be said aloud before.
func (s *script) prepare(ctx context.Context, m roomMessage) error {
	if s.Aloud != "" && m.Index == 0 {
		if !s.aloud { // else it is the same turn, told again
			s.aloud = true
			s.group.Go(func() error { return s.hearQuestion(ctx) })
		}
		return nil
	}
	if m.Question != nil {
		s.say("question %d of %d: %s", m.Index+1, m.Total, m.Question.Text)
	}
	return s.room.send("start_answer", nil)
}

// hearQuestion plays what the microphone hears of a question, and tells the server as the page does.
func (s *script) hearQuestion(ctx context.Context) error {
	packets, err := speechFile(s.Aloud, 0)
	if err != nil {
		return err
	}
	if err := s.room.send("voice", map[string]any{"speaking": true}); err != nil {
		return err
	}
	until := min(len(packets), int(s.Interrupt/opusFrame))
	if until == 0 {
		until = len(packets)
	}
	if err := s.peer.speak(ctx, packets[:until]); err != nil {
		return nil //nolint:nilerr // the interview ended meanwhile
	}
	end := map[string]any{"speaking": false}
	if until < len(packets) {
		end["interrupted"] = true
	}
	if err := s.room.send("voice", end); err != nil {
		return err
	}
	if err := s.peer.speak(ctx, packets[until:]); err != nil {
		return nil //nolint:nilerr // as above
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(breath):
	}
	return s.room.send("start_answer", nil)
}

// noteTurn measures how soon after the end of an answer the next turn is there.
func (s *script) noteTurn(m roomMessage) {
	if m.Phase == "answering" {
		s.closes.Store(nil)
		if m.Closing != nil {
			s.say("a countdown began: %d ms", *m.Closing)
			s.closes.Store(new(m.receivedAt.Add(time.Duration(*m.Closing) * time.Millisecond)))
		}
		return
	}
	if closed := s.closes.Swap(nil); closed != nil {
		s.answeredAt = *closed
		s.result.TurnMS = append(s.result.TurnMS, m.receivedAt.Sub(*closed).Milliseconds())
	}
}

// answerProbe has nothing to add.
func (s *script) answerProbe(m roomMessage) error {
	if m.Probe == nil || s.probed == [2]int{m.Index + 1, m.Probe.Index + 1} { // the same turn told again
		return nil
	}
	s.probed = [2]int{m.Index + 1, m.Probe.Index + 1}
	s.say("follow-up: %s", m.Probe.Text)
	if m.Probe.By != "" {
		s.result.FollowUpMS = append(s.result.FollowUpMS, m.receivedAt.Sub(s.answeredAt).Milliseconds())
	}
	return s.room.send("done", nil)
}

// answer speaks, is silent for a breath, and says that it is done. It runs beside the reading of the
// room; the group of the interview waits for it.
func (s *script) answer(ctx context.Context, index int) error {
	name := ""
	if len(s.Speech) > 0 {
		name = s.Speech[index%len(s.Speech)]
	}
	packets, err := speechFile(name, index)
	if err != nil {
		return err
	}
	if err := s.peer.speak(ctx, packets); err != nil {
		return nil //nolint:nilerr // the interview ended while speaking
	}
	if s.Silent {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(breath):
	}
	if s.Answers > 0 && index+1 >= s.Answers {
		return s.room.send("finish", nil)
	}
	s.closes.Store(new(time.Now()))
	return s.room.send("done", nil)
}

// noteCaption measures from the end of the utterance, on the clock that began with the first packet, to
// its caption.
func (s *script) noteCaption(m roomMessage) {
	s.say("caption: %s", m.Text)
	if delay, ok := s.since(m); ok {
		s.result.CaptionMS = append(s.result.CaptionMS, delay)
	}
}

// since returns how long after its end a message came, in milliseconds.
func (s *script) since(m roomMessage) (delay int64, ok bool) {
	began := s.peer.began.Load()
	if began == nil {
		return 0, false
	}
	return m.receivedAt.Sub(began.Add(time.Duration(m.EndMS) * time.Millisecond)).Milliseconds(), true
}
