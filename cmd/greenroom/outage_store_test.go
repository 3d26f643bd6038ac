package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// badStore stands between a server and its object store and makes it a bad one.
type badStore struct {
	server *httptest.Server
	mu     sync.Mutex
	mode   string
}

// The ways in which a store is bad; puts only, where not all requests.
const (
	storeGood    = "good"
	storeSlow    = "slow"                    // takes three seconds for everything
	storeBusy    = "busy"                    // 503 SlowDown
	storeRefuses = "refuses the key"         // 403
	storeLies    = "confirms and stores not" // 200
	storeForgets = "stores and answers 500"  // 500
	storeAway    = "breaks every connection" // nothing
	slowness     = 3 * time.Second           // of a slow store
	badFor       = 4 * time.Second           // each, in CI; a segment of each kind is sealed in six seconds
	awayInSoak   = 10 * time.Minute          // GREENROOM_SOAK
	storeProblem = "<Error><Code>%</Code><Message>a test</Message></Error>"
)

func startBadStore(t *testing.T, store *minio) *badStore {
	t.Helper()
	b := &badStore{mode: storeGood}
	target := &url.URL{Scheme: "http", Host: store.address}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }, // which is signed
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, proxy) }))
	t.Cleanup(b.server.Close)
	return b
}

func (b *badStore) set(mode string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mode = mode
}

func (b *badStore) serve(w http.ResponseWriter, r *http.Request, good http.Handler) {
	b.mu.Lock()
	mode := b.mode
	b.mu.Unlock()
	put := r.Method == http.MethodPut
	problem := func(status int, code string) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Replace(storeProblem, "%", code, 1))
	}
	switch {
	case mode == storeSlow:
		select {
		case <-time.After(slowness):
			good.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	case mode == storeBusy:
		problem(http.StatusServiceUnavailable, "SlowDown")
	case mode == storeRefuses:
		problem(http.StatusForbidden, "SignatureDoesNotMatch")
	case mode == storeLies && put:
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
	case mode == storeForgets && put:
		good.ServeHTTP(httptest.NewRecorder(), r)
		problem(http.StatusInternalServerError, "InternalError")
	case mode == storeAway:
		panic(http.ErrAbortHandler)
	default:
		good.ServeHTTP(w, r)
	}
}

// spoolFigures scrapes what operations see of the spool.
func (p *program) spoolFigures(address string) map[string]float64 {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	figures := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if short, ours := strings.CutPrefix(name, "greenroom_spool_"); ours {
			if figures[short], err = strconv.ParseFloat(value, 64); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return figures
}

// The object store is bad in every way that stores are, one after the other, while a candidate is
// interviewed. The interview does not notice, operations do, and in the end the store has everything once.
func TestBadObjectStoreDuringAnInterview(t *testing.T) {
	t.Parallel()
	store := startMinIO(t)
	bad := startBadStore(t, store)
	metrics := freeAddress(t)
	settings := append(store.settings(), "GREENROOM_METRICS_LISTEN="+metrics)
	settings[0] = "GREENROOM_S3_ENDPOINT=" + bad.server.URL
	p := startProgram(t, preparedFolder(t), settings...)
	candidate, ops := p.logIn(p.accounts().Candidate), p.logIn(p.accounts().Ops)
	run := p.startRehearsal("--demo", "--answers", "1")
	session := run.session()
	run.mediaZero()
	eventually(t, time.Minute, "a first segment in the store", func() bool { return store.objects(session) > 0 })

	worst := map[string]float64{}
	for _, mode := range []string{storeSlow, storeBusy, storeRefuses, storeLies, storeForgets, storeAway} {
		bad.set(mode)
		p.worstFigures(metrics, badFor, worst)
	}
	var meanwhile []*rehearsing
	if os.Getenv("GREENROOM_SOAK") != "" {
		meanwhile = append(p.recordWithoutStore(metrics, worst), run)
	}
	waiting := p.spoolFigures(metrics)
	bad.set(storeGood)
	t.Logf("worst figures %v", worst)
	if waiting["waiting_segments"] == 0 || worst["waiting_bytes"] == 0 || worst["oldest_seconds"] < badFor.Seconds() || worst["failing"] != 1 {
		t.Errorf("operations saw %v at worst and %v at the end of the outage", worst, waiting)
	}
	if len(meanwhile) == 0 {
		run.wait() // its checks: the recording is whole
	}
	if strings.Contains(run.said.String(), "recording failed") {
		t.Errorf("the candidate was told that something is lost")
	}
	all := p.awaitUploaded(ops)
	if objects := store.objects(""); objects != all.Segments {
		t.Errorf("%d rows in the index, %d objects", all.Segments, objects)
	}
	eventually(t, time.Minute, "the figures to be well again", func() bool {
		after := p.spoolFigures(metrics)
		return after["waiting_segments"] == 0 && after["oldest_seconds"] == 0 && after["failing"] == 0 && after["bytes"] == 0
	})
	for _, one := range append(meanwhile, run) {
		candidate.played(t, one.session())
		if gaps := candidate.report(t, one.session()).Gaps; len(gaps) > 0 {
			t.Errorf("the recording of %s has gaps: %+v", one.session(), gaps)
		}
	}
}

// worstFigures keeps the worst of each figure for a while.
func (p *program) worstFigures(metrics string, length time.Duration, worst map[string]float64) {
	p.t.Helper()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); <-look.C {
		for name, value := range p.spoolFigures(metrics) {
			worst[name] = max(worst[name], value)
		}
	}
}

// recordWithoutStore holds one interview after the other for ten minutes without the store. Each ends as
// it should, and has nothing to play yet: that is looked at when the store is back.
func (p *program) recordWithoutStore(metrics string, worst map[string]float64) (held []*rehearsing) {
	p.t.Helper()
	for end := time.Now().Add(awayInSoak); time.Now().Before(end); {
		run := p.startRehearsal("--demo", "--answers", "1")
		held = append(held, run)
		for ended := false; !ended; {
			p.worstFigures(metrics, time.Second, worst)
			select {
			case <-run.ended:
				ended = true
			default:
			}
		}
		said := run.said.String()
		if !strings.Contains(said, "the interview ended: finished") || !strings.Contains(said, "ok     answers are measured") || strings.Contains(said, "recording failed") {
			p.t.Errorf("an interview without the store went wrong:\n%s", said)
		}
	}
	return held
}
