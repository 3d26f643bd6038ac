package storage

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// How the notification connection is watched: after changesQuiet without a word it is asked whether it
// still lives, and has changesAnswer to say so. A lost one is made anew after a pause that doubles.
const (
	changesQuiet      = 5 * time.Second
	changesAnswer     = 2 * time.Second
	changesFirstPause = 50 * time.Millisecond
	changesLastPause  = 5 * time.Second
)

// changesQueue bounds what waits for a subscriber to everything; what does not fit becomes one Change
// without a session, which says to look at all of them.
const changesQueue = 256

// Change says that something about a session or an account changed. Without either it says that changes
// may have been missed: look at everything again.
type Change struct {
	Session consent.SessionID
	Account consent.AccountID
	Topic   Topic
}

func parseChange(payload string) Change {
	about, topic, _ := strings.Cut(payload, " ")
	if account, ok := strings.CutPrefix(about, accountPrefix); ok {
		return Change{Account: consent.AccountID(account), Topic: Topic(topic)}
	}
	return Change{Session: consent.SessionID(about), Topic: Topic(topic)}
}

// subject is what of a session a subscriber hears of: who is looking at it, or everything else.
type subject struct {
	session consent.SessionID
	viewers bool
}

// Changes tells subscribers what happened to sessions, on this node or another. It is safe for
// concurrent use. Run owns the connection and is the only goroutine that sends.
type Changes struct {
	database *Database
	log      *slog.Logger

	mu       sync.Mutex
	sessions map[subject]map[chan struct{}]struct{}
	all      map[chan Change]struct{}
	ledger   map[chan struct{}]struct{}
}

// NewChanges returns the changes of a database; nothing is heard until Run runs.
func NewChanges(database *Database, log *slog.Logger) *Changes {
	return &Changes{
		database: database, log: log,
		sessions: make(map[subject]map[chan struct{}]struct{}), all: make(map[chan Change]struct{}),
		ledger: make(map[chan struct{}]struct{}),
	}
}

// Subscribe returns a channel that gets a value whenever something about the session changed, or may
// have, except who is looking at it; values are merged. It is closed when ctx ends.
func (c *Changes) Subscribe(ctx context.Context, session consent.SessionID) <-chan struct{} {
	return c.subscribe(ctx, subject{session: session})
}

// SubscribeViewers returns a channel that gets a value whenever it changed, or may have, who is looking at
// the session or was cut off; values are merged. It is closed when ctx ends.
func (c *Changes) SubscribeViewers(ctx context.Context, session consent.SessionID) <-chan struct{} {
	return c.subscribe(ctx, subject{session, true})
}

func (c *Changes) subscribe(ctx context.Context, what subject) <-chan struct{} {
	wake := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions[what] == nil {
		c.sessions[what] = make(map[chan struct{}]struct{})
	}
	c.sessions[what][wake] = struct{}{}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.sessions[what], wake)
		if len(c.sessions[what]) == 0 {
			delete(c.sessions, what)
		}
		close(wake)
	})
	return wake
}

// SubscribeAll returns a channel that gets every change. It is closed when ctx ends.
func (c *Changes) SubscribeAll(ctx context.Context) <-chan Change {
	queue := make(chan Change, changesQueue)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[queue] = struct{}{}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, queue)
		close(queue)
	})
	return queue
}

// SubscribeLedger returns a channel that gets a value whenever the ledger grew, or may have; values are
// merged. It is closed when ctx ends.
func (c *Changes) SubscribeLedger(ctx context.Context) <-chan struct{} {
	wake := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger[wake] = struct{}{}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.ledger, wake)
		close(wake)
	})
	return wake
}

// Run listens until ctx ends. A lost connection is made anew, and then every subscriber is woken,
// because nobody knows what was missed.
func (c *Changes) Run(ctx context.Context) error {
	pause := changesFirstPause
	for {
		began := time.Now()
		err := c.listen(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		c.log.Warn("lost the notification connection", "error", err)
		if time.Since(began) > changesLastPause {
			pause = changesFirstPause
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, changesLastPause)
	}
}

// listen connects directly, because a pool's connection could be replaced unnoticed.
func (c *Changes) listen(ctx context.Context) error {
	config := c.database.Pool(RoleAudit).Config().ConnConfig // a copy
	config.RuntimeParams["application_name"] = "greenroom changes"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), changesAnswer)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+changesChannel+"; LISTEN "+ledgerChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	c.tell(Change{})
	c.tellLedger()
	for {
		if err := c.hear(ctx, conn); err != nil {
			return err
		}
	}
}

// hear waits for one notification, or after a quiet while makes sure that the connection lives.
func (c *Changes) hear(ctx context.Context, conn *pgx.Conn) error {
	quiet, cancel := context.WithTimeout(ctx, changesQuiet)
	defer cancel()
	notification, err := conn.WaitForNotification(quiet)
	if err == nil && notification.Channel == ledgerChannel {
		c.tellLedger()
		return nil
	}
	if err == nil {
		c.tell(parseChange(notification.Payload))
		return nil
	}
	if quiet.Err() == nil || ctx.Err() != nil {
		return fmt.Errorf("wait for a notification: %w", err)
	}
	answer, cancelAnswer := context.WithTimeout(ctx, changesAnswer)
	defer cancelAnswer()
	if err := conn.Ping(answer); err != nil {
		return fmt.Errorf("ask whether the connection lives: %w", err)
	}
	return nil
}

// tell never blocks: a page's channel holds one value, and a full queue is told that it missed some.
func (c *Changes) tell(change Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, channels := range c.sessions {
		if change != (Change{}) && what != (subject{change.Session, change.Topic == TopicViewers}) {
			continue
		}
		for wake := range channels {
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	}
	for queue := range c.all {
		put(queue, change)
	}
}

func (c *Changes) tellLedger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for wake := range c.ledger {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// put leaves the last place of the queue to a Change without a session: whatever does not fit after
// it is covered by it for as long as it is unread.
func put(queue chan Change, change Change) {
	if len(queue) < cap(queue)-1 { // only Run sends, so there is room now
		queue <- change
		return
	}
	select {
	case queue <- Change{}:
	default:
	}
}
