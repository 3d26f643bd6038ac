package signaling

import (
	"context"
	"fmt"
	"net"
)

// mediaSocket is a UDP socket for Pion's mux.
type mediaSocket interface {
	net.PacketConn
	// lost is how many packets the kernel has thrown away because nobody took them in time, as far as
	// this system tells.
	lost() uint64
}

// listenMedia binds a socket. Where the system allows it is drained in batches (socket_linux.go) and notes
// in times when each packet arrived.
func listenMedia(ctx context.Context, address string, times *arrivalTimes) (mediaSocket, error) {
	var listen net.ListenConfig
	conn, err := listen.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("a UDP address made a %T", conn)
	}
	_ = udp.SetReadBuffer(udpReadBuffer) // the kernel's cap applies; a smaller one still works
	socket, err := drain(udp, times)
	if err != nil {
		_ = udp.Close()
		return nil, err
	}
	return socket, nil
}

// hostAddresses returns the addresses of all interfaces that are up, but those that only this machine or
// its neighbours reach. Each needs a socket of its own, or the answer to a packet would not leave from the
// address that the packet came to.
func hostAddresses() ([]net.IP, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var addresses []net.IP
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		list, err := i.Addrs()
		if err != nil {
			continue // the interface has just gone
		}
		for _, a := range list {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				addresses = append(addresses, n.IP)
			}
		}
	}
	return addresses, nil
}
