package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// waysOut are the files that may open a connection, with what they open it to.
var waysOut = map[string]string{
	"assess/openai.go":                 "the model's and the speech server's client",
	"assess/wire.go":                   "sends what assess/outgoing.go lets out",
	"storage/objects.go":               "the object store",
	"storage/gateway.go":               "the object store in this process",
	"cmd/bench/floors.go":              "the benchmark: the subjects it starts on this machine",
	"cmd/bench/candidate.go":           "the benchmark: the server that it starts",
	"cmd/bench/galene.go":              "the benchmark: the Galene that it starts",
	"cmd/bench/janus.go":               "the benchmark: the Janus that it starts",
	"cmd/greenroom/rehearse/client.go": "the scripted candidate",
	"cmd/greenroom/rehearse/room.go":   "the scripted candidate",
	"cmd/greenroom/verify_keys.go":     "greenroom verify and replay --server: the public keys, checkpoint and sums of a server",
}

// openers are what opens connections or makes something that does.
var openers = map[string][]string{
	"http":      {"Get", "Head", "Post", "PostForm", "Client", "DefaultClient", "NewRequest", "NewRequestWithContext", "Transport", "DefaultTransport", "RoundTripper"},
	"net":       {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer"},
	"tls":       {"Dial", "DialWithDialer", "Dialer"},
	"websocket": {"Dial", "DefaultDialer", "Dialer", "NewClient"},
	"smtp":      {"Dial", "SendMail", "NewClient"},
	"rpc":       {"Dial", "DialHTTP"},
}

// What leaves this server leaves through a file that is read for it. Postgres' client and the sockets of
// WebRTC have packages of their own (imports: storage, signaling).
func TestConnectionsAreOpenedOnlyWhereItIsKnown(t *testing.T) {
	t.Parallel()
	opened := map[string]bool{}
	for path, file := range sourceFiles(t) {
		ast.Inspect(file, func(node ast.Node) bool {
			selected, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, ok := selected.X.(*ast.Ident)
			if ok && slices.Contains(openers[from.Name], selected.Sel.Name) {
				opened[path] = true
				if waysOut[path] == "" {
					t.Errorf("%s uses %s.%s: what is sent to a model goes through assess; add any other way out to this list", path, from.Name, selected.Sel.Name)
				}
			}
			return true
		})
	}
	for path := range waysOut {
		if !opened[path] {
			t.Errorf("%s opens nothing any more: take it off the list", path)
		}
	}
}

// sourceFiles parses every file of the program, tests left out, by its path in the repository.
func sourceFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	root := "../.."
	for _, folder := range []string{"assess", "cmd", "consent", "media", "signaling", "storage", "web"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && slices.Contains([]string{"node_modules", "openaitest", "testdata", "dist"}, entry.Name()) {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			files[filepath.ToSlash(name)] = file
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 50 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files
}
