package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

func TestBankShowsNoQuestion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	got := s.nobody(t).get("/api/v1/bank").want(http.StatusOK)
	var bank bankJSON
	got.into(&bank)
	source := s.server.cfg.Bank
	if bank.Version != source.Version || len(bank.Roles) != len(source.Roles) {
		t.Fatalf("bank %+v", bank)
	}
	for i, role := range source.Roles {
		for _, q := range role.Questions {
			for _, secret := range append([]string{q.ID, q.Text, q.Example, q.NearMiss}, q.Probes...) {
				if secret != "" && strings.Contains(string(got.body), secret) {
					t.Errorf("the bank shows %q", secret)
				}
			}
		}
		shown, questions := bank.Roles[i], 0
		for _, kind := range shown.Kinds {
			questions += kind.Questions
		}
		if questions != len(role.Questions) {
			t.Errorf("role %s: kinds %+v for %d questions", role.ID, shown.Kinds, len(role.Questions))
		}
		if len(shown.Lengths) != role.MostQuestions()-1 || shown.Usual != shown.Lengths[2] {
			t.Errorf("role %s: lengths %+v, the usual is %+v", role.ID, shown.Lengths, shown.Usual)
		}
		for j, length := range shown.Lengths {
			limit, minutes := role.LongestPlan(length.Questions), time.Duration(length.Minutes)*time.Minute
			if length.Questions != j+2 || minutes < limit || minutes >= limit+time.Minute {
				t.Errorf("role %s: %+v for %v", role.ID, length, limit)
			}
		}
	}
}

func TestJudgeIsNamed(t *testing.T) {
	t.Parallel()
	var judge judgeJSON
	newStage(t).nobody(t).get("/api/v1/judge").want(http.StatusOK).into(&judge)
	want := judgeJSON{transcriberJSON{"moonshine-tiny", ThisServer}, assessorJSON{Model: "judge-1", Place: "models.example.org"}}
	if judge != want {
		t.Errorf("judge %+v, want %+v", judge, want)
	}
}

func (p *person) newSession() sessionJSON {
	p.t.Helper()
	var session sessionJSON
	p.do(http.MethodPost, "/api/v1/sessions", map[string]any{"role": "software-engineer", "mode": "practice"}).want(http.StatusCreated).into(&session)
	return session
}

func TestPastedTextPrefersQuestionsAndIsNotKept(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	text := "My secret employer. Ten years of idempotency keys, unique constraints and PostgreSQL."
	var fit fitJSON
	p.do(http.MethodPost, "/api/v1/fit", map[string]any{"role": "software-engineer", "text": text}).want(http.StatusOK).into(&fit)
	if !slices.Contains(fit.Words, "PostgreSQL") || fit.Questions == 0 {
		t.Errorf("the text fits %+v", fit)
	}
	p.do(http.MethodPost, "/api/v1/fit", map[string]any{"role": "astronaut", "text": text}).want(http.StatusUnprocessableEntity)
	p.do(http.MethodPost, "/api/v1/fit", map[string]any{"role": "software-engineer", "text": strings.Repeat("a", 100_001)}).want(http.StatusUnprocessableEntity)
	var session sessionJSON
	p.do(http.MethodPost, "/api/v1/sessions", map[string]any{"role": "software-engineer", "mode": "practice", "text": text}).want(http.StatusCreated).into(&session)
	s.set(func(w *world) {
		plan, err := json.Marshal(w.plans[session.ID])
		if err != nil || strings.Contains(string(plan), "secret employer") {
			t.Errorf("the plan keeps the text: %s, %v", plan, err)
		}
		if !strings.Contains(string(plan), "dempoten") {
			t.Error("what the text is about is not asked")
		}
	})
	if strings.Contains(s.log.String(), "secret employer") {
		t.Error("the text is in the log")
	}
}

func TestSessionHasTheLengthThatWasChosen(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	begin := func(body map[string]any) reply {
		return p.do(http.MethodPost, "/api/v1/sessions", maps.Collect(func(yield func(string, any) bool) {
			_ = yield("role", "software-engineer") && yield("mode", "practice")
			for name, value := range body {
				yield(name, value)
			}
		}))
	}
	for _, c := range []struct {
		body             map[string]any
		questions, takes int
	}{
		{map[string]any{}, 4, 3},
		{map[string]any{"questions": 2}, 2, 3},
		{map[string]any{"questions": 4}, 4, 3},
		{map[string]any{"mode": "exam"}, 4, 1},
		{map[string]any{"mode": "exam", "questions": 4}, 4, 1},
	} {
		var session sessionJSON
		begin(c.body).want(http.StatusCreated).into(&session)
		if session.Questions != c.questions || session.Takes != c.takes {
			t.Errorf("%v: %d questions, %d takes, want %d and %d", c.body, session.Questions, session.Takes, c.questions, c.takes)
		}
		if plan := s.plans[session.ID]; len(plan.Questions) != c.questions || plan.Mode != session.Mode {
			t.Errorf("%v: the plan has %d questions, mode %q", c.body, len(plan.Questions), plan.Mode)
		}
	}
	for _, body := range []map[string]any{{"questions": 1}, {"questions": 9}, {"mode": "exam", "questions": 3}, {"role": "astronaut"}, {"questions": "4"}} {
		begin(body).want(http.StatusUnprocessableEntity).problem()
	}
}

func TestFollowUpsAreForWhoChoosesThemInPracticeWithAModel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode  string
		asked any
		judge Judge
		want  int
	}{
		"chosen":          {"practice", true, Judge{AssessorModel: "judge-1"}, assess.MostFollowUps},
		"not chosen":      {"practice", false, Judge{AssessorModel: "judge-1"}, 0},
		"nothing said":    {"practice", nil, Judge{AssessorModel: "judge-1"}, 0},
		"in an exam":      {"exam", true, Judge{AssessorModel: "judge-1"}, 0},
		"without a model": {"practice", true, Judge{}, 0},
	} {
		s := newStage(t, func(config *Config) { config.Judge = c.judge })
		asked := map[string]any{"role": "software-engineer", "mode": c.mode}
		if c.asked != nil {
			asked["follow_ups"] = c.asked
		}
		p := s.candidate(t)
		var session sessionJSON
		p.do(http.MethodPost, "/api/v1/sessions", asked).want(http.StatusCreated).into(&session)
		s.set(func(w *world) {
			if got := w.plans[session.ID].FollowUps; got != c.want {
				t.Errorf("%s: %d follow-ups, want %d", name, got, c.want)
			}
		})
		var bank bankJSON
		if p.get("/api/v1/bank").want(http.StatusOK).into(&bank); bank.FollowUps != c.judge.followUps() {
			t.Errorf("%s: the page offers %d follow-ups", name, bank.FollowUps)
		}
	}
}

func TestPracticeAsksOtherQuestionsAndAnExamTheSame(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	role := assess.Role{ID: "r", Title: "R"}
	for i := range 8 {
		role.Questions = append(role.Questions, assess.Question{ID: string(rune('a' + i)), Kind: "behavioural", Competencies: []string{"c"}, AnswerFor: time.Minute})
	}
	s.server.cfg.Bank = assess.Bank{Version: "v", Roles: []assess.Role{role}, Competencies: map[string]assess.Competency{"c": {ID: "c"}}}
	ids := func(p *person, mode string) []string {
		t.Helper()
		var session sessionJSON
		p.do(http.MethodPost, "/api/v1/sessions", map[string]any{"role": "r", "mode": mode}).want(http.StatusCreated).into(&session)
		var ids []string
		for _, q := range s.plans[session.ID].Questions {
			ids = append(ids, q.ID)
		}
		return ids
	}
	p, other := s.candidate(t), s.candidate(t)
	if both := append(ids(p, "practice"), ids(p, "practice")...); len(slices.Compact(slices.Sorted(slices.Values(both)))) != 8 {
		t.Errorf("two interviews of four ask %q of eight questions", both)
	}
	exam := ids(p, "exam")
	for range 5 {
		if again := ids(other, "exam"); !slices.Equal(again, exam) {
			t.Errorf("an exam asks %q, another %q", exam, again)
		}
	}
}

func TestSessionFromStartToConsent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	session := p.newSession()
	if session.State != consent.SessionScheduled || session.Consents != (consentsJSON{}) || session.NoticeSHA256 != "" {
		t.Errorf("new session %+v: want nothing consented", session)
	}
	var notice noticeJSON
	p.get(sessionPathOf(session.ID, "notice")).want(http.StatusOK).into(&notice)
	if notice.SHA256 != (consent.Notice{Text: notice.Text}).SHA256() || notice.Version == 0 {
		t.Errorf("notice %q does not hash to %s", notice.Text, notice.SHA256)
	}
	answer := func(hash string, recording, transcription, assessment bool) reply {
		return p.do(http.MethodPost, sessionPathOf(session.ID, "consents"), map[string]any{
			"notice_sha256": hash, "recording": recording, "transcription": transcription, "assessment": assessment,
		})
	}
	answer(strings.Repeat("0", 64), true, true, true).want(http.StatusConflict).problem()
	answer(notice.SHA256, true, false, true).want(http.StatusUnprocessableEntity).problem()
	answer(notice.SHA256, false, true, false).want(http.StatusOK).into(&session)
	if session.State != consent.SessionConsented || session.Consents != (consentsJSON{Transcription: true}) || session.NoticeSHA256 != notice.SHA256 {
		t.Errorf("answered session %+v", session)
	}
	answer(notice.SHA256, true, true, true).want(http.StatusConflict).problem()
	if count := len(slices.DeleteFunc(slices.Clone(s.writes), func(w string) bool { return w != "GiveConsents" })); count != 1 {
		t.Errorf("consents were stored %d times, want once", count)
	}
	p.do(http.MethodPost, sessionPathOf(session.ID, "consents/withdraw"), map[string]any{"consent": "transcription"}).want(http.StatusOK).into(&session)
	if session.Consents != (consentsJSON{}) {
		t.Errorf("consents after withdrawal: %+v", session.Consents)
	}
	p.do(http.MethodPost, sessionPathOf(session.ID, "consents/withdraw"), map[string]any{"consent": "everything"}).want(http.StatusUnprocessableEntity)
}

// P39: every box may stay empty.
func TestRefusingEverythingIsFine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	session := p.newSession()
	p.do(http.MethodPost, sessionPathOf(session.ID, "consents"), map[string]any{
		"notice_sha256": s.server.notice.SHA256(), "recording": false, "transcription": false, "assessment": false,
	}).want(http.StatusOK).into(&session)
	if session.State != consent.SessionConsented {
		t.Errorf("state %s, want consented", session.State)
	}
	p.get("/api/v1/sessions/" + string(session.ID)).want(http.StatusOK)
}

func TestListHasOnesOwnSessions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	mine := p.newSession()
	s.candidate(t).newSession()
	s.share(mine.ID, s.employer(t, "Acme"), consent.ScopeRatings)
	var list sessionsJSON
	p.get("/api/v1/sessions").want(http.StatusOK).into(&list)
	if len(list.Sessions) != 1 || list.Sessions[0].ID != mine.ID || list.Sessions[0].SharedWith == nil || *list.Sessions[0].SharedWith != 1 {
		t.Errorf("list %+v", list)
	}
	var empty sessionsJSON
	got := s.candidate(t).get("/api/v1/sessions").want(http.StatusOK)
	got.into(&empty)
	if string(got.body) != "{\"sessions\":[]}\n" {
		t.Errorf("empty list %s: want [] and never null", got.body)
	}
}

func TestSelfRatingIsStored(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	competency := s.plans[id].Questions[1].Competencies[0]
	rate := func(path string, level int) reply {
		return p.do(http.MethodPut, sessionPathOf(id, "answers/"+path), map[string]any{"level": level})
	}
	rate("1/2/self-ratings/"+competency, 4).want(http.StatusNoContent)
	if len(s.ratings) != 1 {
		t.Fatalf("ratings %v, want one", s.ratings)
	}
	level, ok := s.ratings[0].Level()
	if r := s.ratings[0]; r.Question() != 1 || r.Take() != 2 || r.Competency() != competency || r.Rater().Kind != assess.RaterSelf || level != 4 || !ok {
		t.Errorf("rating %+v", r)
	}
	for path, want := range map[string]int{
		"1/2/self-ratings/charm":           http.StatusNotFound,
		"99/1/self-ratings/" + competency:  http.StatusNotFound,
		"-1/1/self-ratings/" + competency:  http.StatusUnprocessableEntity,
		"1/0/self-ratings/" + competency:   http.StatusUnprocessableEntity,
		"one/1/self-ratings/" + competency: http.StatusUnprocessableEntity,
	} {
		if got := rate(path, 3); got.status != want {
			t.Errorf("%s: got %d, want %d", path, got.status, want)
		}
	}
	for _, level := range []int{0, 6, -1} {
		rate("1/2/self-ratings/"+competency, level).want(http.StatusUnprocessableEntity).problem()
	}
}

func TestSharingFromGrantToWithdrawal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	var organizations organizationsJSON
	p.get("/api/v1/organizations").want(http.StatusOK).into(&organizations)
	org := organizations.Organizations[0].ID
	grant := map[string]any{"org_id": org, "purpose": "hiring", "scopes": []string{"ratings", "transcript"}, "valid_until": testNow.Add(24 * time.Hour)}
	var authorization authorizationJSON
	p.do(http.MethodPost, sessionPathOf(id, "authorizations"), grant).want(http.StatusCreated).into(&authorization)
	if authorization.OrgName != "Acme" || authorization.State != consent.AuthorizationGranted || len(authorization.Scopes) != 2 {
		t.Errorf("authorization %+v", authorization)
	}
	watcher.get(sharedPath(id, "report")).want(http.StatusOK)
	var shared sharedListJSON
	watcher.get("/api/v1/shared").want(http.StatusOK).into(&shared)
	if len(shared.Sessions) != 1 || shared.Sessions[0].ID != id || shared.Sessions[0].LengthMS != 60_000 {
		t.Errorf("shared list %+v", shared)
	}
	var accesses accessesJSON
	p.get(sessionPathOf(id, "accesses")).want(http.StatusOK).into(&accesses)
	if len(accesses.Accesses) != 3 || accesses.Accesses[1].Artefact != consent.ArtefactRatings {
		t.Errorf("accesses %+v, want session, ratings and transcript", accesses)
	}
	p.do(http.MethodPost, sessionPathOf(id, "authorizations/"+string(authorization.ID)+"/withdraw"), nil).want(http.StatusNoContent)
	watcher.get(sharedPath(id, "report")).want(http.StatusNotFound)
	var list authorizationsJSON
	p.get(sessionPathOf(id, "authorizations")).want(http.StatusOK).into(&list)
	if len(list.Authorizations) != 1 || list.Authorizations[0].State != consent.AuthorizationWithdrawn || list.Authorizations[0].EndedAt.IsZero() {
		t.Errorf("authorizations %+v", list)
	}
}

func TestSharingRefusesTheImpossible(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	for name, c := range map[string]struct {
		change map[string]any
		want   int
	}{
		"no parts":                 {map[string]any{"scopes": []string{}}, http.StatusUnprocessableEntity},
		"null parts":               {map[string]any{"scopes": nil}, http.StatusUnprocessableEntity},
		"an unknown part":          {map[string]any{"scopes": []string{"everything"}}, http.StatusUnprocessableEntity},
		"a part twice":             {map[string]any{"scopes": []string{"ratings", "ratings"}}, http.StatusUnprocessableEntity},
		"a resume nobody holds":    {map[string]any{"scopes": []string{"resume"}}, http.StatusUnprocessableEntity},
		"an unknown purpose":       {map[string]any{"purpose": "curiosity"}, http.StatusUnprocessableEntity},
		"the past":                 {map[string]any{"valid_until": testNow}, http.StatusUnprocessableEntity},
		"more than 180 days":       {map[string]any{"valid_until": testNow.Add(180*24*time.Hour + time.Second)}, http.StatusUnprocessableEntity},
		"an unknown organization":  {map[string]any{"org_id": consent.NewID[consent.OrgID]()}, http.StatusNotFound},
		"a malformed organization": {map[string]any{"org_id": "acme"}, http.StatusNotFound},
		"a state of one's own":     {map[string]any{"state": "granted"}, http.StatusUnprocessableEntity},
	} {
		body := map[string]any{"org_id": watcher.account.Org, "purpose": "hiring", "scopes": []string{"ratings"}, "valid_until": testNow.Add(time.Hour)}
		maps.Copy(body, c.change)
		got := p.do(http.MethodPost, sessionPathOf(id, "authorizations"), body)
		if got.status != c.want {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.body, c.want)
			continue
		}
		got.problem()
	}
	if slices.Contains(s.writes, "Authorize") {
		t.Error("something impossible was stored")
	}
}

func TestCaptionsAreTheTranscript(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	got := p.get(sessionPathOf(id, "captions.vtt")).want(http.StatusOK)
	want := "WEBVTT\n\n00:00:01.000 --> 00:00:01.300\nloosemoose\n\n" +
		"00:00:10.000 --> 00:00:12.700\nthe zebra and the quokka &lt;b&gt;&amp; ran\n"
	if string(got.body) != want || got.header.Get("Content-Type") != "text/vtt; charset=utf-8" {
		t.Errorf("got %s %q, want %q", got.header.Get("Content-Type"), got.body, want)
	}
}

func TestOperationsSeeNumbersOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var overview overviewJSON
	s.person(t, consent.Account{Kind: consent.AccountOps}).get("/api/v1/ops/overview").want(http.StatusOK).into(&overview)
	if overview.Sessions["live"] != 2 || overview.Jobs["available"] != 1 || overview.SpoolFiles != 3 || overview.Build != "test" {
		t.Errorf("overview %+v", overview)
	}
}
