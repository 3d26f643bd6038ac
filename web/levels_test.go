package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// schemaPart is as much of a JSON schema as a level could hide in.
type schemaPart struct {
	Properties map[string]schemaPart `json:"properties"`
	Required   []string              `json:"required"`
	Items      *schemaPart           `json:"items"`
	Additional json.RawMessage       `json:"additionalProperties"` // a schema, or false
	AllOf      []schemaPart          `json:"allOf"`
	AnyOf      []schemaPart          `json:"anyOf"`
	OneOf      []schemaPart          `json:"oneOf"`
}

// noLevel are the names of numbers that this program never makes of a person.
var noLevel = regexp.MustCompile(`score|grade|rank|percent|points|verdict|confidence|emotion|sentiment`)

// faults returns what of a schema shows a level without saying whose it is, or a number that is none.
func (s schemaPart) faults(at string) (all []string) {
	if _, has := s.Properties["level"]; has && !slices.Contains(s.Required, "rater") && !slices.Contains(s.Required, "raters") {
		all = append(all, at+" can have a level without a rater")
	}
	for name, property := range s.Properties {
		if noLevel.MatchString(name) && at+"."+name != "Word.confidence" { // the speech engine's, of what it heard
			all = append(all, fmt.Sprintf("%s.%s is a number that nobody is given here", at, name))
		}
		all = append(all, property.faults(at+"."+name)...)
	}
	if s.Items != nil {
		all = append(all, s.Items.faults(at+"[]")...)
	}
	if strings.HasPrefix(string(s.Additional), "{") {
		var additional schemaPart
		if err := json.Unmarshal(s.Additional, &additional); err != nil {
			return append(all, at+": "+err.Error())
		}
		all = append(all, additional.faults(at+"{}")...)
	}
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
		all = append(all, part.faults(at)...)
	}
	return all
}

// No answer of the API can show a level that nobody gave. What is sent to the server has none beside it: there
// the rater is whoever sends it.
func TestNoLevelWithoutARaterInAnyAnswer(t *testing.T) {
	t.Parallel()
	var document struct {
		Components struct {
			Schemas map[string]schemaPart `json:"schemas"`
		} `json:"components"`
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema schemaPart `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(newStage(t).nobody(t).get("/api/openapi.json").want(http.StatusOK).body, &document); err != nil {
		t.Fatal(err)
	}
	seen, levels := 0, 0
	for name, schema := range document.Components.Schemas {
		if strings.HasSuffix(name, "InputBody") {
			continue
		}
		seen++
		if _, has := schema.Properties["level"]; has {
			levels++
		}
		for _, fault := range schema.faults(name) {
			t.Error(fault)
		}
	}
	for path, operations := range document.Paths {
		for _, operation := range operations {
			for _, response := range operation.Responses {
				for _, content := range response.Content {
					for _, fault := range content.Schema.faults(path) {
						t.Error(fault)
					}
				}
			}
		}
	}
	if seen < 30 || levels < 2 {
		t.Errorf("%d schemas, %d with a level: not what this test was written for", seen, levels)
	}
}

func TestALevelWithoutARaterIsFound(t *testing.T) {
	for name, text := range map[string]string{
		"an optional rater": `{"properties": {"level": {}, "rater": {}}, "required": ["level"]}`,
		"inside a list":     `{"properties": {"list": {"items": {"properties": {"level": {}}}}}}`,
		"inside a map":      `{"properties": {"map": {"additionalProperties": {"properties": {"level": {}}}}}}`,
		"a part of several": `{"anyOf": [{"properties": {"level": {}}}]}`,
		"another name":      `{"properties": {"total_score": {}}}`,
	} {
		var schema schemaPart
		if err := json.Unmarshal([]byte(text), &schema); err != nil {
			t.Fatal(err)
		}
		if faults := schema.faults("X"); len(faults) != 1 {
			t.Errorf("%s: %q", name, faults)
		}
	}
	var fine schemaPart
	if err := json.Unmarshal([]byte(`{"properties": {"level": {}, "rater": {}}, "required": ["rater"], "additionalProperties": false}`), &fine); err != nil {
		t.Fatal(err)
	}
	if faults := fine.faults("X"); len(faults) > 0 {
		t.Errorf("a level with a rater: %q", faults)
	}
}
