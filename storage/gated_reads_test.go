package storage

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// gatedRows finds where a statement reads what only a Permit opens: what was said, shown or judged, and
// the keys it is sealed with.
var gatedRows = regexp.MustCompile(`(?i)\b(FROM|JOIN|USING)\s+(lines|line_originals|follow_ups|evidence|ratings|rating_notes|person_forms|person_ratings|contests|feedback|measurements|answers|segments|gaps|data_keys)\b`)

// readsWithoutPermit are the functions that read such rows and are handed no Permit, with why that is right.
func readsWithoutPermit() map[string]string {
	reasons := map[string]string{
		"called by reads that demand a Permit first":                   "readLines readOriginals readFollowUps readEvidence readRatings readPersonRatings dropRatings mustHaveLevel mustHaveWords readFeedback storeFeedback readMeasurements Segments.rows storeNotes",
		"part of a reading, which newReading makes from Permits alone": "reading.readAnswers reading.readGaps reading.ownForm reading.readContests reading.readEarlier",
		"part of a correction, which demands its Permits first":        "correcting.reopen",
		"unwraps for whoever a Permit and its own question let in":     "Keys.unwrap",
		"keeps the wrapped keys, opens none of them for anybody":       "OpenKeys Keys.openEpochs Keys.resealBatch Keys.destroyEpochs destroyKeys",
		"counts, or times: no row's content leaves it":                 "countHoldings Ops.Overview assessIfDone aiCalls Jobs.workContests Jobs.workCorrections Jobs.workLeft",
		"when each answer began and ended, for the room and assessor":  "Ingest.SessionForRoom Ingest.SaveAnswer Results.AnswerOf",
	}
	return byName(reasons)
}

// ungatedReads are the exported methods that return something of the database and take no Permit, with the
// reason for each. Whatever shows a session's content to anybody does not belong here.
func ungatedReads() map[string]string {
	reasons := map[string]string{
		"log-in: accounts, their secrets and log-ins, before anybody is known or for the account itself": "Accounts.CreateCandidate " +
			"Accounts.Credentials Accounts.LogIn Accounts.LogInsNow Accounts.LogInsOf Accounts.OfferedSecondFactor Accounts.Publisher Accounts.PublishersNow Accounts.SecondFactor Accounts.TryLogIn",
		"the operator's commands: organizations, members, counts; never a session's content": "Admin.CreateAccount Admin.CreateOrganization " +
			"Admin.ReportChild Admin.SuspendOrganization Ops.Overview",
		"the operator's backup, written to files and never shown: sealed data, and the keys elsewhere": "Admin.Backup",
		"that something changed, not what":                  "Changes.Subscribe Changes.SubscribeAll Changes.SubscribeLedger Changes.SubscribeViewers",
		"housekeeping: ids, counts and times for the timer": "Eraser.Due Eraser.EraseAccounts Exports.Orphans Exports.Tend Ingest.AbandonStale Keys.TurnEpoch Journal.Reconcile Journal.Sums Results.OverSince Sweeper.Sweep",
		"the candidate's own rights and records, by their account: no content": "Erasures.Certificate Erasures.CloseAccount Erasures.Erase " +
			"Erasures.ErasuresOf Exports.Export Exports.ExportsOf Exports.Request Sessions.AICallsOf Sessions.AIObjection Sessions.Accesses " +
			"Sessions.AccessesOf Sessions.Authorizations Sessions.Authorize Sessions.ConfirmRequest Sessions.Holdings Sessions.Invitations " +
			"Sessions.Invite Sessions.NoticeChanges Sessions.ObjectToAI Sessions.Organizations Sessions.Renew Sessions.Viewers",
		"the candidate's own session before and around the interview: state, plan, consents": "Sessions.AskedBefore Sessions.CreateSession Sessions.GiveConsents " +
			"Sessions.Restrict Sessions.Session Sessions.SessionPlan Sessions.SessionsOf Sessions.Unrestrict Sessions.WithdrawConsent",
		"the account's own history for its export, which row-level security bounds":  "Exports.AccountHistory",
		"the state and the consents of live sessions, for their rooms":               "Ingest.SessionsNow",
		"the room and the assessor: the plan and when answers were":                  "Ingest.GoLive Ingest.SessionForRoom Results.AnswerOf Results.PlanOf",
		"receipts, by whose they are":                                                "Receipts.ReceiptFile Receipts.ReceiptsFor Receipts.ReceiptsOf",
		"an organization's list of what it may open or asked for: terms, no content": "Shared.Redeem Shared.Requests Shared.SharedWith",
		"the facts that a Permit is made from":                                       "Snapshots.Snapshot",
	}
	return byName(reasons)
}

func byName(reasons map[string]string) map[string]string {
	names := make(map[string]string)
	for reason, list := range reasons {
		for name := range strings.FieldsSeq(list) {
			names[name] = reason
		}
	}
	return names
}

// TestEveryReadOfGatedDataTakesAPermit reads this package's source. A new read fails until it takes a
// Permit or is listed above with its reason; a line that no longer holds fails too.
func TestEveryReadOfGatedDataTakesAPermit(t *testing.T) {
	t.Parallel()
	without, ungated := readsWithoutPermit(), ungatedReads()
	gated, reads := 0, 0
	for _, f := range functionsHere(t) {
		permits := permitsOf(f.of)
		for _, name := range permits {
			if !mentions(f.all, name) {
				t.Errorf("%s takes %s and never looks at it", f.name, name)
			}
		}
		if rows := gatedRows.FindAllString(strings.Join(texts(f.all), " "), -1); len(rows) > 0 {
			gated++
			if _, listed := without[f.name]; listed == (len(permits) > 0) {
				t.Errorf("%s reads %q: it takes a Permit (%t) or is in readsWithoutPermit (%t), not both", f.name, rows, len(permits) > 0, listed)
			}
			delete(without, f.name)
		}
		if !f.returnsSomething() {
			continue
		}
		reads++
		if _, listed := ungated[f.name]; listed == (len(permits) > 0) {
			t.Errorf("%s returns something of the database: it takes a Permit (%t) or is in ungatedReads (%t), not both", f.name, len(permits) > 0, listed)
		}
		delete(ungated, f.name)
	}
	for _, left := range []map[string]string{without, ungated} {
		for name := range left {
			t.Errorf("%s is listed as reading without a Permit, but there is no such read", name)
		}
	}
	if gated < 15 || reads < 60 {
		t.Errorf("found %d functions with gated rows and %d reads", gated, reads)
	}
}

// Nothing outside this package speaks to the database or the object store, so the reads above are all.
func TestOnlyStorageSpeaksToTheStores(t *testing.T) {
	t.Parallel()
	files := 0
	for _, name := range []string{"consent", "media", "assess", "signaling", "web", "cmd"} {
		err := filepath.WalkDir(filepath.Join("..", name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				if d != nil && d.Name() == "node_modules" {
					return fs.SkipDir
				}
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			files++
			for _, i := range file.Imports {
				for _, store := range []string{"database/sql", "github.com/jackc/pgx", "github.com/minio/minio-go", "github.com/lib/pq"} {
					if strings.HasPrefix(strings.Trim(i.Path.Value, `"`), store) {
						t.Errorf("%s imports %s: rows and objects are read through storage, which asks for Permits", path, i.Path.Value)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files were looked at", files)
	}
}

// sourceFunc is a function of this package, or a constant or variable, named with its receiver.
type sourceFunc struct {
	name string
	of   *ast.FuncType
	all  ast.Node
}

func functionsHere(t *testing.T) (all []sourceFunc) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				all = append(all, sourceFunc{receiver(d) + d.Name.Name, d.Type, d})
			case *ast.GenDecl: // statements that several functions share
				for _, s := range d.Specs {
					if value, ok := s.(*ast.ValueSpec); ok {
						all = append(all, sourceFunc{value.Names[0].Name, &ast.FuncType{Params: &ast.FieldList{}}, value})
					}
				}
			}
		}
	}
	return all
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

// texts returns the string literals below a node.
func texts(n ast.Node) (all []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// permitsOf returns the names of the parameters that are Permits.
func permitsOf(f *ast.FuncType) (names []string) {
	for _, p := range f.Params.List {
		of := p.Type
		if list, ok := of.(*ast.ArrayType); ok {
			of = list.Elt
		}
		if s, ok := of.(*ast.SelectorExpr); ok && slices.Contains([]string{"Permit", "RecordPermits"}, s.Sel.Name) {
			for _, name := range p.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// mentions reports whether a name is used once more than where it is declared.
func mentions(n ast.Node, name string) bool {
	times := 0
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			times++
		}
		return true
	})
	return times > 1
}

// returnsSomething: an exported method of an exported type that may ask the database, since it has a
// context, and returns more than whether that failed. What starts or opens a store is not a read.
func (f sourceFunc) returnsSomething() bool {
	kind, method, isMethod := strings.Cut(f.name, ".")
	if !isMethod || !ast.IsExported(kind) || !ast.IsExported(method) || f.of.Results == nil {
		return false
	}
	asks := slices.ContainsFunc(f.of.Params.List, func(p *ast.Field) bool {
		s, ok := p.Type.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "Context"
	})
	return asks && slices.ContainsFunc(f.of.Results.List, func(r *ast.Field) bool {
		id, ok := r.Type.(*ast.Ident)
		return !ok || id.Name != "error"
	})
}
