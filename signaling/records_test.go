package signaling

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/pion/ice/v4"

	"greenroom/media"
)

// record is one of DTLS, in plain text if its epoch is 0.
func record(kind byte, epoch uint16, sequence uint32, body ...byte) []byte {
	b := make([]byte, recordHeader, recordHeader+len(body))
	b[0], b[1], b[2] = kind, 254, 253
	binary.BigEndian.PutUint16(b[3:], epoch)
	binary.BigEndian.PutUint32(b[7:], sequence)
	binary.BigEndian.PutUint16(b[11:], uint16(len(body)))
	return append(b, body...)
}

// part is of a message of the handshake.
func part(length, offset byte, body ...byte) []byte {
	return append([]byte{1, 0, 0, length, 0, 0, 0, 0, offset, 0, 0, byte(len(body))}, body...)
}

const (
	recordAlert = 21
	recordData  = 23
)

func TestRecordsThatAreTaken(t *testing.T) {
	hello := record(recordHandshake, 0, 1, slices.Concat(part(5, 0, 1, 2), part(5, 2, 3, 4, 5), part(0, 0))...)
	change, alert := record(recordChangeCipher, 0, 2, 1), record(recordAlert, 0, 3, 1, 0)
	finished, goodbye := record(recordHandshake, 1, 0, 1, 2, 3), record(recordAlert, 1, 1, 9, 9)
	for name, c := range map[string]struct {
		b, before, after []byte
	}{
		"a flight":                      {slices.Concat(hello, change, finished), slices.Concat(hello, change, finished), slices.Concat(hello, change)},
		"an alert":                      {alert, alert, nil},
		"an alert behind a handshake":   {slices.Concat(hello, alert, change), slices.Concat(hello, alert, change), slices.Concat(hello, change)},
		"an encrypted alert":            {goodbye, goodbye, goodbye},
		"data":                          {record(recordData, 0, 4, 1), record(recordData, 0, 4, 1), nil},
		"of an epoch that never begins": {record(recordData, 2, 4, 1), record(recordData, 2, 4, 1), nil},
		"a change to nothing":           {record(recordChangeCipher, 0, 4, 2), record(recordChangeCipher, 0, 4, 2), nil},
		"cut":                           {hello[:len(hello)-1], nil, nil},
		"half a head":                   {slices.Concat(hello, change[:5]), hello, hello},
		"a part behind the end":         {record(recordHandshake, 0, 5, part(0, 5)...), nil, nil},
		"a part that is too long":       {record(recordHandshake, 0, 5, part(2, 0, 1, 2, 3)...), nil, nil},
		"a part of nothing":             {record(recordHandshake, 0, 5, part(2, 0)...), nil, nil},
		"a part that is cut":            {record(recordHandshake, 0, 5, part(2, 0, 1, 2)[:13]...), nil, nil},
	} {
		for agreed, want := range map[bool][]byte{false: c.before, true: c.after} {
			if got := harmlessRecords(bytes.Clone(c.b), agreed); !bytes.Equal(got, want) {
				t.Errorf("%s, agreed %v: got %x, want %x", name, agreed, got, want)
			}
		}
	}
}

// Anybody can send from a peer's address what is not encrypted. Both roles, as each takes other flights.
func TestRecordsInPlainTextEndNoConnection(t *testing.T) {
	for _, role := range []string{"actpass", "active"} {
		t.Run(role, func(t *testing.T) {
			s := serve(t)
			page := s.join()
			browser := newPublisher(t, publisherOptions{})
			page.send(&Offer{SDP: strings.ReplaceAll(browser.offer(), "a=setup:actpass", "a=setup:"+role)})
			browser.accept(expect[*Answer](page))
			browser.publish()
			expect(page, receiving)
			room := s.rooms.find(s.desk.session.ID)
			room.mu.Lock()
			link := room.peer.link
			room.mu.Unlock()
			to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.api.UDPPort()}
			forged := [][]byte{
				record(recordChangeCipher, 0, 1002, 2),
				record(recordAlert, 0, 1003, 1, 90), // a warning
				record(recordData, 0, 1004, 1),
				record(recordAlert, 0, 1005, 1, 0), // goodbye
				record(recordAlert, 0, 1006, 2, 40),
			}
			for number := range byte(20) { // one of them is of the message that would come next
				b := part(0, 5)
				b[5] = number
				forged = append(forged, record(recordHandshake, 0, 1010+uint32(number), b...))
			}
			for _, b := range forged {
				_, err := browser.socket.WriteTo(b, to)
				must(t, err)
			}
			s.kept(media.KindAudio, 30)
			if link.over.Load() || ice.ConnectionState(link.state.Load()) != ice.ConnectionStateConnected {
				t.Error("the connection is over")
			}
		})
	}
}

// scripted is read from.
type scripted struct{ errs []error }

func (s *scripted) Read([]byte) (int, error) {
	err := s.errs[0]
	s.errs = s.errs[1:]
	return 0, err
}

func TestWarningIsNoGoodbye(t *testing.T) {
	conn := &scripted{[]error{errors.New("alert: a warning"), nil, io.ErrShortBuffer, io.EOF, io.EOF}}
	awaitGoodbye(t.Context(), conn)
	if len(conn.errs) != 1 {
		t.Errorf("%d readings are left, want one behind the goodbye", len(conn.errs))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	awaitGoodbye(ctx, conn)
	if len(conn.errs) != 1 {
		t.Error("read although the peer has ended")
	}
}
