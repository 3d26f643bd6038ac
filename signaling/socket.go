package signaling

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// mediaSocket is a UDP socket of the media port.
type mediaSocket interface {
	// receive waits for the next datagram; only one reader may call it.
	receive() (datagram, error)
	// WriteToAddrPort sends one datagram, from any goroutine.
	WriteToAddrPort(b []byte, to netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	// Close ends reading, also while it waits, and frees the port.
	Close() error
	// lost is how many packets the kernel has thrown away because nobody took them in time, as far as
	// this system tells.
	lost() uint64
}

// datagram is what a socket received. Its bytes are good until the next one is received, and may be
// written over: media are decrypted where they lie.
type datagram struct {
	b    []byte
	from netip.AddrPort
	at   time.Time // when it arrived, with a monotonic reading
}

// listenMedia binds a socket. Where the system allows it is drained in batches (socket_linux.go) and knows
// when each packet arrived.
func listenMedia(ctx context.Context, address string) (mediaSocket, error) {
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
	socket, err := drain(udp)
	if err != nil {
		_ = udp.Close()
		return nil, err
	}
	return socket, nil
}

// arrivalAge is how long ago the kernel may say that a packet came. Its time stamps are of the wall clock,
// and an older one says that somebody set that clock.
const arrivalAge = 2 * time.Second

// arrived turns the kernel's time stamp of a packet, zero if there is none, into a time with a monotonic
// reading. It is never in the future.
func arrived(stamp, now time.Time) time.Time {
	age := now.Sub(stamp)
	if stamp.IsZero() || age < 0 || age > arrivalAge {
		return now
	}
	return now.Add(-age)
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
