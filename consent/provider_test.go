package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var reviewDay = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// registerText is a register with one provider, with one of its fields changed.
func registerText(t *testing.T, change func(map[string]any)) []byte {
	t.Helper()
	entry := map[string]any{
		"origin": "https://ai.example", "region": "EU", "reviewed": "2026-06-01",
		"no_training": map[string]any{"text": "We do not train on what you send.", "link": "https://ai.example/terms#training"},
	}
	if change != nil {
		change(entry)
	}
	text, err := json.Marshal(map[string]any{"providers": []any{entry}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRegisterOfProvidersIsComplete(t *testing.T) {
	t.Parallel()
	list, err := ParseProviders(registerText(t, nil))
	want := Provider{Origin: "https://ai.example", Region: "EU", Reviewed: reviewDay, NoTraining: Term{"We do not train on what you send.", "https://ai.example/terms#training"}}
	if err != nil || len(list) != 1 || list[0] != want {
		t.Fatalf("%+v, %v; want %+v", list, err, want)
	}
	set := func(name string, value any) func(map[string]any) {
		return func(entry map[string]any) { entry[name] = value }
	}
	term := func(text, link string) func(map[string]any) {
		return set("no_training", map[string]any{"text": text, "link": link})
	}
	const link, text = "https://ai.example/terms", "We do not train."
	for name, c := range map[string]struct {
		change func(map[string]any)
		says   string
	}{
		"no origin":            {set("origin", ""), "https://host"},
		"a path":               {set("origin", "https://ai.example/v1"), `written "https://ai.example"`},
		"capital letters":      {set("origin", "https://AI.example"), `written "https://ai.example"`},
		"a port that is usual": {set("origin", "https://ai.example:443"), `written "https://ai.example"`},
		"a user":               {set("origin", "https://me@ai.example"), "https://host"},
		"another protocol":     {set("origin", "ftp://ai.example"), "https://host"},
		"no TLS":               {set("origin", "http://ai.example"), "https address"},
		"no region":            {func(e map[string]any) { delete(e, "region") }, "region"},
		"a region of two":      {set("region", "EU\n# All is well"), "region"},
		"no term":              {func(e map[string]any) { delete(e, "no_training") }, "no_training.text"},
		"an empty term":        {term("", link), "no_training.text"},
		"a term of two lines":  {term("One.\n\n# Two", link), "no_training.text"},
		"a long term":          {term(strings.Repeat("x", maxTerm+1), link), "no_training.text"},
		"no link":              {term(text, ""), "no_training.link"},
		"a link that runs":     {term(text, "javascript:alert(1)"), "no_training.link"},
		"a link without TLS":   {term(text, "http://ai.example/terms"), "no_training.link"},
		"no day":               {func(e map[string]any) { delete(e, "reviewed") }, "2026-01-31"},
		"a time":               {set("reviewed", "2026-06-01T00:00:00Z"), "2026-01-31"},
		"a day that is none":   {set("reviewed", "2026-02-30"), "2026-01-31"},
		"a number":             {set("reviewed", 1), "expected"},
		"one field more":       {set("training", true), "unknown field"},
	} {
		if _, err := ParseProviders(registerText(t, c.change)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
	}
	one := strings.TrimSuffix(strings.TrimPrefix(string(registerText(t, nil)), `{"providers":[`), "]}")
	many := make([]string, maxProviders+1)
	for i := range many {
		many[i] = strings.Replace(one, `"https://ai.example"`, fmt.Sprintf(`"https://ai%d.example"`, i), 1)
	}
	for name, text := range map[string]string{
		"nothing": "", "no object": "[]", "something after it": string(registerText(t, nil)) + "{}",
		"twice the same": `{"providers":[` + one + "," + one + "]}", "too many": `{"providers":[` + strings.Join(many, ",") + "]}",
		"too large": `{"providers":[]}` + strings.Repeat(" ", maxRegister),
	} {
		if list, err := ParseProviders([]byte(text)); err == nil {
			t.Errorf("%s: read as %v", name, list)
		}
	}
}

func TestProviderNeedsItsEntryRegionAndReview(t *testing.T) {
	t.Parallel()
	register, err := ParseProviders(registerText(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	const address = "https://AI.example:443/v1"
	eu := []string{"CH", "EU"}
	last := reviewDay.Add(ReviewLife)
	for name, c := range map[string]struct {
		register []Provider
		address  string
		regions  []string
		now      time.Time
		says     string // empty: it may be used
	}{
		"as registered":         {register, address, eu, reviewDay.Add(time.Hour), ""},
		"on the day":            {register, address, eu, reviewDay, ""},
		"just in time":          {register, address, eu, last.Add(-1), ""},
		"too old":               {register, address, eu, last, "older than 90 days"},
		"today in the far east": {register, address, eu, reviewDay.Add(-24 * time.Hour), ""},
		"dated in the future":   {register, address, eu, reviewDay.Add(-24*time.Hour - 1), "still to come"},
		"in another region":     {register, address, []string{"US"}, reviewDay, `works in "EU"`},
		"where none is allowed": {register, address, nil, reviewDay, `works in "EU"`},
		"an empty register":     {nil, address, eu, reviewDay, "not in the register"},
		"another host":          {register, "https://eu.ai.example/v1", eu, reviewDay, "not in the register"},
		"another port":          {register, "https://ai.example:8443/v1", eu, reviewDay, "not in the register"},
		"in clear":              {register, "http://ai.example/v1", eu, reviewDay, "https address"},
	} {
		p, err := ProviderFor(c.register, c.address, c.regions, c.now)
		if c.says == "" && (err != nil || p.Region != "EU") || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %+v, %v; want %q", name, p, err, c.says)
		}
	}
	if err := (Provider{}).Check(reviewDay); !errors.Is(err, ErrProvider) {
		t.Errorf("the zero provider: %v", err)
	}
}

func TestOnlyLoopbackIsThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct {
		here   bool
		origin string // empty: refused
	}{
		"http://127.0.0.1:11434/v1":    {true, "http://127.0.0.1:11434"},
		"http://127.8.9.1/v1":          {true, "http://127.8.9.1"},
		"http://[::1]:8080/v1":         {true, "http://[::1]:8080"},
		"http://[::ffff:127.0.0.1]/v1": {true, "http://[::ffff:127.0.0.1]"},
		"http://LOCALHOST:1/v1":        {true, "http://localhost:1"},
		"http://ollama:11434/v1":       {false, "http://ollama:11434"},
		"http://10.1.2.3:8000/v1":      {false, "http://10.1.2.3:8000"},
		"http://[fd00::1]:8000/v1":     {false, "http://[fd00::1]:8000"},
		"http://0.0.0.0/v1":            {false, ""},
		"http://8.8.8.8/v1":            {false, ""},
		"http://localhost.example/v1":  {false, ""},
		"http://127.0.0.1.example/v1":  {false, ""},
		"https://ai.example/v1":        {false, "https://ai.example"},
		"https://ai.example:80":        {false, "https://ai.example:80"},
		"":                             {false, ""},
		"localhost":                    {false, ""},
	} {
		origin, err := OriginOf(address)
		if OnThisMachine(address) != want.here || origin != want.origin || (err == nil) != (want.origin != "") {
			t.Errorf("%q: on this machine %t, origin %q, %v; want %t, %q", address, OnThisMachine(address), origin, err, want.here, want.origin)
		}
	}
}
