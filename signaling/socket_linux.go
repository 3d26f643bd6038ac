//go:build linux && (amd64 || arm64)

package signaling

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"greenroom/media"
)

const (
	// drainEvery is how often the socket is emptied while packets come. One wake-up takes all that came
	// since; what waits so long are the recording, which has time, and connecting, by a few of these.
	drainEvery = media.Beat
	// drainSoon takes its place while so much comes that the kernel's buffer would fill.
	drainSoon = 2 * time.Millisecond
	// drainIdle is how long nothing may come before the reader sleeps in the kernel until something does.
	drainIdle = time.Second
)

// drainedSocket is a UDP socket that is emptied in batches. It is not in Go's poller, which would be woken
// by each packet. It has one reader, and writes may come from any goroutine; they never wait: what the
// kernel has no room for is lost, as on the network.
type drainedSocket struct {
	address *net.UDPAddr
	inet6   bool
	dropped atomic.Uint64 // the kernel's own count, which it tells with later packets

	closing sync.Once
	closed  chan struct{}

	// mu is held for reading around system calls, so that Close frees no descriptor in use.
	mu         sync.RWMutex
	gone       bool
	descriptor int
	wake       int // an eventfd that ends the sleep in the kernel
	room       int // of the kernel's buffer, in bytes

	// The reader's only.
	batch *batch
	now   time.Time // when the batch was taken
	timer *time.Timer
	heard time.Time // when packets came last
	taken int       // bytes since the last wait
	full  bool      // the last batch was, so there may be more
}

var _ mediaSocket = (*drainedSocket)(nil)

// drain takes the socket over.
func drain(conn *net.UDPConn) (mediaSocket, error) {
	address, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, errors.New("a UDP socket without a UDP address")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("reach a socket: %w", err)
	}
	var descriptor int
	var duplicated error
	if err := raw.Control(func(fd uintptr) {
		descriptor, duplicated = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return nil, fmt.Errorf("reach a socket: %w", err)
	}
	if duplicated != nil {
		return nil, fmt.Errorf("duplicate a socket: %w", os.NewSyscallError("fcntl", duplicated))
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(descriptor)
		return nil, fmt.Errorf("make a wake-up: %w", os.NewSyscallError("eventfd", err))
	}
	_ = conn.Close() // takes the socket out of the poller; the duplicate keeps it bound
	// Without the two options times are less exact and losses go unseen, that is all.
	_ = unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	_ = unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	room, err := unix.GetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		room = 0
	}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &drainedSocket{
		address: address, inet6: address.IP.To4() == nil, closed: make(chan struct{}),
		descriptor: descriptor, wake: wake, room: room, batch: newBatch(), timer: timer, heard: time.Now(),
	}, nil
}

func (s *drainedSocket) lost() uint64 { return s.dropped.Load() }

func (s *drainedSocket) LocalAddr() net.Addr { return s.address }

// receive returns the next packet; only the one reader may call it.
func (s *drainedSocket) receive() (datagram, error) {
	for {
		if d, ok := s.batch.next(); ok {
			d.at = arrived(d.at, s.now)
			return d, nil
		}
		if err := s.fill(); err != nil {
			return datagram{}, err
		}
	}
}

// fill gets the next batch, after the wait that is due, or nothing.
func (s *drainedSocket) fill() error {
	if !s.full && !s.wait() {
		return net.ErrClosed
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.gone {
		return net.ErrClosed
	}
	n, err := s.batch.receive(s.descriptor)
	s.full = n == batchSize
	switch {
	case n > 0:
		s.now = time.Now()
		s.heard = s.now
		s.note()
	case errors.Is(err, unix.EAGAIN):
		if time.Since(s.heard) > drainIdle {
			s.sleep()
		}
	case errors.Is(err, unix.EBADF), errors.Is(err, unix.ENOTSOCK), errors.Is(err, unix.EFAULT), errors.Is(err, unix.EINVAL),
		errors.Is(err, unix.ENOSYS):
		return os.NewSyscallError("recvmmsg", err)
	}
	return nil // what is left passes: it is tried again at the next turn
}

// wait lets packets gather; false if the socket is to close.
func (s *drainedSocket) wait() bool {
	// The kernel counts a packet with its overhead, more than twice what we see of it.
	if s.taken > s.room/8 {
		s.timer.Reset(drainSoon)
	} else {
		s.timer.Reset(media.UntilBeat(time.Now(), drainEvery))
	}
	s.taken = 0
	select {
	case <-s.timer.C:
		return true
	case <-s.closed:
		return false
	}
}

// note keeps what the kernel said about losses before the batch.
func (s *drainedSocket) note() {
	for i := range s.batch.filled {
		s.taken += len(s.batch.packet(i))
		if _, dropped := s.batch.about(i); dropped > 0 {
			// 32 bits of the kernel's, which wrap.
			before := s.dropped.Load()
			s.dropped.Store(before + uint64(dropped-uint32(before)))
		}
	}
}

// sleep waits in the kernel until a packet comes or the socket is to close.
func (s *drainedSocket) sleep() {
	either := [2]unix.PollFd{{Fd: int32(s.descriptor), Events: unix.POLLIN}, {Fd: int32(s.wake), Events: unix.POLLIN}}
	_, _ = unix.Poll(either[:], -1) // whatever ends it, the next turn finds out
	s.full = true                   // what woke it is there already
}

// WriteToAddrPort sends one packet.
func (s *drainedSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.gone {
		return 0, net.ErrClosed
	}
	for {
		err := sendTo(s.descriptor, b, to, s.inet6)
		switch {
		case err == nil, errors.Is(err, unix.EAGAIN):
			return len(b), nil
		case !errors.Is(err, unix.EINTR):
			return 0, os.NewSyscallError("sendto", err)
		}
	}
}

// Close ends reading, also while it waits, and frees the port.
func (s *drainedSocket) Close() error {
	err := net.ErrClosed
	s.closing.Do(func() {
		close(s.closed)
		_, _ = unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gone = true
		err = errors.Join(os.NewSyscallError("close", unix.Close(s.descriptor)), os.NewSyscallError("close", unix.Close(s.wake)))
	})
	return err
}
