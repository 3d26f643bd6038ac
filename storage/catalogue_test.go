package storage

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// TestEveryColumnIsInTheCatalogue reads what a migrated database really has.
func TestEveryColumnIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	rows, err := w.owner.Query(t.Context(), `SELECT CASE table_schema WHEN 'public' THEN '' ELSE table_schema || '.' END
		|| table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(columns) == 0 {
		t.Fatalf("%d columns, %v", len(columns), err)
	}
	known := map[string]consent.Place{}
	for _, place := range consent.Catalogue() {
		if !strings.Contains(place.Name, ":") {
			known[place.Name] = place
		}
	}
	for _, column := range columns {
		if _, ok := known[column]; !ok {
			t.Errorf("column %s is in no class of consent/catalogue.go: say there how long it is kept and what it says about whom", column)
		}
		delete(known, column)
	}
	for column := range known {
		t.Errorf("consent/catalogue.go names %s, which the database does not have", column)
	}
}

// TestEncryptedColumnsAreTheBinaryOnes: what the catalogue calls encrypted cannot be read as text, and no
// other column of an interview holds bytes.
func TestEncryptedColumnsAreTheBinaryOnes(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	for _, place := range consent.Catalogue() {
		table, column, ok := strings.Cut(place.Name, ".")
		if !ok || strings.Contains(place.Name, ":") || place.Class != consent.ClassInterview {
			continue
		}
		var kind string
		err := w.owner.QueryRow(t.Context(), `SELECT data_type FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name = $1 AND column_name = $2`, table, column).Scan(&kind)
		if err != nil {
			t.Fatalf("%s: %v", place.Name, err)
		}
		if hash := strings.HasSuffix(column, "sha256"); (kind == "bytea") != place.Encrypted && !hash {
			t.Errorf("%s is %s; the catalogue says encrypted: %v", place.Name, kind, place.Encrypted)
		}
	}
}
