//go:build !linux || !(amd64 || arm64)

package signaling

import (
	"net"
	"net/netip"
	"time"
)

// plainSocket is a socket as the standard library reads it: one system call and one wake-up a packet.
type plainSocket struct {
	*net.UDPConn
	buffer []byte
}

func (*plainSocket) lost() uint64 { return 0 }

func (s *plainSocket) receive() (datagram, error) {
	n, from, err := s.ReadFromUDPAddrPort(s.buffer)
	return datagram{s.buffer[:n], from, time.Now()}, err
}

func (s *plainSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, to)
}

// drain leaves the socket as it is.
func drain(conn *net.UDPConn) (mediaSocket, error) {
	return &plainSocket{conn, make([]byte, 2048)}, nil // WebRTC keeps to 1200 bytes or so
}
