//go:build linux && (amd64 || arm64)

package signaling

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func drainedAt(t *testing.T, address string) *drainedSocket {
	t.Helper()
	socket, err := listenMedia(t.Context(), address)
	must(t, err)
	drained, ok := socket.(*drainedSocket)
	if !ok {
		t.Fatalf("got a %T", socket)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return drained
}

func dialUDP(t *testing.T, to net.Addr) *net.UDPConn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "udp", to.String())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.UDPConn)
}

func TestDrainedSocketHandsOutEachPacketInOrder(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			if probe, err := net.ListenPacket("udp", address); err != nil {
				t.Skipf("no such address here: %v", err)
			} else {
				_ = probe.Close()
			}
			socket := drainedAt(t, address)
			sender := dialUDP(t, socket.LocalAddr())
			const packets = 3*batchSize + 1 // several full batches
			for n := range packets {
				_, err := fmt.Fprintf(sender, "packet %d", n)
				must(t, err)
				if n == 10 { // cut, and no packet of ours
					_, err = sender.Write(make([]byte, batchPacket+1))
					must(t, err)
				}
			}
			b := make([]byte, 8192)
			for n := range packets {
				d, err := socket.receive()
				must(t, err)
				if got, want := string(d.b), fmt.Sprintf("packet %d", n); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
				if want := sender.LocalAddr().(*net.UDPAddr).AddrPort(); d.from != want {
					t.Fatalf("from %v, want %v", d.from, want)
				}
			}
			_, err := socket.WriteToAddrPort([]byte("back"), sender.LocalAddr().(*net.UDPAddr).AddrPort())
			must(t, err)
			must(t, sender.SetReadDeadline(time.Now().Add(patience)))
			if n, err := sender.Read(b); err != nil || string(b[:n]) != "back" {
				t.Errorf("got %q, %v", b[:n], err)
			}
		})
	}
}

func TestKernelSaysWhenAPacketCame(t *testing.T) {
	socket := drainedAt(t, "127.0.0.1:0")
	sender := dialUDP(t, socket.LocalAddr())
	packet := rtpPacket(111, 0, "")
	before := time.Now()
	_, err := sender.Write(packet)
	must(t, err)
	after := time.Now()
	<-time.After(50 * time.Millisecond) // nobody reads meanwhile
	d, err := socket.receive()
	must(t, err)
	const near = 50 * time.Microsecond // the two clocks are not read at one moment
	if d.at.Before(before.Add(-near)) || d.at.After(after.Add(near)) {
		t.Errorf("came %v after it was about to be sent, which took %v", d.at.Sub(before), after.Sub(before))
	}
}

func TestKernelTellsWhatItThrewAway(t *testing.T) {
	socket := drainedAt(t, "127.0.0.1:0")
	must(t, unix.SetsockoptInt(socket.descriptor, unix.SOL_SOCKET, unix.SO_RCVBUF, 1))
	sender := dialUDP(t, socket.LocalAddr())
	b := make([]byte, 2000)
	for range 500 {
		_, err := sender.Write(b[:1000])
		must(t, err)
	}
	for deadline := time.Now().Add(patience); socket.lost() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nothing was told")
		}
		_, err := sender.Write(b[:10]) // the count comes with what follows the loss
		must(t, err)
		_, err = socket.receive()
		must(t, err)
	}
	if lost := socket.lost(); lost < 400 || lost > 500 {
		t.Errorf("%d packets were thrown away, want nearly 500", lost)
	}
}

func TestClosingADrainedSocketEndsReading(t *testing.T) {
	for name, silence := range map[string]time.Duration{"between batches": 0, "asleep in the kernel": time.Hour} {
		t.Run(name, func(t *testing.T) {
			socket := drainedAt(t, "127.0.0.1:0")
			socket.heard = time.Now().Add(-silence)
			ended := make(chan error)
			go func() {
				_, err := socket.receive()
				ended <- err
			}()
			<-time.After(4 * drainEvery) // it waits now
			must(t, socket.Close())
			if err := socket.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed twice: %v", err)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("reading ended with %v", err)
				}
			case <-time.After(patience):
				t.Fatal("still reading")
			}
			if _, err := socket.WriteToAddrPort([]byte{1}, socket.LocalAddr().(*net.UDPAddr).AddrPort()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("wrote to a closed socket: %v", err)
			}
			again, err := net.ListenPacket("udp", socket.LocalAddr().String())
			if err != nil {
				t.Fatalf("the port was not freed: %v", err)
			}
			_ = again.Close()
		})
	}
}

func TestSleepingSocketWakesForAPacket(t *testing.T) {
	socket := drainedAt(t, "127.0.0.1:0")
	socket.heard = time.Now().Add(-time.Hour)
	read := make(chan error)
	go func() {
		_, err := socket.receive()
		read <- err
	}()
	<-time.After(4 * drainEvery)
	_, err := dialUDP(t, socket.LocalAddr()).Write([]byte{1})
	must(t, err)
	select {
	case err := <-read:
		must(t, err)
	case <-time.After(patience):
		t.Fatal("still asleep")
	}
}

func TestDrainedSocketAllocatesNothing(t *testing.T) {
	socket := drainedAt(t, "127.0.0.1:0")
	self := socket.LocalAddr().(*net.UDPAddr).AddrPort()
	packet := rtpPacket(96, 3, "\x01\x02")
	if n := testing.AllocsPerRun(50, func() {
		_, _ = socket.WriteToAddrPort(packet, self)
		_, _ = socket.receive()
	}); n > 0 {
		t.Errorf("%v allocations for a packet there and back", n)
	}
}

func TestDrainedSocketRefusesAddressesOfTheOtherKind(t *testing.T) {
	socket := drainedAt(t, "127.0.0.1:0")
	if _, err := socket.WriteToAddrPort([]byte{1}, netip.MustParseAddrPort("[::1]:9")); !errors.Is(err, unix.EAFNOSUPPORT) {
		t.Errorf("got %v", err)
	}
	if _, err := listenMedia(context.Background(), socket.LocalAddr().String()); err == nil {
		t.Error("one port was bound twice")
	}
}
