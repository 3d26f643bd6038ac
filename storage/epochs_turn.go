package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// resealAtOnce bounds how many keys one transaction seals anew, and so how long a writer may wait for
// a row of it.
const resealAtOnce = 200

// EpochTurn is what one [Keys.TurnEpoch] did.
type EpochTurn struct {
	Epoch     int // the newest now
	Resealed  int // keys sealed under it
	Destroyed int // epoch keys
}

// TurnEpoch makes a new epoch key if the newest is a day old, seals every wrapped key under the newest,
// and destroys the epoch keys that have lived their time and that no wrapped key needs. It may be cut
// off anywhere and called again, also on two servers at once: a key is always sealed under an epoch
// whose key is in the file.
func (k *Keys) TurnEpoch(ctx context.Context) (turn EpochTurn, err error) {
	if err := k.makeEpoch(ctx); err != nil {
		return turn, fmt.Errorf("make an epoch key: %w", err)
	}
	turn.Epoch = k.epochs.newest().Number
	if err := k.turned("made"); err != nil {
		return turn, err
	}
	var damaged error
	if turn.Resealed, damaged, err = k.reseal(ctx, turn.Epoch); err != nil {
		return turn, fmt.Errorf("seal keys under epoch %d: %w", turn.Epoch, err)
	}
	if err := k.turned("resealed"); err != nil {
		return turn, err
	}
	if turn.Destroyed, err = k.destroyEpochs(ctx); err != nil {
		return turn, fmt.Errorf("destroy old epoch keys: %w", err)
	}
	if err := k.turned("destroyed"); err != nil {
		return turn, err
	}
	return turn, damaged
}

// turned lets a test end a turn between two steps.
func (k *Keys) turned(step string) error {
	if k.afterStep == nil {
		return nil
	}
	return k.afterStep(step)
}

// withEpochs runs work while no other server changes the file and nobody seals a new key. Writers of
// keys hold the same lock shared (see [Keys.forWriting]), so what work decides about the wrapped keys
// of an epoch still holds when it has written the file.
func (k *Keys) withEpochs(ctx context.Context, work func(tx pgx.Tx, now time.Time) error) error {
	return pgx.BeginFunc(ctx, k.database.Pool(RoleKeys), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('data_keys_epochs', 0))`); err != nil {
			return err
		}
		var now time.Time
		if err := tx.QueryRow(ctx, `SELECT statement_timestamp()`).Scan(&now); err != nil {
			return err
		}
		return work(tx, now.UTC().Add(k.ahead))
	})
}

// openEpochs reads the epoch keys, and makes the first if the database needs none yet.
func (k *Keys) openEpochs(ctx context.Context) error {
	return k.withEpochs(ctx, func(tx pgx.Tx, now time.Time) error {
		var used int
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(epoch), 0) FROM data_keys`).Scan(&used); err != nil {
			return err
		}
		err := k.epochs.load()
		if errors.Is(err, fs.ErrNotExist) && used == 0 {
			return k.epochs.replace([]epoch{{Number: 1, Made: now, Key: randomKey()}})
		}
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s is not there, but the database holds keys sealed under epoch %d: "+
				"restore it with your newest key backup", ErrNoEpoch, k.epochs.path, used)
		}
		if err == nil && used > k.epochs.newest().Number {
			return k.epochs.missing(used)
		}
		return err
	})
}

// makeEpoch adds an epoch key if it is due. The file is on disk before anything is sealed under it.
func (k *Keys) makeEpoch(ctx context.Context) error {
	return k.withEpochs(ctx, func(_ pgx.Tx, now time.Time) error {
		if err := k.epochs.load(); err != nil {
			return err
		}
		list, changed := k.epochs.all(), false
		for i := range list {
			if list[i].Made.After(now) { // the clock was ahead: otherwise its key would live too long
				list[i].Made, changed = now, true
			}
		}
		newest := list[len(list)-1]
		if now.Sub(newest.Made) >= epochEvery {
			list, changed = append(list, epoch{Number: newest.Number + 1, Made: now, Key: randomKey()}), true
		}
		if !changed {
			return nil
		}
		return k.epochs.replace(list)
	})
}

// reseal seals every key of an older epoch under the given one, batch by batch. A key that does not open
// is left as it is and named in damaged, and the others go on.
func (k *Keys) reseal(ctx context.Context, under int) (resealed int, damaged, err error) {
	var after wrappedKey
	for {
		batch, done, err := k.resealBatch(ctx, under, after)
		if err != nil {
			return resealed, damaged, err
		}
		for _, key := range batch {
			damaged = errors.Join(damaged, key.fault)
		}
		resealed += done
		if len(batch) < resealAtOnce {
			return resealed, damaged, nil
		}
		after = batch[len(batch)-1]
		if err := k.turned("batch"); err != nil {
			return resealed, damaged, err
		}
	}
}

// wrappedKey is a row of data_keys.
type wrappedKey struct {
	session consent.SessionID
	scope   consent.Scope
	wrapped []byte
	epoch   int
	fault   error
}

func (k *Keys) resealBatch(ctx context.Context, under int, after wrappedKey) (batch []wrappedKey, done int, err error) {
	err = pgx.BeginFunc(ctx, k.database.Pool(RoleKeys), func(tx pgx.Tx) error {
		const older = `SELECT session, scope, wrapped, epoch FROM data_keys
			WHERE epoch < $1 AND (session, scope) > ($2, $3) ORDER BY session, scope LIMIT $4 FOR UPDATE`
		rows, err := tx.Query(ctx, older, under, after.session, after.scope, resealAtOnce)
		if err != nil {
			return err
		}
		batch, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (key wrappedKey, err error) {
			err = row.Scan(&key.session, &key.scope, &key.wrapped, &key.epoch)
			return key, err
		})
		if err != nil {
			return err
		}
		var updates pgx.Batch
		for i := range batch {
			if batch[i].fault = k.resealOne(&batch[i]); batch[i].fault == nil {
				updates.Queue(`UPDATE data_keys SET wrapped = $3, epoch = $4 WHERE session = $1 AND scope = $2 AND epoch < $4`,
					batch[i].session, batch[i].scope, batch[i].wrapped, batch[i].epoch)
			}
		}
		done = updates.Len()
		return tx.SendBatch(ctx, &updates).Close()
	})
	return batch, done, err
}

// resealOne changes the outer seal. What the master key wrapped stays wrapped.
func (k *Keys) resealOne(key *wrappedKey) error {
	inner, err := k.epochs.open(key.wrapped, key.epoch, key.session, key.scope)
	if err != nil {
		return fmt.Errorf("%w: restore this key from a key backup, or erase the session", err)
	}
	key.wrapped, key.epoch, err = k.epochs.seal(inner, key.session, key.scope)
	return err
}

// destroyEpochs destroys the keys that have lived their time. One that a wrapped key still needs stays,
// whatever its age: losing a live recording is worse than a late end.
func (k *Keys) destroyEpochs(ctx context.Context) (destroyed int, err error) {
	err = k.withEpochs(ctx, func(tx pgx.Tx, now time.Time) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT epoch FROM data_keys`)
		if err != nil {
			return err
		}
		used, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			return err
		}
		if err := k.epochs.load(); err != nil {
			return err
		}
		list := k.epochs.all()
		if destroyed = endEpochs(list, used, now); destroyed == 0 {
			return nil
		}
		for len(list) > 1 && len(list[0].Key) == 0 && endedIn(list) > keptDestroyed {
			list = list[1:]
		}
		return k.epochs.replace(list)
	})
	return destroyed, err
}

// endEpochs takes the keys out of the epochs that are over and unused, never out of the newest.
func endEpochs(list []epoch, used []int, now time.Time) (ended int) {
	inUse := map[int]bool{list[len(list)-1].Number: true}
	for _, number := range used {
		inUse[number] = true
	}
	for i := range list {
		if len(list[i].Key) > 0 && !inUse[list[i].Number] && now.Sub(list[i].Made) >= consent.KeyEpochLife {
			list[i].Key, list[i].Destroyed = nil, now
			ended++
		}
	}
	return ended
}

func endedIn(list []epoch) (ended int) {
	for _, one := range list {
		if len(one.Key) == 0 {
			ended++
		}
	}
	return ended
}
