package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"greenroom/consent"
	"greenroom/web"
)

// refusalProbes is how many refusals of each kind are timed.
const refusalProbes = 5_000

// BenchmarkRefusals asks for two kinds of sessions in turn, one whose authorization was withdrawn and ones
// that never were, 10,000 times over HTTP, and says by Welch's t-test whether their times tell them apart.
// It is run by hand (`make bench`); a busy machine adds noise to both kinds alike. The server runs in this
// process, because no account may ask so often otherwise.
func BenchmarkRefusals(b *testing.B) {
	a := startInside(b, b.TempDir())
	demo := *a.banner.demo
	candidate, employer := &browser{address: a.banner.address}, &browser{address: a.banner.address}
	candidate.post(b, "/api/v1/log-in", proofOf(b, a.DataDir, demo.Candidate), http.StatusOK)
	employer.post(b, "/api/v1/log-in", proofOf(b, a.DataDir, demo.Employer), http.StatusOK)
	withdrawn := withdrawnSession(b, candidate)
	for b.Loop() {
		var known, unknown []float64
		for range refusalProbes {
			known = append(known, timeRefusal(b, employer, withdrawn))
			unknown = append(unknown, timeRefusal(b, employer, string(consent.NewID[consent.SessionID]())))
		}
		statistic, probability := welch(known, unknown)
		b.ReportMetric(mean(withoutSlowest(known)), "µs-withdrawn")
		b.ReportMetric(mean(withoutSlowest(unknown)), "µs-unknown")
		b.ReportMetric(mean(withoutSlowest(known))-mean(withoutSlowest(unknown)), "µs-apart")
		b.ReportMetric(statistic, "t")
		b.ReportMetric(probability, "p")
	}
}

// startInside starts a server inside this process, with no limits on requests.
func startInside(b testing.TB, dataDir string, flags ...string) *app {
	b.Helper()
	var c commands
	parser, err := kong.New(&c)
	if err != nil {
		b.Fatal(err)
	}
	lib, err := filepath.Abs("../../.greenroom/lib")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{
		"serve", "--listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0", "--metrics-listen", "",
		"--data-dir", dataDir, "--lib-dir", lib, "--log-level", "error",
	}, flags...)); err != nil {
		b.Fatal(err)
	}
	if err := c.Serve.validate(); err != nil {
		b.Fatal(err)
	}
	const many = 1_000_000
	log := slog.New(slog.DiscardHandler)
	a := &app{config: &c.Serve.config, log: log, services: newServices(log), limits: web.Limits{AnonymousPerMinute: many, AccountPerMinute: many, LogInPerMinute: many, MediaPerSecond: many}}
	b.Cleanup(func() {
		if err := a.stopAll(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	if err := a.start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return a
}

// timeRefusal returns how long one refusal took, in microseconds.
func timeRefusal(b *testing.B, as *browser, id string) float64 {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, as.address+"/api/v1/shared/"+id+"/report", nil)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	answer, err := as.do(request)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	took := time.Since(began)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		b.Fatalf("a session that cannot be seen answers %s", answer.Status)
	}
	return float64(took) / float64(time.Microsecond)
}

// withdrawnSession returns a session whose only authorization was withdrawn.
func withdrawnSession(b *testing.B, candidate *browser) string {
	b.Helper()
	ask := func(method, path string, in any, status int, out any) {
		b.Helper()
		text := ""
		if in != nil {
			raw, err := json.Marshal(in)
			if err != nil {
				b.Fatal(err)
			}
			text = string(raw)
		}
		answer := candidate.call(b, method, "/api/v1/"+path, text, status)
		if out != nil {
			if err := json.Unmarshal([]byte(answer), out); err != nil {
				b.Fatal(err)
			}
		}
	}
	var bank struct{ Roles []struct{ ID string } }
	ask(http.MethodGet, "bank", nil, http.StatusOK, &bank)
	var session, authorization struct{ ID string }
	ask(http.MethodPost, "sessions", map[string]any{"role": bank.Roles[0].ID, "mode": "practice"}, http.StatusCreated, &session)
	var notice struct{ SHA256 string }
	ask(http.MethodGet, "sessions/"+session.ID+"/notice", nil, http.StatusOK, &notice)
	ask(http.MethodPost, "sessions/"+session.ID+"/consents", map[string]any{
		"notice_sha256": notice.SHA256, "recording": false, "transcription": false, "assessment": false,
	}, http.StatusOK, nil)
	var organizations struct{ Organizations []struct{ ID string } }
	ask(http.MethodGet, "organizations", nil, http.StatusOK, &organizations)
	ask(http.MethodPost, "sessions/"+session.ID+"/authorizations", map[string]any{
		"org_id": organizations.Organizations[0].ID, "purpose": "practice_review", "scopes": []string{"ratings"},
		"valid_until": time.Now().Add(time.Hour).UTC(),
	}, http.StatusCreated, &authorization)
	ask(http.MethodPost, "sessions/"+session.ID+"/authorizations/"+authorization.ID+"/withdraw", nil, http.StatusNoContent, nil)
	return session.ID
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// welch returns the statistic of Welch's t-test of two samples and the probability of one as large if
// both kinds take the same time; with thousands of values the normal distribution stands for Student's.
// The slowest hundredth of each is left out: it is the machine's.
func welch(x, y []float64) (statistic, probability float64) {
	x, y = withoutSlowest(x), withoutSlowest(y)
	statistic = (mean(x) - mean(y)) / math.Sqrt(variance(x)/float64(len(x))+variance(y)/float64(len(y)))
	return statistic, math.Erfc(math.Abs(statistic) / math.Sqrt2)
}

func withoutSlowest(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[:len(sorted)*99/100]
}

func variance(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(values)-1)
}

func TestWelchTellsDifferentTimesApart(t *testing.T) {
	t.Parallel()
	var low, high []float64
	for i := range 1000 {
		low, high = append(low, float64(i%10)), append(high, float64(i%10)+1)
	}
	if _, same := welch(low, slices.Clone(low)); same < 0.99 {
		t.Errorf("the same times are told apart: p = %v", same)
	}
	if _, apart := welch(low, high); apart > 0.001 {
		t.Errorf("different times are not told apart: p = %v", apart)
	}
}
