//go:build !linux || !(amd64 || arm64)

package signaling

import "net"

// drain leaves the socket as it is.
func drain(conn *net.UDPConn, _ *arrivalTimes) (mediaSocket, error) { return plainSocket{conn}, nil }
