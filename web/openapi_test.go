package web

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// The TypeScript types are generated from this file, so it must be what the server really speaks.
func TestOpenAPIDocumentIsCommitted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	got := s.nobody(t).get("/api/openapi.json").want(http.StatusOK).body
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("openapi.json is not what the server speaks; run go test ./web -run OpenAPI -update (-committed +served):\n%s", diff)
	}
}

func TestOpenAPIDocumentSaysWhatIsTrue(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct {
				Name string `json:"name"`
			} `json:"parameters"`
			Responses map[string]struct {
				Content map[string]any `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type any `json:"type"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(newStage(t).nobody(t).get("/api/openapi.json").body, &document); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			if operation.OperationID == "" || ids[operation.OperationID] {
				t.Errorf("%s %s: operation id %q is empty or taken", method, path, operation.OperationID)
			}
			ids[operation.OperationID] = true
			described := ""
			for _, parameter := range operation.Parameters {
				described += "{" + parameter.Name + "}"
			}
			for part := range strings.SplitSeq(path, "/") {
				if strings.HasPrefix(part, "{") && !strings.Contains(described, part) {
					t.Errorf("%s %s: %s is not described", method, path, part)
				}
			}
		}
	}
	for name, schema := range document.Components.Schemas {
		for property, s := range schema.Properties {
			if _, list := s.Type.([]any); list {
				t.Errorf("%s.%s may be null: %v", name, property, s.Type)
			}
		}
	}
	for _, gone := range []string{"ErrorModel", "ErrorDetail"} {
		if _, ok := document.Components.Schemas[gone]; ok {
			t.Errorf("schema %s is described but never sent", gone)
		}
	}
}
