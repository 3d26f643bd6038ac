package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type examples struct {
	FromPage   []json.RawMessage `json:"from_page"`
	FromServer []json.RawMessage `json:"from_server"`
}

func readExamples(tb testing.TB) examples {
	tb.Helper()
	raw, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		tb.Fatal(err)
	}
	var all examples
	if err := json.Unmarshal(raw, &all); err != nil {
		tb.Fatal(err)
	}
	if len(all.FromPage) == 0 || len(all.FromServer) == 0 {
		tb.Fatal("testdata/messages.json has no examples")
	}
	return all
}

func asAny(tb testing.TB, frame []byte) any {
	tb.Helper()
	var value any
	if err := json.Unmarshal(frame, &value); err != nil {
		tb.Fatalf("%s: %v", frame, err)
	}
	return value
}

func TestEveryExampleSurvivesARoundTrip(t *testing.T) {
	all := readExamples(t)
	seen := map[string]bool{}
	for _, direction := range []struct {
		name   string
		frames []json.RawMessage
		decode func([]byte) (Message, error)
	}{
		{"from_page", all.FromPage, DecodeFromPage},
		{"from_server", all.FromServer, DecodeFromServer},
		{"from_server, strictly", all.FromServer, func(f []byte) (Message, error) { return decode(f, fromServer, true) }},
	} {
		for _, frame := range direction.frames {
			message, err := direction.decode(frame)
			if err != nil {
				t.Errorf("%s %s: %v", direction.name, frame, err)
				continue
			}
			again, err := Encode(message)
			if err != nil {
				t.Errorf("encode %s: %v", frame, err)
				continue
			}
			if diff := cmp.Diff(asAny(t, frame), asAny(t, again)); diff != "" {
				t.Errorf("%s %s: want - got +\n%s", direction.name, frame, diff)
			}
			seen[direction.name+" "+message.messageType()] = true
		}
	}
	for _, name := range []string{"hello", "offer", "ice_candidate", "begin", "start_answer", "done", "skip", "finish", "muted"} {
		if !seen["from_page "+name] {
			t.Errorf("messages.json has no example of %s from the page", name)
		}
	}
	for _, name := range []string{
		"welcome", "answer", "ice_candidate", "turn", "caption", "caption_partial", "caption_failed", "media", "recording",
		"consents", "gap", "problem", "ended", "program",
	} {
		if !seen["from_server "+name] {
			t.Errorf("messages.json has no example of %s from the server", name)
		}
	}
}

func TestProtocolPageShowsEveryExample(t *testing.T) {
	raw, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	all := readExamples(t)
	for _, frame := range append(all.FromPage, all.FromServer...) {
		if !strings.Contains(page, string(frame)) {
			t.Errorf("PROTOCOL.md lacks the example %s", frame)
		}
	}
	for _, reason := range closeReasons() {
		if !strings.Contains(page, reason) {
			t.Errorf("PROTOCOL.md lacks the close code %s", reason)
		}
	}
}

func TestServerRefusesFramesThatAreNotMessages(t *testing.T) {
	for name, frame := range map[string]string{
		"empty":                "",
		"not JSON":             "hello",
		"an array":             `[{"type":"begin"}]`,
		"null":                 "null",
		"two objects":          `{"type":"begin"}{"type":"done"}`,
		"no type":              `{"version":1}`,
		"type is a number":     `{"type":1}`,
		"unknown type":         `{"type":"record"}`,
		"server's type":        `{"type":"welcome","version":1}`,
		"unknown field":        `{"type":"hello","version":2,"admin":true}`,
		"field on bare act":    `{"type":"begin","now":true}`,
		"unknown nested field": `{"type":"ice_candidate","ice_candidate":{"candidate":"","x":1}}`,
		"wrong kind of value":  `{"type":"hello","version":"1"}`,
		"version too large":    `{"type":"hello","version":99999999999999999999}`,
		"no candidate":         `{"type":"ice_candidate"}`,
		"unknown media kind":   `{"type":"muted","kind":"screen","muted":true}`,
		"missing media kind":   `{"type":"muted","muted":true}`,
		"short page name":      `{"type":"hello","version":2,"page":"me"}`,
		"long page name":       `{"type":"hello","version":2,"page":"` + strings.Repeat("a", 65) + `"}`,
		"page name with text":  `{"type":"hello","version":2,"page":"<b>aaaaaaaaaaaaaaa"}`,
		"too large":            `{"type":"offer","sdp":"` + strings.Repeat("a", MaxFrame) + `"}`,
		"deep":                 `{"type":"offer","sdp":` + strings.Repeat("[", 20000) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			message, err := DecodeFromPage([]byte(frame))
			if !errors.Is(err, ErrBadMessage) || message != nil {
				t.Errorf("got %v, %v; want ErrBadMessage", message, err)
			}
		})
	}
}

func TestRefusalDoesNotRepeatWhatThePageSent(t *testing.T) {
	_, err := DecodeFromPage([]byte(`{"type":"hello","secret_field":"secret value"}`))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestPageIgnoresUnknownFields(t *testing.T) {
	message, err := DecodeFromServer([]byte(`{"type":"ended","reason":"finished","later":{"x":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Message(&Ended{Reason: EndFinished}), message); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecodeFromPage(f *testing.F) {
	for _, frame := range readExamples(f).FromPage {
		f.Add([]byte(frame))
	}
	f.Add([]byte(`{"type":"offer","sdp":null}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		message, err := DecodeFromPage(frame)
		if err != nil {
			if !errors.Is(err, ErrBadMessage) {
				t.Fatalf("%q: %v is not ErrBadMessage", frame, err)
			}
			return
		}
		again, err := Encode(message)
		if err != nil {
			t.Fatalf("%q: %v", frame, err)
		}
		second, err := DecodeFromPage(again)
		if err != nil || cmp.Diff(message, second) != "" {
			t.Fatalf("%q does not survive a round trip: %q, %v", frame, again, err)
		}
	})
}

func closeReasons() []string {
	var names []string
	for code, name := range closeNames {
		names = append(names, fmt.Sprintf("| %d | `%s` |", code, name))
	}
	return names
}
