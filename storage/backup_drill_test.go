package storage

import (
	"path/filepath"
	"slices"
	"testing"
)

// THE DRILL: an interview is backed up, then erased, then the backup is restored.
func TestBackupsBringBackNothingThatWasErased(t *testing.T) {
	t.Parallel()
	w := newBackupWorld(t)
	dir := t.TempDir()
	j := w.keepJournal(t, dir)
	w.reconcile(t, j)
	old := w.backUpTo(t, 0)
	bucket, thrown := w.copyBucket(t), t.TempDir()
	copyFolder(t, old.Keys, filepath.Join(thrown, filepath.Base(old.Keys)))
	stolen := loot{data: copyFolder(t, old.Data, t.TempDir()), keys: copyFolder(t, w.places.Keys, t.TempDir()), objects: bucket, secrets: w.secrets}
	if words, frames := stolen.tryAll(t, w.erased); !words || !frames {
		t.Fatalf("before anything is erased, with everything stolen: words %t, frames %t; the attempt itself does not work", words, frames)
	}
	w.ask(t, w.alice, w.erased)
	w.erase(t, w.erased)
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	newest := w.backUpTo(t, 0)

	for name, keys := range map[string]string{"with the newest keys": newest.Keys, "with the keys of the same moment": old.Keys} {
		r, done := w.restored(t, BackupPlaces{Data: old.Data, Keys: keys})
		if done.Rows == 0 || done.Keys == 0 {
			t.Fatalf("%s: restored %+v", name, done)
		}
		if n := r.ownerCount(t, `SELECT count(*) FROM sessions WHERE id = $1 AND state <> 'erased'`, w.erased); n != 1 {
			t.Fatalf("%s: the old backup does not have the session that was erased after it", name)
		}
		if n := r.ownerCount(t, `SELECT count(*) FROM data_keys WHERE session = $1`, w.erased); (n == 0) != (keys == newest.Keys) {
			t.Errorf("%s: %d keys of the erased session came back", name, n)
		}
		r.putBack(t, bucket)
		journal := r.keepJournal(t, copyFolder(t, dir, t.TempDir()))
		if restored := r.reconcile(t, journal); restored == 0 { // what serve does before it serves
			t.Errorf("%s: the journal put nothing back", name)
		}
		r.everybodyIsRefused(t, w.erased)
		if words, frames := r.reads(t, w.alice, w.erased); words || frames {
			t.Errorf("%s: alice's erased interview: words %t, frames %t", name, words, frames)
		}
		if words, frames := r.reads(t, w.bob, w.kept); !words || !frames {
			t.Errorf("%s: bob's interview is not whole: words %t, frames %t", name, words, frames)
		}
		r.erase(t, w.erased)
		r.nothingLeft(t, w.erased)
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
	}

	// 22 days later: the key backups of then are gone, and every key that lives is sealed under a younger epoch.
	turnOn(t, w.keys, 22)
	latest := w.backUpTo(t, w.keys.ahead)
	for _, place := range []string{w.places.Data, w.places.Keys} {
		if names, err := backupsIn(place); err != nil || !slices.Equal(names, []string{filepath.Base(latest.Data)}) {
			t.Errorf("in %s are %v, %v; want the latest only", place, names, err)
		}
	}
	stolen.keys = w.places.Keys
	if words, frames := stolen.tryAll(t, w.erased); words || frames {
		t.Errorf("the old data and the old bucket with all that is there today: words %t, frames %t", words, frames)
	}
	if words, frames := stolen.tryAll(t, w.kept); !words || !frames {
		t.Errorf("bob's interview in the same: words %t, frames %t; the attempt itself does not work", words, frames)
	}
	// Even a key backup that somebody forgot to remove: the epoch keys beside it are today's.
	forgotten := loot{data: stolen.data, keys: thrown, objects: bucket, secrets: w.secrets}
	copyFile(t, filepath.Join(w.places.Keys, epochFile), filepath.Join(thrown, epochFile))
	if words, frames := forgotten.tryAll(t, w.erased); words || frames {
		t.Errorf("a forgotten key backup beside today's epoch keys: words %t, frames %t", words, frames)
	}
}

// Every part that a thief can have, alone and with every other: only three together read anything.
func TestWhatEachStolenPartGives(t *testing.T) {
	t.Parallel()
	w := newBackupWorld(t)
	made := w.backUpTo(t, 0)
	bucket := w.copyBucket(t)
	const data, keys, objects, secrets = 1, 2, 4, 8
	for parts := range 16 {
		var l loot
		if parts&data != 0 {
			l.data = made.Data
		}
		if parts&keys != 0 {
			l.keys = w.places.Keys
		}
		if parts&objects != 0 {
			l.objects = bucket
		}
		if parts&secrets != 0 {
			l.secrets = w.secrets
		}
		wantWords := parts&(data|keys|secrets) == data|keys|secrets
		wantFrames := parts&(objects|keys|secrets) == objects|keys|secrets
		if words, frames := l.tryAll(t, w.kept); words != wantWords || frames != wantFrames {
			t.Errorf("data %t, keys %t, objects %t, secrets %t: words %t, frames %t; want %t, %t", parts&data != 0, parts&keys != 0,
				parts&objects != 0, parts&secrets != 0, words, frames, wantWords, wantFrames)
		}
	}
}
