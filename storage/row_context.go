package storage

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// contextLife is how long a signed context is believed: longer than any of our transactions takes, and
// too short for one that was seen somewhere to be of use.
const contextLife = time.Minute

// The codes of migration 0010, in a class that the standard leaves to implementations.
const (
	contextRefused = "RW001" // missing, altered, or made for another role
	contextExpired = "RW002"
)

// rowContext is about whom a transaction is; row-level security reads it. Only the fields that the
// plane needs are set. It reaches the database signed, so that a statement which somebody else put
// into ours cannot speak for another.
type rowContext struct {
	account    string
	org        string
	session    string
	invitation string // SHA-256 of the invitation's secret, in hex
}

// sendContext ends with the transaction, so that a pooled connection keeps nothing (SET would). It is
// always a parameter: the text of a statement can be seen by other connections of the same role.
const sendContext = `SELECT clock_timestamp() FROM set_config('greenroom.context', $1, true)`

// contextSigner signs row contexts for one database. It is safe for concurrent use.
type contextSigner struct {
	key   []byte
	clock databaseClock
}

// sign returns the context's text and when it expires by the database's clock. No id holds a bar;
// what does is an id of nothing.
func (s *contextSigner) sign(role Role, about rowContext) (string, time.Time, error) {
	expiry := s.clock.now().Add(contextLife)
	fields := []string{
		"v1", string(role), about.account, about.org, about.session, about.invitation,
		strconv.FormatInt(expiry.UnixMilli(), 10),
	}
	for _, field := range fields {
		if strings.Contains(field, "|") {
			return "", time.Time{}, fmt.Errorf("%w: an id with a bar in it", consent.ErrNotFound)
		}
	}
	text := strings.Join(fields, "|")
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return text + "|" + hex.EncodeToString(mac.Sum(nil)), expiry, nil
}

// set tells the transaction whom it is about. Where the database's clock was moved since it was last
// heard, the context is signed anew for the time that came back.
func (s *contextSigner) set(ctx context.Context, tx pgx.Tx, role Role, about rowContext) error {
	for range 2 {
		text, expiry, err := s.sign(role, about)
		if err != nil {
			return err
		}
		var now time.Time
		sent := time.Now()
		if err := tx.QueryRow(ctx, sendContext, text).Scan(&now); err != nil {
			return fmt.Errorf("set the row context: %w", err)
		}
		s.clock.hear(now, sent)
		if left := expiry.Sub(now); left > contextLife/2 && left < 2*contextLife {
			return nil
		}
	}
	return errors.New("set the row context: the database's clock keeps jumping")
}

// queue puts the context at the head of a batch, whose statements are one transaction.
func (s *contextSigner) queue(batch *pgx.Batch, role Role, about rowContext) error {
	text, _, err := s.sign(role, about)
	if err != nil {
		return err
	}
	sent := time.Now()
	batch.Queue(sendContext, text).QueryRow(func(row pgx.Row) error {
		var now time.Time
		if err := row.Scan(&now); err != nil {
			return fmt.Errorf("set the row context: %w", err)
		}
		s.clock.hear(now, sent)
		return nil
	})
	return nil
}

// keep stores the key where only the owner, and so the checking function, can read it.
func (s *contextSigner) keep(ctx context.Context, owner *pgx.Conn) error {
	inner, outer := hmacPads(s.key)
	const put = `INSERT INTO public.context_keys AS k (inner_pad, outer_pad) VALUES ($1, $2)
		ON CONFLICT (one) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
		WHERE (k.inner_pad, k.outer_pad) IS DISTINCT FROM (excluded.inner_pad, excluded.outer_pad)`
	if _, err := owner.Exec(ctx, put, inner, outer); err != nil {
		return fmt.Errorf("keep the key of row contexts: %w", err)
	}
	return s.hearAgain(ctx, owner)
}

// hearAgain asks the database for its time.
func (s *contextSigner) hearAgain(ctx context.Context, from interface {
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
},
) error {
	var now time.Time
	sent := time.Now()
	if err := from.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return fmt.Errorf("read the database's clock: %w", err)
	}
	s.clock.hear(now, sent)
	return nil
}

// hmacPads returns the two blocks that HMAC makes of its key (RFC 2104, section 2).
func hmacPads(key []byte) (inner, outer []byte) {
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	inner, outer = make([]byte, sha256.BlockSize), make([]byte, sha256.BlockSize)
	copy(inner, key)
	copy(outer, key)
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	return inner, outer
}

// databaseClock is what the database's clock says, without asking it: what it said last, and the time
// that has passed since by the monotonic clock. This machine's own time of day plays no part.
type databaseClock struct {
	mu     sync.Mutex
	server time.Time
	local  time.Time
}

// hear notes what the database said to a question sent at that time.
func (c *databaseClock) hear(server, sent time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.local = server, sent
}

func (c *databaseClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local.IsZero() {
		return time.Now()
	}
	return c.server.Add(time.Since(c.local))
}
