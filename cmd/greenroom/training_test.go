package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"greenroom/consent"
)

// forTraining finds a part of a name that says that a model learns from it. "constraint" is none.
var forTraining = regexp.MustCompile(`(?i)(^|[^a-z])(re)?train(s|ed|ing)?([^a-z]|$)|fine[-_ .]?tun|distill|corpus|dataset`)

// Training on candidates' data is not something that is switched off: no command, setting, route, field,
// column, object, consent or scope is named for it. What leaves for a model is held in assess.
func TestNothingIsNamedForTraining(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	if err := kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		switch node := node.(type) {
		case *kong.Node:
			names["command"] = append(names["command"], node.Name)
		case *kong.Flag:
			names["setting"] = append(append(names["setting"], node.Name), node.Envs...)
		}
		return next(nil)
	}); err != nil {
		t.Fatal(err)
	}
	for _, place := range consent.Catalogue() {
		names["column or object"] = append(names["column or object"], place.Name)
	}
	for _, scope := range consent.AllScopes() {
		names["scope"] = append(names["scope"], string(scope))
	}
	for _, artefact := range consent.AllArtefacts() {
		names["artefact"] = append(names["artefact"], string(artefact))
	}
	for _, kind := range consent.LedgerKinds() {
		names["ledger entry"] = append(names["ledger entry"], string(kind))
	}
	names["route, field or value of the API"] = apiNames(t)
	for what, list := range names {
		if len(list) < 5 {
			t.Errorf("only %d names of kind %q were found", len(list), what)
		}
		for _, name := range list {
			if forTraining.MatchString(name) {
				t.Errorf("%s %q: nothing here trains on anybody's data", what, name)
			}
		}
	}
}

// apiNames returns every key of the API's document (paths, schemas, fields), its enums and operations.
func apiNames(t *testing.T) (names []string) {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(readText(t, filepath.Join(repositoryRoot(t), "web", "openapi.json"))), &document); err != nil {
		t.Fatal(err)
	}
	var walk func(string, any)
	walk = func(key string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, inner := range value {
				names = append(names, key)
				walk(key, inner)
			}
		case []any:
			for _, inner := range value {
				walk(key, inner)
			}
		case string:
			if key == "enum" || key == "operationId" || key == "name" {
				names = append(names, value)
			}
		}
	}
	walk("", document)
	return names
}

func TestNamesForTrainingAreFound(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"ai-train": true, "GREENROOM_AI_TRAINING": true, "sessions.trained_at": true, "fine_tune": true, "object:training/": true, "ai.train": true,
		"/api/v1/me/training": true, "retrain": true, "constraint": false, "restrained": false, "strain": false, "ai-provider-file": false,
	} {
		if got := forTraining.MatchString(name); got != want {
			t.Errorf("%q: found %t, want %t", name, got, want)
		}
	}
	if !strings.Contains(strings.Join(apiNames(t), " "), "/api/v1/me/ai-objection") {
		t.Error("the API's names lack a route")
	}
}
