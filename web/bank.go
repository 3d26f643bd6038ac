package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

// bankJSON is the question bank without a single question's text: nobody reads them before the
// interview.
type bankJSON struct {
	Version       string     `json:"version"`
	PracticeTakes int        `json:"practice_takes" doc:"How often practice lets each question be answered; an exam once."`
	FollowUps     int        `json:"follow_ups" doc:"How many follow-up questions of its own a model may ask in a practice interview; 0 where no model is set up."`
	Roles         []roleJSON `json:"roles"`
}

type roleJSON struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Summary string       `json:"summary"`
	Kinds   []kindJSON   `json:"kinds" doc:"What there is to choose from, by kind, in the order in which they are asked."`
	Usual   lengthJSON   `json:"usual" doc:"What an exam has, and practice unless another length is chosen."`
	Lengths []lengthJSON `json:"lengths" doc:"Every length that practice may have."`
}

type kindJSON struct {
	Kind      string `json:"kind" enum:"behavioural,situational,technical"`
	Questions int    `json:"questions" doc:"How many the bank has, other forms of the same question among them."`
}

type lengthJSON struct {
	Questions int `json:"questions"`
	Minutes   int `json:"minutes" doc:"How long that takes at most, rounded up, when each and its follow-up is answered once; without reviews and moments."`
}

type judgeJSON struct {
	Transcriber transcriberJSON `json:"transcriber"`
	Assessor    assessorJSON    `json:"assessor"`
}

type transcriberJSON struct {
	Engine string `json:"engine" doc:"Empty: nothing is written down."`
	Place  string `json:"place"`
}

type assessorJSON struct {
	Model  string `json:"model" doc:"Empty: no model rates; only facts are counted."`
	Second string `json:"second_model,omitempty" doc:"Another model that makes the second rating; absent where the same one does."`
	Place  string `json:"place"`
}

// Judge says who writes down and who judges, and where that happens. An empty engine or model means
// that there is none; a place is [ThisServer] or the host that is sent the audio or the transcript.
type Judge struct {
	TranscriberEngine string
	TranscriberPlace  string
	AssessorModel     string
	AssessorSecond    string // empty: the same model rates a second time
	AssessorPlace     string
	// Provider is what the register says of a place that is not on this machine; zero for one that is.
	Provider consent.Provider
}

// ThisServer is the place of what never leaves the server.
const ThisServer = "this server"

func judgeOf(j Judge) judgeJSON {
	return judgeJSON{
		Transcriber: transcriberJSON{Engine: j.TranscriberEngine, Place: j.TranscriberPlace},
		Assessor:    assessorJSON{Model: j.AssessorModel, Second: j.AssessorSecond, Place: j.AssessorPlace},
	}
}

func (s *Server) bankRoutes() {
	register(s, anyone, huma.Operation{
		OperationID: "get-bank", Method: http.MethodGet, Path: "/bank",
		Summary: "Which interviews can be practised, without the questions' texts",
	}, func(context.Context, consent.Account, *struct{}) (*body[bankJSON], error) {
		return answer(bankOf(s.cfg.Bank, s.cfg.Judge)), nil
	})
	register(s, anyone, huma.Operation{
		OperationID: "get-judge", Method: http.MethodGet, Path: "/judge",
		Summary: "Who writes down and who judges, and where",
	}, func(context.Context, consent.Account, *struct{}) (*body[judgeJSON], error) {
		return answer(judgeOf(s.cfg.Judge)), nil
	})
}

func bankOf(bank assess.Bank, judge Judge) bankJSON {
	out := bankJSON{Version: bank.Version, PracticeTakes: assess.PracticeTakes, FollowUps: judge.followUps(), Roles: make([]roleJSON, 0, len(bank.Roles))}
	for _, role := range bank.Roles {
		shown := roleJSON{
			ID: role.ID, Title: role.Title, Summary: role.Summary,
			Kinds: []kindJSON{}, Usual: lengthOf(role, assess.UsualQuestions), Lengths: []lengthJSON{},
		}
		for _, kind := range assess.Kinds() {
			n := 0
			for _, q := range role.Questions {
				if q.Kind == kind {
					n++
				}
			}
			if n > 0 {
				shown.Kinds = append(shown.Kinds, kindJSON{Kind: kind, Questions: n})
			}
		}
		for n := assess.LeastQuestions; n <= role.MostQuestions(); n++ {
			shown.Lengths = append(shown.Lengths, lengthOf(role, n))
		}
		out.Roles = append(out.Roles, shown)
	}
	return out
}

// followUps is how many questions of its own a model may ask in a practice interview.
func (j Judge) followUps() int {
	if j.AssessorModel == "" {
		return 0
	}
	return assess.MostFollowUps
}

func lengthOf(role assess.Role, questions int) lengthJSON {
	return lengthJSON{Questions: questions, Minutes: int((role.LongestPlan(questions) + time.Minute - 1) / time.Minute)}
}
