package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

const day = 24 * time.Hour

// sealed is a field that a test wrote, with the Permit that may read it again.
type sealed struct {
	session consent.SessionID
	text    []byte
}

// write seals a canary in a session of its own and returns it.
func (w *keysWorld) write(t *testing.T) sealed {
	t.Helper()
	s, err := w.writeWith(t, w.keys)
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	return s
}

// writeWith is write with another key service, for any goroutine.
func (w *keysWorld) writeWith(t *testing.T, keys *Keys) (sealed, error) {
	t.Helper()
	id := consent.NewID[consent.SessionID]()
	err := withOwner(t.Context(), w.owner.Config().Database, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), addLiveSession, id, w.candidate)
		return err
	})
	if err != nil {
		return sealed{}, err
	}
	permit := makePermit(t, w.actor(consent.ActorScribe), id, w.candidate, consent.ArtefactTranscript)
	text, err := keys.SealField(t.Context(), permit, id, consent.ScopeTranscript, "lines/1", []byte(canary))
	return sealed{id, text}, err
}

// read opens a field with the given key service.
func (w *keysWorld) read(t *testing.T, keys *Keys, s sealed) (string, error) {
	t.Helper()
	permit := makePermit(t, w.actor(consent.ActorScribe), s.session, w.candidate, consent.ArtefactTranscript)
	got, err := keys.OpenField(t.Context(), permit, s.session, consent.ScopeTranscript, "lines/1", s.text)
	return string(got), err
}

func (w *keysWorld) mustRead(t *testing.T, keys *Keys, all ...sealed) {
	t.Helper()
	for _, s := range all {
		if got, err := w.read(t, keys, s); err != nil || got != canary {
			t.Errorf("open %s = %q, %v; want the canary", s.session, got, err)
		}
	}
}

func (w *keysWorld) reopen(t *testing.T) *Keys {
	t.Helper()
	keys, err := OpenKeys(t.Context(), w.database, w.masterPath())
	if err != nil {
		t.Fatalf("open keys: %v", err)
	}
	keys.ahead = w.keys.ahead
	return keys
}

// turnOn turns the epochs as the daily job would on the given day.
func turnOn(t *testing.T, keys *Keys, of int) EpochTurn {
	t.Helper()
	keys.ahead = time.Duration(of) * day
	turn, err := keys.TurnEpoch(t.Context())
	if err != nil {
		t.Fatalf("turn on day %d: %v", of, err)
	}
	return turn
}

// copyOfKeys is what a backup of the database holds of the wrapped keys.
func (w *keysWorld) copyOfKeys(t *testing.T) []wrappedKey {
	t.Helper()
	rows, err := w.owner.Query(t.Context(), `SELECT session, scope, wrapped, epoch FROM data_keys ORDER BY session`)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k wrappedKey, err error) {
		err = row.Scan(&k.session, &k.scope, &k.wrapped, &k.epoch)
		return k, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// restoreKeys puts rows of a backup back in place of what is there.
func (w *keysWorld) restoreKeys(t *testing.T, rows []wrappedKey) {
	t.Helper()
	w.exec(t, `DELETE FROM data_keys`)
	for _, row := range rows {
		w.exec(t, `INSERT INTO data_keys (session, scope, wrapped, master_key, epoch) VALUES ($1, $2, $3, $4, $5)`,
			row.session, row.scope, row.wrapped, w.keys.master.ID(), row.epoch)
	}
}

func (w *keysWorld) epochFile() string { return filepath.Join(w.secrets, epochFile) }

// TestOldCopiesOfKeysDieWhileSessionsLive is the promise: whatever a copy of the database holds is noise
// after 22 days, and nobody who uses the server notices.
func TestOldCopiesOfKeysDieWhileSessionsLive(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	first := w.write(t)
	stolen := w.copyOfKeys(t)
	secretsOfDay0, err := os.ReadFile(w.epochFile())
	if err != nil {
		t.Fatal(err)
	}
	written := []sealed{first}
	for of := 1; of <= 22; of++ {
		turn := turnOn(t, w.keys, of)
		if turn.Epoch != of+1 || turn.Resealed != len(written) {
			t.Errorf("day %d: epoch %d, %d keys sealed anew; want %d, %d", of, turn.Epoch, turn.Resealed, of+1, len(written))
		}
		w.mustRead(t, w.keys, written...)
		written = append(written, w.write(t))
	}
	w.mustRead(t, w.reopen(t), written...)
	live := w.copyOfKeys(t)

	w.restoreKeys(t, stolen)
	if got, err := w.read(t, w.reopen(t), first); !errors.Is(err, consent.ErrNotFound) || !errors.Is(err, ErrNoEpoch) || got != "" {
		t.Errorf("keys of day 0 with the secrets of day 22 = %q, %v; want %v and %v", got, err, consent.ErrNotFound, ErrNoEpoch)
	}
	// The copy is whole: with the secrets of its own day it would have opened.
	newest, err := os.ReadFile(w.epochFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.epochFile(), secretsOfDay0, 0o600); err != nil {
		t.Fatal(err)
	}
	w.mustRead(t, w.reopen(t), first)
	if err := os.WriteFile(w.epochFile(), newest, 0o600); err != nil {
		t.Fatal(err)
	}
	w.restoreKeys(t, live)
	w.mustRead(t, w.reopen(t), written...)
}

func TestEpochKeysAreGoneFromTheFileAfterTheirLife(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	w.write(t)
	for of := 1; of <= 21+keptDestroyed+4; of++ {
		turnOn(t, w.keys, of)
		without := endedIn(w.keys.epochs.all())
		with := len(w.keys.epochs.all()) - without
		if with > 22 || without > keptDestroyed {
			t.Fatalf("day %d: %d epochs with a key and %d without, want at most 22 and %d", of, with, without, keptDestroyed)
		}
	}
	info, err := os.Stat(w.epochFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("epoch file: mode %v, %v; want 0600", info.Mode().Perm(), err)
	}
}

// TestTurnMayDieBetweenAnyTwoSteps ends the process after each step of a turn. Its successor reads
// everything, and its turn brings the work to its end.
func TestTurnMayDieBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"made", "batch", "resealed", "destroyed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newKeysWorld(t)
			all := []sealed{w.write(t)}
			for range resealAtOnce { // more than one batch, by rows alone: the keys are copies of other sessions' rows
				id := consent.NewID[consent.SessionID]()
				w.addSession(t, id)
				inner, err := w.keys.master.wrap(randomKey(), id, consent.ScopeTranscript)
				if err != nil {
					t.Fatal(err)
				}
				w.exec(t, `INSERT INTO data_keys (session, scope, wrapped, master_key) VALUES ($1, 'transcript', $2, $3)`, id, inner, w.keys.master.ID())
			}
			killed := errors.New("killed")
			w.keys.ahead = 40 * day
			w.keys.afterStep = func(at string) error {
				if at == step {
					return killed
				}
				return nil
			}
			if _, err := w.keys.TurnEpoch(t.Context()); !errors.Is(err, killed) {
				t.Fatalf("turn = %v, want it to die after %q", err, step)
			}
			successor := w.reopen(t)
			w.mustRead(t, successor, all...)
			if _, err := successor.TurnEpoch(t.Context()); err != nil {
				t.Fatalf("turn again: %v", err)
			}
			w.mustRead(t, successor, all...)
			newest := successor.epochs.newest().Number
			if n := w.count(t, `SELECT count(*) FROM data_keys WHERE epoch <> $1`, newest); n != 0 || newest != 2 {
				t.Errorf("%d keys are not under the newest epoch, %d; want none under 2", n, newest)
			}
			if key := successor.epochs.key(1); key != nil {
				t.Error("the key of epoch 1 outlived it")
			}
		})
	}
}

func TestKeysFromBeforeEpochsAreSealedAtTheFirstTurn(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	one := w.write(t)
	row := w.copyOfKeys(t)[0]
	inner, err := w.keys.epochs.open(row.wrapped, row.epoch, row.session, row.scope)
	if err != nil {
		t.Fatal(err)
	}
	w.restoreKeys(t, []wrappedKey{{session: row.session, scope: row.scope, wrapped: inner}})
	w.mustRead(t, w.keys, one)
	if turn, err := w.keys.TurnEpoch(t.Context()); err != nil || turn != (EpochTurn{Epoch: 1, Resealed: 1}) {
		t.Errorf("turn = %+v, %v; want one key sealed under epoch 1", turn, err)
	}
	w.mustRead(t, w.keys, one)
	if again, err := w.keys.TurnEpoch(t.Context()); err != nil || again != (EpochTurn{Epoch: 1}) {
		t.Errorf("turn again = %+v, %v; want nothing done", again, err)
	}
}

// TestWritersAndReadersGoOnDuringTurns runs two servers on one database, both writing and reading while
// one of them lives through two months of days and the other is never told.
func TestWritersAndReadersGoOnDuringTurns(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	other := w.reopen(t)
	written := make(chan sealed, 1000)
	stop := make(chan struct{})
	var working sync.WaitGroup
	for range 3 {
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := w.writeWith(t, other)
				if err != nil {
					t.Errorf("write: %v", err)
					return
				}
				if got, err := w.read(t, other, s); err != nil || got != canary {
					t.Errorf("read = %q, %v", got, err)
				}
				written <- s
			}
		})
	}
	for of := 1; of <= 60; of++ {
		turnOn(t, w.keys, of)
	}
	close(stop)
	working.Wait()
	close(written)
	n := 0
	for s := range written {
		n++
		w.mustRead(t, w.keys, s)
		w.mustRead(t, other, s)
	}
	if n == 0 {
		t.Error("nothing was written meanwhile")
	}
	t.Logf("%d keys were made during 60 turns", n)
}

func TestKeysAreNeverSealedAnewUnderAnOlderEpoch(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	w.write(t)
	turnOn(t, w.keys, 1)
	for name, change := range map[string]string{
		"older epoch":     `UPDATE data_keys SET epoch = 1`,
		"same epoch":      `UPDATE data_keys SET wrapped = ''`,
		"another session": `UPDATE data_keys SET session = session`,
		"another scope":   `UPDATE data_keys SET scope = 'feedback', epoch = 9`,
	} {
		_, err := w.database.Pool(RoleKeys).Exec(t.Context(), change)
		if !hasCode(err, policyViolation) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

func TestDamagedKeyIsNamedAndHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	whole, damaged := w.write(t), w.write(t)
	w.exec(t, `UPDATE data_keys SET wrapped = 'x', epoch = 1 WHERE session = $1 AND epoch < 1`, damaged.session)
	rows := w.copyOfKeys(t)
	for i := range rows {
		if rows[i].session == damaged.session {
			rows[i].wrapped = []byte("not what was sealed")
		}
	}
	w.restoreKeys(t, rows)
	w.keys.ahead = 30 * day
	turn, err := w.keys.TurnEpoch(t.Context())
	if err == nil || !strings.Contains(err.Error(), string(damaged.session)) || turn.Resealed != 1 || turn.Destroyed != 0 {
		t.Errorf("turn = %+v, %v; want one key sealed, none destroyed and the damaged one named", turn, err)
	}
	w.mustRead(t, w.keys, whole)
	w.exec(t, `DELETE FROM data_keys WHERE session = $1`, damaged.session)
	if turn, err = w.keys.TurnEpoch(t.Context()); err != nil || turn.Destroyed != 1 {
		t.Errorf("turn without it = %+v, %v; want epoch 1 destroyed", turn, err)
	}
}

func TestEpochFileIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	one := w.write(t)
	early, err := os.ReadFile(w.epochFile())
	if err != nil {
		t.Fatal(err)
	}
	turnOn(t, w.keys, 1)
	whole, err := os.ReadFile(w.epochFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func() error
		want   string
	}{
		"missing":             {func() error { return os.Remove(w.epochFile()) }, "key backup"},
		"older than the rows": {func() error { return os.WriteFile(w.epochFile(), early, 0o600) }, "share one secrets folder"},
		"damaged":             {func() error { return os.WriteFile(w.epochFile(), whole[:len(whole)/2], 0o600) }, "damaged"},
		"empty":               {func() error { return os.WriteFile(w.epochFile(), []byte("[]"), 0o600) }, "no newest key"},
		"open to others":      {func() error { return os.Chmod(w.epochFile(), 0o644) }, "chmod 600"},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeys(t.Context(), w.database, w.masterPath()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.want)
		}
		_ = os.Remove(w.epochFile())
		if err := os.WriteFile(w.epochFile(), whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.mustRead(t, w.reopen(t), one)
}

// TestClockThatWasAheadDoesNotKeepAKeyAlive: an epoch made while the clock was wrong lives no longer than
// others after it was set right.
func TestClockThatWasAheadDoesNotKeepAKeyAlive(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	one := w.write(t)
	turnOn(t, w.keys, 1000)
	for of := 1; of <= 23; of++ {
		turnOn(t, w.keys, of)
		w.mustRead(t, w.keys, one)
	}
	for _, number := range []int{1, 2} {
		if w.keys.epochs.key(number) != nil {
			t.Errorf("the key of epoch %d is still there", number)
		}
	}
}

func TestOneOfManyMakesTheFirstEpoch(t *testing.T) {
	t.Parallel()
	w := newKeysWorld(t)
	if err := os.Remove(w.epochFile()); err != nil {
		t.Fatal(err)
	}
	made := make([]string, 6)
	var openers sync.WaitGroup
	for i := range made {
		openers.Go(func() {
			keys, err := OpenKeys(t.Context(), w.database, w.masterPath())
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			made[i] = fmt.Sprintf("%x", keys.epochs.newest().Key)
		})
	}
	openers.Wait()
	for _, key := range made {
		if key != made[0] || key == "" {
			t.Fatalf("different first epochs: %q", made)
		}
	}
}
