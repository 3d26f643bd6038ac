package signaling

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

const (
	sendQueue     = 64 // messages; a page that is this far behind is closed and may come back
	messageRate   = 20 // per second, on average
	messageBurst  = 60 // an offer with its trickled candidates fits
	badMessageMax = 5  // non-fatal refusals before the connection is closed

	pingEvery  = 20 * time.Second
	pongWithin = pingEvery + 10*time.Second // so that a vanished page is noticed within 30 s
	writeLimit = 5 * time.Second
	// aliveWithin is how long a page that another one wants to replace has to answer a ping. Browsers
	// answer by themselves, also for a page in the background.
	aliveWithin = 2 * time.Second
	helloLimit  = 10 * time.Second
)

// CloseCode is why the server closed a WebSocket.
type CloseCode int

// The close codes, besides 1009 (a frame over 64 KiB).
const (
	CloseEnded        CloseCode = websocket.CloseNormalClosure
	CloseStopping     CloseCode = websocket.CloseGoingAway
	CloseTryLater     CloseCode = websocket.CloseTryAgainLater
	CloseBadVersion   CloseCode = 4000
	CloseNoConsent    CloseCode = 4001
	CloseBadMessages  CloseCode = 4002
	CloseTooFast      CloseCode = 4003
	CloseSessionOver  CloseCode = 4004
	CloseTakenOver    CloseCode = 4005
	CloseTooSlow      CloseCode = 4006
	CloseTooManyConns CloseCode = 4007
	CloseNoHello      CloseCode = 4008
	CloseLoggedOut    CloseCode = 4009
	CloseTaken        CloseCode = 4010
)

var closeNames = map[CloseCode]string{
	CloseEnded: "ended", CloseStopping: "server_stopping", CloseTryLater: "try_later",
	CloseBadVersion: "bad_version", CloseNoConsent: "no_consent", CloseBadMessages: "bad_messages",
	CloseTooFast: "too_fast", CloseSessionOver: "session_over", CloseTakenOver: "taken_over",
	CloseTooSlow: "too_slow", CloseTooManyConns: "too_many_conns", CloseNoHello: "no_hello",
	CloseLoggedOut: "logged_out", CloseTaken: "taken",
}

// conn is one WebSocket. The goroutine that calls read owns reading; run owns writing. Everything
// else only queues.
type conn struct {
	ws      *websocket.Conn
	limiter *rate.Limiter
	queue   chan []byte
	closing chan struct{} // closed once code is set
	page    string        // the page's name for itself, may be empty; set before the room sees the conn

	mu     sync.Mutex
	code   CloseCode     // 0 until closing
	ponged chan struct{} // closed and replaced at each pong
}

func newConn(ws *websocket.Conn) *conn {
	ws.SetReadLimit(MaxFrame)
	return &conn{
		ws: ws, limiter: rate.NewLimiter(messageRate, messageBurst),
		queue: make(chan []byte, sendQueue), closing: make(chan struct{}), ponged: make(chan struct{}),
	}
}

// send queues a message and never blocks. A page that does not read is closed.
func (c *conn) send(m Message) {
	frame, err := Encode(m)
	if err != nil {
		return // every message of this package encodes; a test says so
	}
	select {
	case <-c.closing:
		return
	default:
	}
	select {
	case c.queue <- frame:
	default:
		c.close(CloseTooSlow)
	}
}

// behind says that the page reads slowly: what it can do without is not sent then.
func (c *conn) behind() bool { return len(c.queue) > cap(c.queue)/4 }

// close ends the connection once; what is queued is still written, under one deadline.
func (c *conn) close(code CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code == 0 {
		c.code = code
		close(c.closing)
	}
}

// fail tells a fatal problem and closes.
func (c *conn) fail(code CloseCode, p Problem) {
	p.Fatal = true
	c.send(&p)
	c.close(code)
}

func (c *conn) end(reason EndReason, code CloseCode) {
	c.send(&Ended{Reason: reason})
	c.close(code)
}

// write is the write pump: it ends when the connection is closing or a write fails.
func (c *conn) write() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	defer c.ws.Close()          //nolint:errcheck // nothing is left to do for it
	defer c.close(CloseTooSlow) // a failed write is a page that does not read
	for {
		select {
		case frame := <-c.queue:
			if c.writeFrame(frame, time.Now().Add(writeLimit)) != nil {
				return
			}
		case <-ping.C:
			if c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeLimit)) != nil {
				return
			}
		case <-c.closing:
			c.writeRest(time.Now().Add(writeLimit))
			return
		}
	}
}

func (c *conn) writeFrame(frame []byte, deadline time.Time) error {
	if err := c.ws.SetWriteDeadline(deadline); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, frame)
}

func (c *conn) writeRest(deadline time.Time) {
	for {
		select {
		case frame := <-c.queue:
			if c.writeFrame(frame, deadline) != nil {
				return
			}
		default:
			code := c.closeCode()
			goodbye := websocket.FormatCloseMessage(int(code), closeNames[code])
			_ = c.ws.WriteControl(websocket.CloseMessage, goodbye, deadline)
			return
		}
	}
}

func (c *conn) closeCode() CloseCode {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}

// errClosed ends reading: the connection is gone or going.
var errClosed = errors.New("connection closed")

// read waits for one message. A frame that is no message gives [ErrBadMessage] and the connection
// lives on; any other error ends it.
func (c *conn) read() (Message, error) {
	kind, frame, err := c.ws.ReadMessage()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errClosed, err)
	}
	if !c.limiter.Allow() {
		c.fail(CloseTooFast, Problem{
			Code: "too_fast", Message: "The page sent too many messages at once.", Next: "Reload the page.",
		})
		return nil, errClosed
	}
	if kind != websocket.TextMessage {
		return nil, fmt.Errorf("%w: it is binary", ErrBadMessage)
	}
	return DecodeFromPage(frame)
}

// keepAlive sets how long silence may last: helloLimit before the greeting, then a pong at least.
func (c *conn) keepAlive(limit time.Duration) error {
	c.ws.SetPongHandler(func(string) error {
		c.mu.Lock()
		close(c.ponged)
		c.ponged = make(chan struct{})
		c.mu.Unlock()
		return c.ws.SetReadDeadline(time.Now().Add(pongWithin))
	})
	return c.ws.SetReadDeadline(time.Now().Add(limit))
}

// answers reports whether the page is still there: whether a pong comes to a ping. A page whose network
// is gone, or whose computer sleeps, does not answer, long before its silence closes the connection.
func (c *conn) answers(limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	c.mu.Lock()
	ponged := c.ponged
	c.mu.Unlock()
	if c.ws.WriteControl(websocket.PingMessage, nil, deadline) != nil {
		return false
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-ponged:
		return true
	case <-c.closing:
		return false
	case <-timer.C:
		return false
	}
}

// upgrade turns the request into a conn and runs its write pump until the connection closes. The
// caller must call the returned function, which waits for the write pump.
func upgrade(w http.ResponseWriter, r *http.Request, allowed func(origin string) bool) (*conn, func(), error) {
	upgrader := websocket.Upgrader{
		HandshakeTimeout: writeLimit, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
		Subprotocols: []string{Subprotocol}, // the ticket beside it in the request is never repeated
		CheckOrigin:  func(r *http.Request) bool { return originAllowed(r, allowed) },
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("upgrade: %w", err) // the upgrader has answered
	}
	c := newConn(ws)
	var pump sync.WaitGroup
	pump.Go(c.write) // owner: the handler, which closes and waits through the returned function
	return c, func() { c.close(CloseEnded); pump.Wait() }, nil
}

// Subprotocol is what a page asks for beside its ticket, and what the server chooses.
const Subprotocol = "greenroom.room.v1"

// originAllowed: a WebSocket is not covered by the same-origin policy, so the exact origin is checked
// here. Programs name the server's own.
func originAllowed(r *http.Request, allowed func(string) bool) bool {
	origins := r.Header.Values("Origin")
	if len(origins) != 1 {
		return false
	}
	if allowed != nil {
		return allowed(origins[0])
	}
	origin, err := url.Parse(origins[0])
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// connCounts bounds the connections of one account.
type connCounts struct {
	mu     sync.Mutex
	counts map[string]int
}

const maxConnsPerAccount = 4

// take reports whether the account may open one more; release gives it back.
func (c *connCounts) take(account string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	if c.counts[account] >= maxConnsPerAccount {
		return false
	}
	c.counts[account]++
	return true
}

func (c *connCounts) release(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[account]--; c.counts[account] <= 0 {
		delete(c.counts, account)
	}
}
