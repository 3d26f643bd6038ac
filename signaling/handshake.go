package signaling

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

// maxRecords is how many datagrams of a handshake may wait; a flight has a few.
const maxRecords = 64

// errTooLong is for a packet that is no packet of ours.
var errTooLong = io.ErrShortBuffer

// secure waits for a way, agrees on keys, opens the media and then waits for the other side's goodbye.
func (t *transport) secure(ctx context.Context, expected []fingerprint, client bool) {
	if t.agent.AwaitConnect(ctx) != nil {
		return // closed; that ICE fails is told by its state
	}
	conn, err := t.handshake(ctx, expected, client)
	if err == nil {
		err = t.takeKeys(conn, client)
	}
	if err != nil {
		t.shut()
		t.ended()
		return
	}
	t.agreed.Store(true)
	awaitGoodbye(ctx, conn)
	_ = conn.Close()
	t.ended()
}

// awaitGoodbye reads until the connection is over, which is io.EOF. Each other error is of one record, as a
// warning, and the next reading waits again. Nothing is agreed that would be sent.
func awaitGoodbye(ctx context.Context, conn io.Reader) {
	buffer := make([]byte, receiveMTU)
	for ctx.Err() == nil {
		if _, err := conn.Read(buffer); errors.Is(err, io.EOF) {
			return
		}
	}
}

func (t *transport) handshake(ctx context.Context, expected []fingerprint, client bool) (*dtls.Conn, error) {
	shared := []dtls.Option{
		dtls.WithCertificates(t.certificate),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithInsecureSkipVerify(true), // the certificate is its own issuer: its fingerprint is what counts
		dtls.WithVerifyPeerCertificate(func(certificates [][]byte, _ [][]*x509.Certificate) error {
			return checkCertificate(certificates, expected)
		}),
		dtls.WithLoggerFactory(noLog{}),
	}
	link := &recordLink{t.records, t.conn}
	var conn *dtls.Conn
	var err error
	if client {
		var options []dtls.ClientOption
		for _, o := range shared {
			options = append(options, o)
		}
		conn, err = dtls.ClientWithOptions(link, link.LocalAddr(), options...)
	} else {
		options := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
		for _, o := range shared {
			options = append(options, o)
		}
		conn, err = dtls.ServerWithOptions(link, link.LocalAddr(), options...)
	}
	if err != nil {
		return nil, fmt.Errorf("begin DTLS: %w", err)
	}
	t.life.Lock()
	t.dtls = conn
	closed := t.closed
	t.life.Unlock()
	if closed {
		_ = conn.Close()
		return nil, errTransportClosed
	}
	ctx, cancel := context.WithTimeout(ctx, t.api.limits.handshake) // DTLS would repeat its flights for ever
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("DTLS handshake: %w", err)
	}
	return conn, nil
}

// takeKeys: RFC 5764, 4.2.
func (t *transport) takeKeys(conn *dtls.Conn, client bool) error {
	chosen, _ := conn.SelectedSRTPProtectionProfile()
	config := srtp.Config{}
	switch chosen {
	case dtls.SRTP_AEAD_AES_128_GCM:
		config.Profile = srtp.ProtectionProfileAeadAes128Gcm
	case dtls.SRTP_AEAD_AES_256_GCM:
		config.Profile = srtp.ProtectionProfileAeadAes256Gcm
	case dtls.SRTP_AES128_CM_HMAC_SHA1_80:
		config.Profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	default:
		return errors.New("no SRTP profile was agreed on")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return errors.New("DTLS has no state")
	}
	if err := config.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return fmt.Errorf("take SRTP keys: %w", err)
	}
	keys := config.Keys
	in, err := srtp.CreateContext(keys.RemoteMasterKey, keys.RemoteMasterSalt, config.Profile,
		srtp.SRTPReplayProtection(srtpReplayWindow), srtp.SRTCPReplayProtection(srtcpReplayWindow))
	if err != nil {
		return fmt.Errorf("use SRTP keys: %w", err)
	}
	out, err := srtp.CreateContext(keys.LocalMasterKey, keys.LocalMasterSalt, config.Profile)
	if err != nil {
		return fmt.Errorf("use SRTP keys: %w", err)
	}
	t.sending.Lock()
	t.out = out
	t.sending.Unlock()
	t.open(in)
	return nil
}

// newRecords makes the queue of a handshake's datagrams; what comes when it is full is lost.
func newRecords() *packetio.Buffer {
	records := packetio.NewBuffer()
	records.SetLimitCount(maxRecords)
	records.SetLimitSize(maxRecords * receiveMTU)
	return records
}

// recordLink is what DTLS reads and writes by.
type recordLink struct {
	records *packetio.Buffer
	conn    *ice.Conn
}

var _ net.PacketConn = (*recordLink)(nil)

// ReadFrom waits for the next datagram with records.
func (l *recordLink) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := l.records.Read(b)
	return n, l.LocalAddr(), err
}

// WriteTo sends by the way that ICE found. What has no way, as while ICE restarts, is lost.
func (l *recordLink) WriteTo(b []byte, _ net.Addr) (int, error) {
	n, err := l.conn.Write(b)
	if errors.Is(err, ice.ErrNoCandidatePairs) {
		return len(b), nil
	}
	return n, err
}

// Close ends reading.
func (l *recordLink) Close() error { return l.records.Close() }

// LocalAddr is of no use: ICE knows the addresses.
func (l *recordLink) LocalAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline is SetReadDeadline: writing does not wait.
func (l *recordLink) SetDeadline(at time.Time) error { return l.SetReadDeadline(at) }

// SetReadDeadline ends a reading that waits.
func (l *recordLink) SetReadDeadline(at time.Time) error { return l.records.SetReadDeadline(at) }

// SetWriteDeadline does nothing.
func (l *recordLink) SetWriteDeadline(time.Time) error { return nil }
