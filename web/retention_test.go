package web

import (
	"encoding/json"
	"net/http"
	"testing"

	"greenroom/consent"
)

func TestAnybodyReadsTheRetentionScheduleTheServerRunsBy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var got retentionJSON
	if err := json.Unmarshal(s.nobody(t).get("/api/v1/retention").want(http.StatusOK).body, &got); err != nil {
		t.Fatal(err)
	}
	rules := consent.Retention()
	if len(got.Rules) != len(rules) {
		t.Fatalf("%d rules are published, there are %d", len(got.Rules), len(rules))
	}
	for i, rule := range rules {
		if line := got.Rules[i]; line.Class != rule.Class || line.Kept != rule.Kept.ISO() || line.Holds != rule.Holds {
			t.Errorf("published %+v, the registry has %+v", line, rule)
		}
	}
}

func TestPublishedPlacesAreTablesWithTheMostTheySay(t *testing.T) {
	t.Parallel()
	got := retentionOf([]consent.Rule{{Class: consent.ClassInterview}}, []consent.Place{
		{Name: "lines.session", Class: consent.ClassInterview, Nature: consent.NatureLinked},
		{Name: "lines.words", Class: consent.ClassInterview, Nature: consent.NaturePersonal, Encrypted: true},
		{Name: "notes.id", Class: consent.ClassInterview, Nature: consent.NaturePlain},
		{Name: "notes.text", Class: consent.ClassInterview, Nature: consent.NaturePersonal},
		{Name: "object:x/*", Class: consent.ClassInterview, Nature: consent.NaturePersonal, Encrypted: true},
		{Name: "accounts.email", Class: consent.ClassAccount, Nature: consent.NaturePersonal},
	}).Rules[0].Places
	want := []retentionPlaceJSON{
		{"lines", consent.NaturePersonal, true}, {"notes", consent.NaturePersonal, false}, {"object:x/*", consent.NaturePersonal, true},
	}
	if len(got) != len(want) {
		t.Fatalf("places %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %+v, want %+v", got[i], want[i])
		}
	}
}
