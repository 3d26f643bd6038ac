package assess

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"greenroom/assess/openaitest"
	"greenroom/consent"
	"greenroom/media"
)

// recorder lies between the clients and the network: it keeps every byte that goes out, by connection.
type recorder struct {
	mu    sync.Mutex
	dials []string // the addresses, in order
	sent  []*bytes.Buffer
}

type recordedConn struct {
	net.Conn
	recorder *recorder
	sent     *bytes.Buffer
}

func (c recordedConn) Write(p []byte) (int, error) {
	c.recorder.mu.Lock()
	c.sent.Write(p)
	c.recorder.mu.Unlock()
	return c.Conn.Write(p)
}

func (r *recorder) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		sent := new(bytes.Buffer)
		r.dials, r.sent = append(r.dials, address), append(r.sent, sent)
		return recordedConn{conn, r, sent}, nil
	}}}
}

// bytes counts what went out so far.
func (r *recorder) bytes() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sent := range r.sent {
		n += sent.Len()
	}
	return n
}

// interview is a scribe and an assessor of one session, over a recorder, under the same facts.
type interview struct {
	t        *testing.T
	recorder *recorder
	facts    *facts
	assessor *Assessor
	kept     *keptResults
	scribe   *Scribe
	desk     *scribeDesk
	heard    int
}

func newRecordedInterview(t *testing.T, server *openaitest.Server) *interview {
	t.Helper()
	i := &interview{t: t, recorder: &recorder{}, desk: &scribeDesk{}}
	config := testConfig(server)
	config.HTTPClient = i.recorder.client()
	i.assessor, i.kept, _, i.facts = bench(t, good)
	i.assessor.Model = testModel(t, config)
	i.kept.names = NamesOf("Zoqueline Vaxquarro", "zoq.vaxquarro@brightfjord.example")
	permit := func(artefact consent.Artefact) func(context.Context, consent.SessionID) (consent.Permit, error) {
		return func(ctx context.Context, id consent.SessionID) (consent.Permit, error) {
			return i.assessor.Gate.Permit(ctx, consent.Actor{Kind: consent.ActorScribe}, id, artefact)
		}
	}
	hearing := i.desk.config(testTranscriber(t, config))
	hearing.Permit, hearing.Leave, hearing.Own = permit(consent.ArtefactTranscript), permit(consent.ArtefactModel), &namedTranscriber{name: "own"}
	hearing.Save = func(context.Context, consent.Permit, Line) error { return nil }
	scribe, stop := running(t, hearing)
	t.Cleanup(func() { must(t, stop()) })
	i.scribe = scribe
	return i
}

// run hears an utterance, gathers evidence in a line, and assesses the answer.
func (i *interview) run() {
	i.t.Helper()
	u := twoSeconds()
	u.Session, u.Sequence = "session", i.heard
	i.heard++
	i.scribe.Hear(u)
	must(i.t, i.scribe.Drain(i.t.Context()))
	clear(i.kept.evidence)
	must(i.t, i.assessor.Evidence(i.t.Context(), "session", i.kept.lines[0].Ref()))
	must(i.t, i.assessor.Answer(i.t.Context(), "session", 0, 1))
}

// A whole interview's words and sound go to one address, in requests of which every byte is accounted for:
// a method, a path, headers, and fields that are on the list. Before the consent, after its withdrawal and
// after an objection nothing goes out at all.
func TestEveryByteThatLeavesIsOnTheList(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	server.AnswerChat(goodThere)
	i := newRecordedInterview(t, server)
	i.kept.lines[0].Words = say(0, 1, "My name is Zoqueline Vaxquarro and "+spoken).Words
	silent := func(when string, change func()) {
		t.Helper()
		before := i.recorder.bytes()
		change()
		i.run()
		if got := i.recorder.bytes() - before; got != 0 {
			t.Errorf("%s: %d bytes left", when, got)
		}
	}
	silent("before the consent", func() { i.facts.withdrawn.Store(true) })
	i.facts.withdrawn.Store(false)
	i.run()
	if len(i.kept.ratings) == 0 || len(i.kept.evidence) == 0 {
		t.Fatalf("%d ratings, %d lines with evidence: nothing was assessed", len(i.kept.ratings), len(i.kept.evidence))
	}
	silent("after an objection", func() { i.facts.objected.Store(true) })
	silent("after the withdrawal", func() { i.facts.objected.Store(false); i.facts.withdrawn.Store(true) })
	here := strings.TrimSuffix(strings.TrimPrefix(server.BaseURL(), "http://"), "/v1")
	paths := map[string]int{}
	for at, sent := range i.recorder.sent {
		if i.recorder.dials[at] != here {
			t.Errorf("a connection to %s, want %s only", i.recorder.dials[at], here)
		}
		if strings.Contains(strings.ToLower(sent.String()), "vaxquarro") {
			t.Error("the candidate's name left")
		}
		reader := bufio.NewReader(sent)
		for {
			request, err := http.ReadRequest(reader)
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			paths[request.URL.Path]++
			checkLeft(t, request, here)
		}
	}
	if paths["/v1"+pathChat] < 2 || paths["/v1"+pathSpeech] != 1 || len(paths) != 2 {
		t.Errorf("requests by path: %v", paths)
	}
}

// checkLeft holds one request against the lists.
func checkLeft(t *testing.T, request *http.Request, host string) {
	t.Helper()
	body, err := io.ReadAll(request.Body)
	must(t, err)
	if request.Method != http.MethodPost || request.Host != host || request.URL.RawQuery != "" || len(request.Trailer) != 0 || len(request.TransferEncoding) != 0 {
		t.Errorf("%s %s for %s, trailer %v", request.Method, request.URL, request.Host, request.Trailer)
	}
	kind, parameters, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	must(t, err)
	for name, values := range request.Header {
		want := map[string]string{"Authorization": "Bearer " + testKey, "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}[name]
		known := slices.Contains([]string{"Accept", "Content-Length", "Content-Type", "Connection", "Cache-Control"}, name)
		if len(values) != 1 || want == "" && !known || want != "" && values[0] != want {
			t.Errorf("header %s: %q", name, values)
		}
	}
	if kind == "application/json" {
		var chat map[string]any
		must(t, json.Unmarshal(body, &chat))
		checkFields(t, "", chat)
		return
	}
	form, err := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]).ReadForm(maxOutgoing)
	must(t, err)
	if len(form.File) != 1 || len(form.File["file"]) != 1 || form.File["file"][0].Size != int64(wavHeader+2*len(twoSeconds().PCM)) {
		t.Errorf("files %v", form.File)
	}
	for name, values := range form.Value {
		if !slices.Contains([]string{"model", "response_format", "timestamp_granularities[]"}, name) {
			t.Errorf("the form has %s: %q", name, values)
		}
	}
}

// checkFields walks what was sent, and the questions inside its messages, and refuses a field that is not
// among fieldsThatLeave. What an answer must look like, the schema, is this program's own constant.
func checkFields(t *testing.T, under string, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			path := under + name
			switch {
			case !slices.Contains(fieldsThatLeave, path):
				t.Errorf("the field %s left", path)
			case path == "response_format.json_schema.schema", strings.HasSuffix(path, "competency.anchors"):
			default:
				checkFields(t, path+".", inner)
			}
		}
		if value["role"] == "user" {
			var question map[string]any
			must(t, json.Unmarshal([]byte(value["content"].(string)), &question)) //nolint:forcetypeassert // fails the test
			checkFields(t, "", question)
		}
	case []any:
		for _, inner := range value {
			checkFields(t, under, inner)
		}
	}
}

// Words that would tell a provider to keep, to learn from, or whose words these are.
func TestNothingThatLeavesIsForTrainingOrNamesSomebody(t *testing.T) {
	t.Parallel()
	banned := []string{"store", "metadata", "user", "safety_identifier", "training", "train", "fine_tune", "feedback", "session", "account", "organization", "service_tier", "tools"}
	for _, field := range fieldsThatLeave {
		for part := range strings.SplitSeq(field, ".") {
			if slices.Contains(banned, part) {
				t.Errorf("the field %s is on the list of what leaves", field)
			}
		}
	}
	for _, name := range banned {
		raw := []byte(`{"model":"m","messages":[],"` + name + `":true}`)
		if _, err := (&wire{}).outgoingChat(raw); !errors.Is(err, errOutgoing) {
			t.Errorf("a request with %q is sent: %v", name, err)
		}
		var out bytes.Buffer
		form := multipart.NewWriter(&out)
		must(t, form.WriteField(name, "true"))
		file, err := form.CreateFormFile("file", utteranceFile)
		must(t, err)
		_, err = file.Write(wavFile(make([]float32, media.SampleRate/10)))
		must(t, errors.Join(err, form.Close()))
		if _, _, err := outgoingSpeech(out.Bytes(), form.FormDataContentType()); !errors.Is(err, errOutgoing) {
			t.Errorf("a form with %q is sent: %v", name, err)
		}
	}
}
