package export

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// schemaText makes schema.json from the Go types, so that it cannot say anything else than they do. Each
// JSON file but the receipts, which are signed as they are, fits exactly one of the definitions, because
// the first field of each names its kind.
func schemaText() ([]byte, error) {
	registry := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	var either []map[string]string
	for _, document := range []reflect.Type{
		reflect.TypeFor[Manifest](), reflect.TypeFor[AccountData](), reflect.TypeFor[SessionData](), reflect.TypeFor[Transcript](),
	} {
		either = append(either, map[string]string{"$ref": registry.Schema(document, true, "").Ref})
	}
	for _, definition := range registry.Map() {
		for _, property := range definition.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false // a list is empty or absent, never null
			}
		}
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   Schema,
		"oneOf":   either,
		"$defs":   registry.Map(),
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(text, '\n'), nil
}
