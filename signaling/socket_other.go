//go:build !linux || !(amd64 || arm64)

package signaling

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// maxReadFailures is how many in a row are taken to be of single datagrams.
const maxReadFailures = 1000

// plainSocket is a socket as the standard library reads it: one system call and one wake-up a packet.
type plainSocket struct {
	*net.UDPConn
	buffer []byte
}

func (*plainSocket) lost() uint64 { return 0 }

// receive goes on after what some systems say of one datagram, as that one sent before reached nobody.
func (s *plainSocket) receive() (datagram, error) {
	for failures := 0; ; failures++ {
		n, from, err := s.ReadFromUDPAddrPort(s.buffer)
		if err == nil {
			return datagram{s.buffer[:n], from, time.Now()}, nil
		}
		if errors.Is(err, net.ErrClosed) || failures == maxReadFailures {
			return datagram{}, err
		}
	}
}

func (s *plainSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, to)
}

// drain leaves the socket as it is.
func drain(conn *net.UDPConn) (mediaSocket, error) {
	return &plainSocket{conn, make([]byte, 2048)}, nil // WebRTC keeps to 1200 bytes or so
}
