package storage

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// plainBackup is a world without recordings, and a backup of it.
func plainBackup(t *testing.T) (w *world, secrets string, places, made BackupPlaces) {
	t.Helper()
	w = newWorld(t)
	secrets = copyFolder(t, filepath.Join(testCluster.base, "secrets"), t.TempDir())
	copyFolder(t, filepath.Dir(w.keys.epochs.path), secrets)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	dir := t.TempDir()
	places = BackupPlaces{Data: filepath.Join(dir, "data"), Keys: filepath.Join(dir, "keys")}
	got, err := openTestAdmin(t, w.database).Backup(t.Context(), secrets, places)
	if err != nil {
		t.Fatalf("back up: %v", err)
	}
	return w, secrets, places, BackupPlaces{Data: filepath.Join(places.Data, got.Name), Keys: filepath.Join(places.Keys, got.Name)}
}

// What comes back is what was there: a backup of the restored database has the same bytes, table for table,
// and rows can be added.
func TestBackupComesBackExactly(t *testing.T) {
	t.Parallel()
	w, secrets, _, made := plainBackup(t)
	want, err := readBackup(made.Data)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"a superuser": testURL(emptyTestDatabase(t)), "a plain owner": emptyOfPlainOwner(t, w)}
	for name, url := range names {
		if _, err := Restore(t.Context(), url, secrets, made); err != nil {
			t.Fatalf("restore as %s: %v", name, err)
		}
		d, err := OpenDatabase(t.Context(), url, secrets) // migrates, and checks every wall
		if err != nil {
			t.Fatalf("open what %s restored: %v", name, err)
		}
		t.Cleanup(d.Close)
		again := BackupPlaces{Data: t.TempDir(), Keys: t.TempDir()}
		second, err := openTestAdmin(t, d).Backup(t.Context(), secrets, again)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readBackup(filepath.Join(again.Data, second.Name))
		if err != nil {
			t.Fatal(err)
		}
		for i, table := range want.Tables {
			if got.Tables[i].SHA256 != table.SHA256 || got.Tables[i].Rows != table.Rows {
				t.Errorf("%s: %s has %d rows, had %d, or others", name, table.name(), got.Tables[i].Rows, table.Rows)
			}
		}
		if len(got.Tables) != len(want.Tables) || second.Keys == 0 {
			t.Errorf("%s: %d tables of %d, %d keys", name, len(got.Tables), len(want.Tables), second.Keys)
		}
		account, err := NewAccounts(d, nil).CreateCandidate(t.Context(), "new@example.org", "New", testHash, consent.AgeRule)
		if err != nil {
			t.Fatal(err)
		}
		session, err := NewSessions(d).CreateSession(t.Context(), account.ID, consent.ModePractice, testPlan())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewSessions(d).GiveConsents(t.Context(), account.ID, session.ID, allConsents, testNotice); err != nil {
			t.Errorf("%s: the counters do not go on: %v", name, err)
		}
	}
}

// No column that holds a wrapped key is in the data, and what is left out exists.
func TestDataBackupHoldsNoKeys(t *testing.T) {
	t.Parallel()
	w, _, _, made := plainBackup(t)
	m, err := readBackup(made.Data)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	err = pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
		tables, err := tablesOf(t.Context(), tx)
		for _, table := range tables {
			all[table.name()] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range m.Tables {
		if slices.Contains(table.Columns, "wrapped") {
			t.Errorf("%s holds wrapped keys", table.name())
		}
	}
	for name, reason := range leftOut() {
		if !all[name] || reason == "" {
			t.Errorf("%s is left out because %q, and there: %t", name, reason, all[name])
		}
	}
	if len(m.Tables)+len(leftOut()) != len(all) {
		t.Errorf("%d tables are in the backup and %d left out, of %d", len(m.Tables), len(leftOut()), len(all))
	}
	for _, folder := range []string{made.Data, made.Keys} {
		for path := range filesOf(t, folder) {
			if info, err := os.Stat(filepath.Join(folder, path)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v; want 0600", path, info.Mode(), err)
			}
		}
	}
}

func TestRestoreRefusesWhatItCannotDoWhole(t *testing.T) {
	t.Parallel()
	w, secrets, places, made := plainBackup(t)
	changed := func(change func(folder string)) BackupPlaces {
		folder := copyFolder(t, made.Data, filepath.Join(t.TempDir(), filepath.Base(made.Data)))
		change(folder)
		return BackupPlaces{Data: folder, Keys: made.Keys}
	}
	edit := func(name, old, with string) func(string) {
		return func(folder string) {
			path := filepath.Join(folder, name)
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(text, []byte(old)) {
				t.Fatalf("%s does not have %q: %v", name, old, err)
			}
			if err := os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(with), 1), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	empty := testURL(emptyTestDatabase(t))
	for name, c := range map[string]struct {
		url  string
		from BackupPlaces
		want error
		says string
	}{
		"a database in use":    {w.url(), made, ErrNotEmpty, "Name an empty one"},
		"a changed row":        {empty, changed(edit("public.accounts.copy", "Alice", "Alicf")), ErrNoBackup, "public.accounts.copy"},
		"a missing table":      {empty, changed(func(folder string) { _ = os.Remove(filepath.Join(folder, "public.lines.copy")) }), ErrNoBackup, "public.lines.copy"},
		"no manifest":          {empty, changed(func(folder string) { _ = os.Remove(filepath.Join(folder, backupManifestID)) }), ErrNoBackup, backupManifestID},
		"a newer format":       {empty, changed(edit(backupManifestID, `"format": 1`, `"format": 2`)), ErrNoBackup, "format 2"},
		"keys that are data":   {empty, BackupPlaces{Data: made.Data, Keys: filepath.Dir(made.Keys)}, ErrNoBackup, backupManifestID},
		"a newer program's":    {empty, changed(edit(backupManifestID, `"migrations": [`, `"migrations": [ 99999,`)), nil, "migration 99999 is not in this program"},
		"a URL that is no URL": {"postgres://%zz", made, nil, "not one that Postgres understands"},
	} {
		_, err := Restore(t.Context(), c.url, secrets, c.from)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %v that says %q", name, err, c.want, c.says)
		}
	}
	if folder, err := NewestBackup(places.Data); err != nil || folder != made.Data {
		t.Errorf("the newest is %s, %v; want %s", folder, err, made.Data)
	}
	if _, err := NewestBackup(t.TempDir()); !errors.Is(err, ErrNoBackup) {
		t.Errorf("the newest of none: %v", err)
	}
}

// A role that the policies bind would copy less than there is; it is refused and leaves nothing, like one
// that dies, whose leavings go with the next.
func TestBackupThatIsNotWholeLeavesNothing(t *testing.T) {
	t.Parallel()
	_, url := openAsPlainOwner(t, newWorld(t))
	admin, err := OpenAdmin(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	dir := t.TempDir()
	places := BackupPlaces{Data: filepath.Join(dir, "data"), Keys: filepath.Join(dir, "keys")}
	if err := os.MkdirAll(filepath.Join(places.Keys, unfinishedBackup+"before"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = admin.Backup(t.Context(), t.TempDir(), places)
	if !errors.Is(err, ErrBackup) || !strings.Contains(err.Error(), "BYPASSRLS") {
		t.Errorf("as a plain owner: %v", err)
	}
	if left := filesOf(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(places.Keys, "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What an earlier backup left may hold keys: while it cannot be removed, none is made that says it was not.
func TestBackupThatCannotClearMakesNone(t *testing.T) {
	t.Parallel()
	w, secrets, places, made := plainBackup(t)
	stuck := filepath.Join(places.Keys, unfinishedBackup+"before")
	if err := os.MkdirAll(stuck, 0o700); err != nil {
		t.Fatal(err)
	}
	b := &backup{conn: openTestAdmin(t, w.database).conn, secretsDir: secrets, to: places, remove: func(string) error { return os.ErrPermission }}
	if _, err := b.run(t.Context()); !errors.Is(err, ErrBackup) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("with a folder that cannot be removed: %v, want ErrBackup and why", err)
	}
	for place, want := range map[string]string{places.Data: made.Data, places.Keys: made.Keys} {
		if names, err := backupsIn(place); err != nil || !slices.Equal(names, []string{filepath.Base(want)}) {
			t.Errorf("in %s are %v, %v; want the earlier one only", place, names, err)
		}
	}
	b.remove = os.RemoveAll
	if _, err := b.run(t.Context()); err != nil {
		t.Errorf("once it can be removed: %v", err)
	}
	if _, err := os.Stat(stuck); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the earlier one left is there: %v", err)
	}
}
