package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"

	"greenroom/consent"
)

// errObjectStore marks what only the object store can mend.
var errObjectStore = errors.New("the object store")

// namesAtOnce bounds how many object versions one statement names.
const namesAtOnce = 1000

// removeObjects takes the session out of every copy that was made for its candidate, and removes every version
// and delete marker of its own objects. Their names are written down first, so that the
// certificate counts each once however often this is cut off.
func (w *erasing) removeObjects(ctx context.Context) error {
	if err := w.exports.EraseSession(ctx, w.session); err != nil {
		return fmt.Errorf("%w: %w", errObjectStore, err)
	}
	versions, err := w.listObjects(ctx)
	if err != nil {
		return err
	}
	for len(versions) > 0 {
		batch := versions[:min(len(versions), namesAtOnce)]
		versions = versions[len(batch):]
		if err := w.nameObjects(ctx, batch); err != nil {
			return err
		}
		if err := w.objects.removeVersions(ctx, batch); err != nil {
			return fmt.Errorf("%w: %w", errObjectStore, err)
		}
	}
	return w.step(ctx, lockSession, func(tx pgx.Tx) error {
		const sum = `INSERT INTO erasure_counts AS c (erasure, step, what, amount)
			SELECT $1, 'objects', '', count(*) FROM erasure_objects WHERE erasure = $1
			ON CONFLICT (erasure, step, what) DO UPDATE SET amount = excluded.amount,
			at = CASE WHEN excluded.amount > c.amount THEN excluded.at ELSE c.at END`
		_, err := tx.Exec(ctx, sum, w.id)
		return err
	})
}

func (w *erasing) listObjects(ctx context.Context) ([]minio.ObjectInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, objectPutTimeout)
	defer cancel()
	versions, err := w.objects.versions(ctx, w.prefix)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errObjectStore, err)
	}
	return versions, nil
}

func (w *erasing) nameObjects(ctx context.Context, versions []minio.ObjectInfo) error {
	names, objects := make([]string, len(versions)), make([]string, len(versions))
	for i, v := range versions {
		names[i], objects[i] = v.Key+"@"+v.VersionID, v.Key
	}
	return w.step(ctx, lockSession, func(tx pgx.Tx) error {
		const add = `INSERT INTO erasure_objects (erasure, name, object)
			SELECT $1, * FROM unnest($2::text[], $3::text[]) ON CONFLICT DO NOTHING`
		_, err := tx.Exec(ctx, add, w.id, names, objects)
		return err
	})
}

// deleteRows empties every table of the session and leaves its own row as a tombstone: ids and dates. The
// lock on that row waits for writers that had begun before the session was erased; those that begin later
// are refused by their policies.
func (w *erasing) deleteRows(ctx context.Context) error {
	return w.step(ctx, lockWriters, func(tx pgx.Tx) error {
		for _, table := range consent.SessionTables() {
			deleted, err := tx.Exec(ctx, `DELETE FROM `+pgx.Identifier{table}.Sanitize()+` WHERE session = $1`, w.session)
			if err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			if n := deleted.RowsAffected(); n > 0 {
				if err := w.count(ctx, tx, consent.StepRows, table, n); err != nil {
					return err
				}
			}
		}
		const empty = `UPDATE sessions SET role = '', role_title = '', plan = '{}', recording = false, transcription = false,
			assessment = false, media_start = NULL WHERE id = $1`
		if _, err := tx.Exec(ctx, empty, w.session); err != nil {
			return err
		}
		return w.count(ctx, tx, consent.StepRows, "", 0)
	})
}

// deleteOpenings deletes the salts: from then on nobody can tell what the ledger's entries of the session
// commit to, and the chain is as whole as before.
func (w *erasing) deleteOpenings(ctx context.Context) error {
	return w.step(ctx, lockSession, func(tx pgx.Tx) error {
		deleted, err := tx.Exec(ctx, `DELETE FROM ledger_openings WHERE session = $1`, w.session)
		if err != nil {
			return err
		}
		return w.count(ctx, tx, consent.StepOpenings, "", deleted.RowsAffected())
	})
}

// verify looks everywhere again.
func (w *erasing) verify(ctx context.Context) error {
	versions, err := w.listObjects(ctx)
	if err != nil {
		return err
	}
	if len(versions) > 0 {
		return fmt.Errorf("%d object versions are still there", len(versions))
	}
	return w.step(ctx, lockSession, func(tx pgx.Tx) error {
		for _, table := range append(consent.SessionTables(), "ledger_openings") {
			var left bool
			look := `SELECT EXISTS (SELECT FROM ` + pgx.Identifier{table}.Sanitize() + ` WHERE session = $1)`
			if err := tx.QueryRow(ctx, look, w.session).Scan(&left); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			if left {
				return fmt.Errorf("table %s still has rows", table)
			}
		}
		return w.count(ctx, tx, consent.StepVerified, "", 0)
	})
}

// certify signs what was done, enters it in the ledger and gives the candidate the receipt, in the one
// transaction that ends the erasure.
func (w *erasing) certify(ctx context.Context) error {
	return w.step(ctx, lockSession, func(tx pgx.Tx) error {
		certificate, err := w.certificate(ctx, tx)
		if err != nil {
			return err
		}
		signed, err := w.database.notary.sign(consent.DocumentCertificate, certificate)
		if err != nil {
			return err
		}
		const done = `UPDATE erasures SET state = 'done', fault = NULL, finished_at = $2, certificate = $3 WHERE id = $1`
		if _, err := tx.Exec(ctx, done, w.id, certificate.FinishedAt, signed); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM erasure_objects WHERE erasure = $1`, w.id); err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(signed))
		return w.attest(ctx, tx, consent.LedgerEvent{
			Kind: consent.LedgerSessionErased, Account: w.candidate, Session: w.session,
			Reason: string(certificate.Cause), Digest: hex.EncodeToString(sum[:]),
		})
	})
}

// attest enters the erasure in the ledger. Where there were consents the candidate gets a receipt of their
// end; a session whose notice was never answered has no terms that one could say.
func (w *erasing) attest(ctx context.Context, tx pgx.Tx, event consent.LedgerEvent) error {
	session := consent.Session{ID: w.session, Candidate: w.candidate}
	const read = `SELECT coalesce(notice_sha256, '') FROM sessions WHERE id = $1`
	if err := tx.QueryRow(ctx, read, w.session).Scan(&session.NoticeSHA256); err != nil {
		return err
	}
	if session.NoticeSHA256 == "" {
		_, err := record(ctx, tx, event)
		return err
	}
	notice, err := noticeOf(ctx, tx, session.NoticeSHA256)
	if err != nil {
		return err
	}
	return w.database.attest(ctx, tx, event, consent.ReceiptOfConsents(w.database.notary.Operator(), session, notice), consent.SideCandidate)
}

// certificate puts together what the rows of the erasure say.
func (w *erasing) certificate(ctx context.Context, tx pgx.Tx) (consent.Certificate, error) {
	c := consent.Certificate{ID: w.id, Session: w.session, PrincipalID: w.database.notary.pseudonym(w.candidate, "")}
	const read = `SELECT cause, requested_at, statement_timestamp() FROM erasures WHERE id = $1`
	if err := tx.QueryRow(ctx, read, w.id).Scan(&c.Cause, &c.RequestedAt, &c.FinishedAt); err != nil {
		return c, err
	}
	for _, part := range []func(context.Context, pgx.Tx, *consent.Certificate) error{w.sumCounts, w.sumObjects, w.nameProcessors, w.nameRecipients} {
		if err := part(ctx, tx, &c); err != nil {
			return c, err
		}
	}
	c.BackupHorizon = consent.BackupHorizon(c.KeysDestroyedAt.UTC().Truncate(time.Microsecond))
	return c.Complete()
}

func (w *erasing) sumCounts(ctx context.Context, tx pgx.Tx, c *consent.Certificate) error {
	rows, err := tx.Query(ctx, `SELECT step, what, amount, at FROM erasure_counts WHERE erasure = $1`, w.id)
	if err != nil {
		return err
	}
	var step consent.ErasureStep
	var what string
	var amount int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&step, &what, &amount, &at}, func() error {
		switch {
		case step == consent.StepKeys:
			if at.After(c.KeysDestroyedAt) {
				c.KeysDestroyedAt = at
			}
			if what != "" {
				c.KeysDestroyed = append(c.KeysDestroyed, what)
			}
		case step == consent.StepSpool:
			c.SpoolFiles = amount
		case step == consent.StepRows && what != "":
			c.Rows = append(c.Rows, consent.CertificateRows{Table: what, Rows: amount})
		case step == consent.StepOpenings:
			c.LedgerOpenings = amount
		}
		return nil
	})
	return err
}

func (w *erasing) sumObjects(ctx context.Context, tx pgx.Tx, c *consent.Certificate) error {
	rows, err := tx.Query(ctx, `SELECT name, object FROM erasure_objects WHERE erasure = $1`, w.id)
	if err != nil {
		return err
	}
	var names []string
	objects := map[string]struct{}{}
	var name, object string
	_, err = pgx.ForEachRow(rows, []any{&name, &object}, func() error {
		names = append(names, name)
		objects[object] = struct{}{}
		return nil
	})
	c.Objects, c.Versions, c.VersionsRoot = int64(len(objects)), int64(len(names)), consent.VersionsRoot(names)
	return err
}

// nameProcessors says who else was sent something, under any of the consents that the session ever had.
func (w *erasing) nameProcessors(ctx context.Context, tx pgx.Tx, c *consent.Certificate) error {
	var transcription, assessment bool
	const read = `SELECT coalesce(bool_or(transcription), false), coalesce(bool_or(assessment), false) FROM consent_events WHERE session = $1`
	if err := tx.QueryRow(ctx, read, w.session).Scan(&transcription, &assessment); err != nil {
		return err
	}
	for _, p := range w.processors(transcription, assessment) {
		c.Processors = append(c.Processors, consent.CertificateProcessor{Name: p.Name, What: p.What, Deadline: c.RequestedAt.Add(p.Keeps)})
	}
	return nil
}

// nameRecipients lists the organizations that could see something, with when they were last told that this
// ended, or when it ended by itself.
func (w *erasing) nameRecipients(ctx context.Context, tx pgx.Tx, c *consent.Certificate) error {
	rows, err := tx.Query(ctx, `SELECT a.org, o.name, max(coalesce(e.at, a.valid_until)) FROM authorizations a
		JOIN organizations o ON o.id = a.org
		LEFT JOIN authorization_events e ON e.authorization_id = a.id AND e.kind IN ('withdrawn', 'revoked', 'superseded', 'expired')
		WHERE a.session = $1 AND EXISTS (SELECT FROM authorization_events g WHERE g.authorization_id = a.id AND g.kind = 'granted')
		GROUP BY a.org, o.name ORDER BY o.name, a.org`, w.session)
	if err != nil {
		return err
	}
	var r consent.CertificateRecipient
	_, err = pgx.ForEachRow(rows, []any{&r.Org, &r.Name, &r.ToldAt}, func() error {
		r.Deadline = r.ToldAt.Add(consent.RecipientDeadline)
		c.Recipients = append(c.Recipients, r)
		return nil
	})
	return err
}
