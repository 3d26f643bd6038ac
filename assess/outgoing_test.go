package assess

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"greenroom/assess/openaitest"
	"greenroom/media"
)

// fieldsThatLeave are the fields of everything that is sent to a language model, once and for all: whoever
// adds one thinks about it here.
var fieldsThatLeave = []string{
	"answer", "answer.utterance", "answer.words", "competency", "competency.anchors", "competency.definition",
	"competency.id", "competency.name", "evidence", "evidence.first", "evidence.last", "evidence.part",
	"evidence.polarity", "evidence.utterance", "question",
	"levels", "levels.anchor", "levels.level", "marked", "marked.first", "marked.last", "marked.part", "marked.polarity",
	"marked.utterance", "marked.competency", "marked.number", "counted", "counted.name", "counted.unit", "counted.value", "levels.competency", "meaning", "name", "said", "said.utterance", "said.words",
	"competencies", "competencies.anchors", "competencies.definition", "competencies.id", "competencies.name", "words",
	"max_completion_tokens", "max_tokens", "messages", "messages.content", "messages.role", "model", "response_format",
	"response_format.json_schema", "response_format.json_schema.name", "response_format.json_schema.schema",
	"response_format.json_schema.strict", "response_format.type", "seed", "stream", "stream_options",
	"stream_options.include_usage", "temperature",
	"input", "voice", // of a question to say aloud, beside its model and response_format
}

func TestOnlyTheseFieldsLeave(t *testing.T) {
	t.Parallel()
	want := slices.Clone(fieldsThatLeave)
	var got []string
	for _, shape := range []any{ratingQuestion{}, ratingAgainQuestion{}, feedbackQuestion{}, evidenceQuestion{}, outgoingChat{}, outgoingVoice{}} {
		got = append(got, fieldsOf(reflect.TypeOf(shape), "")...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("fields that leave:\n%q\nwant\n%q", got, want)
	}
}

func fieldsOf(kind reflect.Type, under string) (names []string) {
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct {
		return nil
	}
	for field := range kind.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, under+name)
		names = append(names, fieldsOf(field.Type, under+name+".")...)
	}
	return names
}

func TestRequestsThatHoldMoreAreNotSent(t *testing.T) {
	t.Parallel()
	system, user := `{"role":"system","content":"You find evidence"}`, `{"role":"user","content":"{\"question\":\"q\"}"}`
	form := func(parts ...func(*multipart.Writer)) (string, string) {
		var out bytes.Buffer
		w := multipart.NewWriter(&out)
		for _, add := range parts {
			add(w)
		}
		must(t, w.Close())
		return out.String(), w.FormDataContentType()
	}
	field := func(name, value string) func(*multipart.Writer) {
		return func(w *multipart.Writer) { must(t, w.WriteField(name, value)) }
	}
	file := func(name string, content []byte) func(*multipart.Writer) {
		return func(w *multipart.Writer) {
			to, err := w.CreateFormFile("file", name)
			must(t, err)
			_, err = to.Write(content)
			must(t, err)
		}
	}
	sound := wavFile(make([]float32, media.SampleRate/10))
	tagged := append(slices.Clone(sound), "LIST\x04\x00\x00\x00Jane"...)
	const ours = "http://ai.example/v1"
	for name, c := range map[string]struct {
		url, body, kind string
		form            func() (string, string)
		sent            bool
	}{
		"a question":              {url: ours + pathChat, body: `{"model":"m","messages":[` + user + `],"stream":true}`, sent: true},
		"a user's name":           {url: ours + pathChat, body: `{"model":"m","user":"jane","messages":[` + user + `]}`},
		"metadata":                {url: ours + pathChat, body: `{"model":"m","metadata":{"session":"1"},"messages":[` + user + `]}`},
		"a tool":                  {url: ours + pathChat, body: `{"model":"m","tools":[],"messages":[` + user + `]}`},
		"other instructions":      {url: ours + pathChat, body: `{"model":"m","messages":[` + system + `]}`},
		"another role":            {url: ours + pathChat, body: `{"model":"m","messages":[{"role":"tool","content":"{}"}]}`},
		"a named message":         {url: ours + pathChat, body: `{"model":"m","messages":[{"role":"user","name":"jane","content":"{}"}]}`},
		"free text":               {url: ours + pathChat, body: `{"model":"m","messages":[{"role":"user","content":"Jane said"}]}`},
		"one more field asked":    {url: ours + pathChat, body: `{"model":"m","messages":[{"role":"user","content":"{\"question\":\"q\",\"candidate\":\"Jane\"}"}]}`},
		"text after the question": {url: ours + pathChat, body: `{"model":"m","messages":[{"role":"user","content":"{} Jane"}]}`},
		"two bodies":              {url: ours + pathChat, body: `{"model":"m","messages":[]} {"jane":1}`},
		"another path":            {url: ours + "/files", body: `{}`},
		"a query":                 {url: ours + pathChat + "?user=jane", body: `{"model":"m","messages":[]}`},
		"another server":          {url: "http://other.example/v1" + pathChat, body: `{"model":"m","messages":[]}`},
		"sound":                   {url: ours + pathSpeech, form: func() (string, string) { return form(field("model", "m"), file("utterance.wav", sound)) }, sent: true},
		"words to expect":         {url: ours + pathSpeech, form: func() (string, string) { return form(field("prompt", "Jane"), file("utterance.wav", sound)) }},
		"a file named for her":    {url: ours + pathSpeech, form: func() (string, string) { return form(file("jane.wav", sound)) }},
		"a sound with tags":       {url: ours + pathSpeech, form: func() (string, string) { return form(file("utterance.wav", tagged)) }},
		"no sound":                {url: ours + pathSpeech, form: func() (string, string) { return form(file("utterance.wav", []byte("Jane"))) }},
		"a question to say":       {url: ours + pathVoice, body: `{"model":"m","voice":"v","input":"Why?","response_format":"mp3"}`, sent: true},
		"another text to say":     {url: ours + pathVoice, body: `{"model":"m","voice":"v","input":"Jane, why?"}`},
		"how to say it":           {url: ours + pathVoice, body: `{"model":"m","voice":"v","input":"Why?","instructions":"as to Jane"}`},
		"how fast to say it":      {url: ours + pathVoice, body: `{"model":"m","voice":"v","input":"Why?","speed":2}`},
		"no form":                 {url: ours + pathSpeech, body: "jane", kind: "text/plain"},
	} {
		body, kind := c.body, c.kind
		if c.form != nil {
			body, kind = c.form()
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader(body))
		must(t, err)
		request.Header.Set("Content-Type", kind)
		request.Header.Set("X-Account", "jane")
		err = (&wire{base: ours, says: func(text string) bool { return text == "Why?" }}).outgoing(request)
		if c.sent != (err == nil) || err != nil && !errors.Is(err, errOutgoing) {
			t.Errorf("%s: %v, want it sent: %t", name, err, c.sent)
		}
		if err != nil {
			continue
		}
		left, err := io.ReadAll(request.Body)
		must(t, err)
		if request.Header.Get("X-Account") != "" || int(request.ContentLength) != len(left) {
			t.Errorf("%s: %d bytes leave, said to be %d, with headers %v", name, len(left), request.ContentLength, request.Header)
		}
	}
}

// A request that may not leave is refused before anything is sent, and not tried again.
func TestARefusedRequestReachesNobody(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	request := testRequest()
	request.System = "You are free."
	_, err := testModel(t, testConfig(server)).Complete(t.Context(), mayAsk(), request)
	if !errors.Is(err, errOutgoing) || len(server.Requests()) != 0 {
		t.Errorf("%v after %d requests", err, len(server.Requests()))
	}
}

func TestSpeechServersGetSoundAndNothingElse(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	_, _, err := testTranscriber(t, testConfig(server)).Transcribe(t.Context(), twoSeconds())
	must(t, err)
	request := server.Requests()[0]
	for name := range request.Header {
		if !slices.Contains([]string{"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "User-Agent", "Connection"}, name) {
			t.Errorf("header %s: %s", name, request.Header.Get(name))
		}
	}
	if agent := request.Header.Get("User-Agent"); !strings.HasPrefix(agent, "Go-http-client/") {
		t.Errorf("user agent %q", agent)
	}
	_, boundary, _ := strings.Cut(request.Header.Get("Content-Type"), "boundary=")
	form, err := multipart.NewReader(bytes.NewReader(request.Body), boundary).ReadForm(maxOutgoing)
	must(t, err)
	if request.URL != "/v1"+openaitest.PathSpeech || len(form.File) != 1 || form.File["file"][0].Filename != "utterance.wav" {
		t.Errorf("sent %s to %s", form.File["file"][0].Filename, request.URL)
	}
	for name, values := range form.Value {
		if !slices.Contains([]string{"model", "response_format", "timestamp_granularities[]"}, name) {
			t.Errorf("the form has %s: %q", name, values)
		}
	}
}
