package consent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// decisions are the functions that say who may read what, by file; of decide.go all are meant.
var decisions = map[string][]string{
	"decide.go": nil,
	"export.go": {"exportMay", "exportNeeds", "ExportFaultOf"},
	"permit.go": {"Demand"},
	"scope.go":  {"AllowedBy"},
}

// decisionTests are the files whose tests have to notice.
var decisionTests = []string{"decide_test.go", "export_test.go"}

// mutantVariable tells the test program which mutant it is.
const mutantVariable = "GREENROOM_MUTANT"

// mutantSource is what the mutated decisions ask: mutant 2n takes condition n to hold, 2n+1 takes it not to.
const mutantSource = `package consent

import (
	"os"
	"strconv"
)

var mutant = func() int {
	n, err := strconv.Atoi(os.Getenv("` + mutantVariable + `"))
	if err != nil {
		return -1
	}
	return n
}()

func mutated(n int, holds bool) bool {
	if mutant/2 == n && mutant >= 0 {
		return mutant%2 == 0
	}
	return holds
}

func mutatedOut[T ~string](n int, member T) T {
	if mutant/2 == n && mutant >= 0 {
		return "\x00"
	}
	return member
}
`

// TestEveryConditionOfDecideIsNoticed takes each condition behind a decision to hold, and then not to
// hold, whatever the facts, and each member out of each list, and expects a test of decisions to fail. All
// mutants are in one program, compiled once with the files of this package replaced; it runs once for each.
func TestEveryConditionOfDecideIsNoticed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles this package again")
	}
	folder := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replaced := make(map[string]string)
	replace := func(name, source string) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[filepath.Join(here, name)] = path
	}
	var m mutator
	for name := range decisions {
		replace(name, m.rewrite(t, name))
	}
	replace("mutants.go", mutantSource)
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	replace("overlay.json", string(overlay))
	program := filepath.Join(folder, "consent.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(folder, "overlay.json"), "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compile the mutants: %v\n%s", err, out)
	}
	tests := "^(" + strings.Join(testsIn(t, decisionTests), "|") + ")$"
	passes := func(mutant int) bool {
		run := exec.CommandContext(t.Context(), program, "-test.run", tests, "-test.failfast")
		run.Env = append(os.Environ(), mutantVariable+"="+strconv.Itoa(mutant))
		return run.Run() == nil
	}
	if !passes(-1) {
		t.Fatal("the tests fail without any mutant")
	}
	tried := 0
	for n, what := range m.conditions {
		for _, kind := range what.kinds() {
			tried++
			if passes(2*n + kind) {
				t.Errorf("%s: no test notices that %s", what.at, what.as(kind))
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d mutants were tried", tried)
	}
	t.Logf("%d mutants of %d conditions and members noticed", tried, len(m.conditions))
}

// condition is one that the mutator found.
type condition struct {
	at, text string
	member   bool // of a list
	constant bool // true or false as it stands
}

// kinds returns which of the two mutants change anything.
func (c condition) kinds() []int {
	switch {
	case c.member || c.constant && c.text == "false":
		return []int{0}
	case c.constant:
		return []int{1}
	default:
		return []int{0, 1}
	}
}

func (c condition) as(kind int) string {
	if c.member {
		return c.text + " is not in the list"
	}
	return fmt.Sprintf("%q is always %t", c.text, kind == 0)
}

// mutator numbers conditions and wraps each so that the program can choose a mutant when it starts.
type mutator struct {
	conditions []condition
	files      *token.FileSet
}

// rewrite returns the source of a file with its decisions wrapped.
func (m *mutator) rewrite(t *testing.T, name string) string {
	t.Helper()
	m.files = token.NewFileSet()
	file, err := parser.ParseFile(m.files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	meant, found := decisions[name], 0
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && (meant == nil || slices.Contains(meant, f.Name.Name)) {
			found++
			m.block(f.Type, f.Body)
		}
	}
	if found < len(meant) {
		t.Errorf("%s has %d of the functions %q", name, found, meant)
	}
	var out bytes.Buffer
	if err := format.Node(&out, m.files, file); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// block wraps the conditions in the body of a function of that type.
func (m *mutator) block(of *ast.FuncType, body *ast.BlockStmt) {
	isBool := of.Results != nil && len(of.Results.List) == 1 && isName(of.Results.List[0].Type, "bool")
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			m.block(n.Type, n.Body)
			return false
		case *ast.IfStmt:
			n.Cond = m.wrap(n.Cond)
		case *ast.ReturnStmt:
			if isBool && len(n.Results) == 1 {
				n.Results[0] = m.wrap(n.Results[0])
			}
		case *ast.SwitchStmt:
			for _, clause := range n.Body.List {
				if clause, ok := clause.(*ast.CaseClause); ok {
					m.clause(n.Tag == nil, clause)
				}
			}
		case *ast.CompositeLit:
			if list, ok := n.Type.(*ast.ArrayType); ok && list.Len == nil {
				for i, member := range n.Elts {
					n.Elts[i] = m.out(member)
				}
			}
		}
		return true
	})
}

// clause wraps what a case lists: conditions, or members where the switch compares. A clause of a switch
// that decides by kind alone still has its conditions inside.
func (m *mutator) clause(conditions bool, clause *ast.CaseClause) {
	for i, e := range clause.List {
		if conditions {
			clause.List[i] = m.wrap(e)
		} else {
			clause.List[i] = m.out(e)
		}
	}
}

// wrap wraps every operand of an AND or OR, and anything else as a whole.
func (m *mutator) wrap(e ast.Expr) ast.Expr {
	switch inner := e.(type) {
	case *ast.ParenExpr:
		inner.X = m.wrap(inner.X)
		return inner
	case *ast.BinaryExpr:
		if inner.Op == token.LAND || inner.Op == token.LOR {
			inner.X, inner.Y = m.wrap(inner.X), m.wrap(inner.Y)
			return inner
		}
	}
	return m.call("mutated", e, condition{constant: isName(e, "true") || isName(e, "false")})
}

func (m *mutator) out(e ast.Expr) ast.Expr { return m.call("mutatedOut", e, condition{member: true}) }

func (m *mutator) call(function string, e ast.Expr, c condition) ast.Expr {
	var text bytes.Buffer
	_ = format.Node(&text, m.files, e)
	c.at, c.text = m.files.Position(e.Pos()).String(), text.String()
	m.conditions = append(m.conditions, c)
	number := &ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(len(m.conditions) - 1)}
	return &ast.CallExpr{Fun: ast.NewIdent(function), Args: []ast.Expr{number, e}}
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// testsIn returns the names of the tests in some files.
func testsIn(t *testing.T, files []string) (names []string) {
	t.Helper()
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
