//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// floors are what no recorder can be cheaper than, step by step, and Pion as it comes.
func floors() []subject {
	list := make([]subject, 0, 4)
	for _, f := range []struct{ name, what string }{
		{"f0", "receive only"},
		{"f1", "receive, decrypt"},
		{"f2", "receive, decrypt, append to a file"},
		{"f3", "Pion as it comes, read and discard"},
	} {
		list = append(list, subject{name: f.name, what: f.what, missing: func() string { return "" }, start: func(ctx context.Context, r round) (server, error) {
			return startFloor(ctx, f.name, r)
		}})
	}
	return list
}

// floor is this program in another process.
type floor struct {
	name    string
	child   *process
	address string
	peers   *peers
	senders []sender
}

const startLimit = 60 * time.Second

func startFloor(ctx context.Context, name string, r round) (*floor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child, err := startProcess(ctx, r.folder, self, "serve", name, r.folder)
	if err != nil {
		return nil, err
	}
	f := &floor{name: name, child: child, peers: r.peers}
	f.address, err = child.await(ctx, "ready ", startLimit)
	return f, err
}

func (f *floor) process() *process { return f.child }

func (f *floor) stop() error { return f.child.stop(startLimit) }

func (f *floor) join(ctx context.Context, session int) (out sender, err error) {
	if f.name == "f3" {
		out, err = f.peers.connect(ctx, func(ctx context.Context, offer string) (string, error) {
			return postOffer(ctx, "http://"+f.address, offer)
		})
	} else {
		out, err = newKeyed(ctx, f.address, session)
	}
	if err == nil {
		f.senders = append(f.senders, out)
	}
	return out, err
}

// finish counts packets: floors keep no frames.
func (f *floor) finish(ctx context.Context, p *publisher) (account, error) {
	a := account{Sent: p.packets.Load(), Unit: "packets"}
	if err := wait(ctx, time.Second); err != nil { // the last packets are on their way
		return a, err
	}
	if err := f.stop(); err != nil {
		return a, err
	}
	for _, s := range f.senders {
		_ = s.close() // its other end is gone
	}
	text, err := f.child.await(ctx, "packets ", time.Second)
	if err != nil {
		return a, err
	}
	a.Kept, err = strconv.ParseInt(text, 10, 64)
	return a, err
}

// postOffer sends an offer as RFC 9725 (WHIP) does and returns the answer.
func postOffer(ctx context.Context, url, offer string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(offer))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/sdp")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%s: %s", answer.Status, text)
	}
	return string(text), nil
}

// wait lets time pass in which something outside this program settles.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The keys of floors f0 to f2, which have no handshake. They protect nothing.
const fixedKey, fixedSalt = "greenroom-bench!", "no-secret-at"

func fixedContext() (*srtp.Context, error) {
	return srtp.CreateContext([]byte(fixedKey), []byte(fixedSalt), srtp.ProtectionProfileAeadAes128Gcm)
}

// keyed sends with fixed keys from a socket of its own.
type keyed struct {
	conn    net.Conn
	context *srtp.Context
	session int
	plain   []byte
	sealed  []byte
}

func newKeyed(ctx context.Context, address string, session int) (*keyed, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	k := &keyed{conn: conn, session: session}
	k.context, err = fixedContext()
	return k, err
}

func (k *keyed) send(video bool, header *rtp.Header, payload []byte) error {
	sent := *header
	sent.SSRC, sent.PayloadType = uint32(2*k.session+1), 111
	if video {
		sent.SSRC, sent.PayloadType = uint32(2*k.session+2), 96
	}
	k.plain = append(k.plain[:0], make([]byte, sent.MarshalSize())...)
	if _, err := sent.MarshalTo(k.plain); err != nil {
		return err
	}
	k.plain = append(k.plain, payload...)
	var err error
	if k.sealed, err = k.context.EncryptRTP(k.sealed[:0], k.plain, &sent); err != nil {
		return err
	}
	_, err = k.conn.Write(k.sealed)
	return err
}

func (k *keyed) close() error { return k.conn.Close() }
