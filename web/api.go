package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"greenroom/consent"
)

const apiPrefix = "/api/v1"

// caller says who may call a route; everybody else gets the answer of somebody who may see nothing.
type caller string

const (
	anyone    caller = "anyone"
	anyLogIn  caller = "any log-in"
	anyStep   caller = "any log-in, also before its second factor is set up"
	anyState  caller = "any log-in, also of a closed account"
	candidate caller = caller(consent.AccountCandidate)
	employer  caller = caller(consent.AccountEmployer)
	operator  caller = caller(consent.AccountOps)
)

// body is an answer that is JSON.
type body[T any] struct {
	Body T
}

func answer[T any](v T) *body[T] { return &body[T]{Body: v} }

// sessionPath is the input of operations that need nothing but a session. Those that need more repeat
// the field: huma does not see into an embedded struct that is not exported.
type sessionPath struct {
	ID string `path:"id" doc:"Id of the session."`
}

// parseID answers a malformed id as an unknown one.
func parseID[T ~string](text string) (T, error) {
	id, err := consent.ParseID[T](text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", consent.ErrNotFound, err)
	}
	return id, nil
}

// none is the output of operations that answer 204.
type none struct{}

func newAPI(mux humago.Mux) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "JSON")
	})
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshalStrict}
	return humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "Greenroom", Version: "1"},
			Components: &huma.Components{Schemas: registry},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers: []huma.Transformer{func(_ huma.Context, _ string, v any) (any, error) {
			if e, ok := v.(*huma.ErrorModel); ok {
				return plainProblem(e), nil
			}
			return v, nil
		}},
	})
}

// unmarshalStrict refuses what encoding/json would let pass: a key given twice, or in another case.
// Either could make two readers of the same request see different things.
func unmarshalStrict(data []byte, v any) error {
	if err := checkKeys(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

const maxDepth = 32

func checkKeys(d *json.Decoder) error {
	var objects []map[string]bool // keys seen per open object; nil for an array
	expectKey := false
	for {
		token, err := d.Token()
		if err != nil {
			if len(objects) == 0 {
				return nil // the end, or a fault that Unmarshal names better
			}
			return fmt.Errorf("read JSON: %w", err)
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{':
				objects = append(objects, map[string]bool{})
			case '[':
				objects = append(objects, nil)
			default:
				objects = objects[:len(objects)-1]
			}
			if len(objects) > maxDepth {
				return errors.New("JSON is nested too deeply")
			}
			expectKey = len(objects) > 0 && objects[len(objects)-1] != nil
			continue
		case string:
			if expectKey {
				keys := objects[len(objects)-1]
				if keys[t] || t != strings.ToLower(t) {
					return errors.New("a name is given twice or not in lower case")
				}
				keys[t] = true
				expectKey = false
				continue
			}
		}
		expectKey = len(objects) > 0 && objects[len(objects)-1] != nil
	}
}

// register adds one JSON operation. Who may call it is checked before any of the request is read.
func register[I, O any](s *Server, who caller, op huma.Operation, handle func(context.Context, consent.Account, *I) (*O, error)) {
	op.Path = apiPrefix + op.Path
	op.BodyReadTimeout = writeTimeout // net/http cancels a handler that outlives it: a password may wait for its turn
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if _, refused := s.admit(r, who); refused != nil {
			writeProblem(w, refused)
			return
		}
		if refused := needsConfirming(&op, visitOf(r.Context())); refused != nil {
			writeProblem(w, refused)
			return
		}
		next(ctx)
	})
	op.Responses = map[string]*huma.Response{"default": {
		Description: "A problem (RFC 9457)",
		Content: map[string]*huma.MediaType{problemType: {
			Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem"),
		}},
	}}
	s.routes = append(s.routes, route{op.Method + " " + op.Path, who, op.Metadata[confirmedKey] == true})
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, visitOf(ctx).account, in)
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		return out, nil
	})
}

// plain adds one route that huma does not know (streams, media, the room) and describes it in the
// document by hand.
func (s *Server) plain(who caller, pattern, operationID, summary, contentType string, handle func(http.ResponseWriter, *http.Request, consent.Account)) {
	method, path, _ := strings.Cut(pattern, " ")
	path = apiPrefix + path
	s.routes = append(s.routes, route{method + " " + path, who, false})
	s.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
		account, refused := s.admit(r, who)
		if refused != nil {
			writeProblem(w, refused)
			return
		}
		handle(w, r, account)
	})
	op := &huma.Operation{
		OperationID: operationID, Method: method, Path: path, Summary: summary,
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses: map[string]*huma.Response{"200": {
			Description: http.StatusText(http.StatusOK),
			Content:     map[string]*huma.MediaType{contentType: {}},
		}},
	}
	for _, name := range []string{"question", "probe"} {
		if strings.Contains(path, "{"+name+"}") {
			op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger}})
		}
	}
	if strings.HasSuffix(path, ".webm") {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "through", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger}})
	}
	s.api.OpenAPI().AddOperation(op)
}

// admit checks who is calling. A log-in of another kind gets the same 404 as an unknown address.
func (s *Server) admit(r *http.Request, who caller) (consent.Account, *problem) {
	v := visitOf(r.Context())
	switch {
	case who == anyone:
		return v.account, nil
	case v.fault != nil:
		return consent.Account{}, s.failed(r.Context(), v.fault)
	case v.account.ID == "":
		return consent.Account{}, notLoggedIn()
	case who != anyLogIn && who != anyStep && who != anyState && who != caller(v.account.Kind):
		return consent.Account{}, notFound()
	}
	if refused := needsFactor(who, v); refused != nil {
		return consent.Account{}, refused
	}
	if refused := needsOpening(who, v); refused != nil {
		return consent.Account{}, refused
	}
	return v.account, nil
}

// failed maps the error and leaves a line in the log for what is the server's own fault.
func (s *Server) failed(ctx context.Context, err error) *problem {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "request failed", "request", visitOf(ctx).id, "error", err)
	}
	return p
}

// openAPI finishes and renders the document.
func (s *Server) openAPI() ([]byte, error) {
	document := s.api.OpenAPI()
	schemas := document.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own problem: plainProblem replaces every one of them
	delete(schemas, "ErrorDetail")
	raw, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render OpenAPI document: %w", err)
	}
	return append(raw, '\n'), nil
}
