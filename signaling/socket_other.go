//go:build !linux || !(amd64 || arm64)

package signaling

import "net"

// plainSocket is a socket as the standard library reads it: one system call and one wake-up a packet.
type plainSocket struct{ *net.UDPConn }

func (plainSocket) lost() uint64 { return 0 }

// drain leaves the socket as it is.
func drain(conn *net.UDPConn, _ *arrivalTimes) (mediaSocket, error) { return plainSocket{conn}, nil }
