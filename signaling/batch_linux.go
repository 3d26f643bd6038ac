//go:build linux && (amd64 || arm64)

package signaling

import (
	"math/bits"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize = 64 // packets taken by one system call: what some sixty sessions send within a drain's interval
	// batchPacket is in bytes: WebRTC keeps to 1200 or so. A larger datagram is no packet of ours.
	batchPacket = 2048
	// batchControl holds a time stamp and a count, 56 bytes with their headers.
	batchControl = 64
)

// batch is the memory that recvmmsg(2) fills. The arrays are in one piece of the heap that stays where it
// is; the headers point into it.
type batch struct {
	headers  [batchSize]batchHeader
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet6 // the larger of the two kinds
	control  [batchSize][batchControl / 8]uint64
	packets  [batchSize][batchPacket]byte
	filled   int // by the last call
	consumed int
}

// batchHeader is the kernel's struct mmsghdr.
type batchHeader struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.headers {
		h := &b.headers[i].header
		b.vectors[i].Base = &b.packets[i][0]
		b.vectors[i].SetLen(batchPacket)
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))      //nolint:gosec // the kernel writes an address here
		h.Control = (*byte)(unsafe.Pointer(&b.control[i])) //nolint:gosec // and control messages here
	}
	return b
}

// receive takes what is there, without waiting.
func (b *batch) receive(descriptor int) (int, error) {
	b.filled, b.consumed = 0, 0
	for i := range b.headers {
		h := &b.headers[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(batchControl)
	}
	//nolint:gosec // x/sys has no recvmmsg
	n, _, failed := syscall.Syscall6(unix.SYS_RECVMMSG, uintptr(descriptor), uintptr(unsafe.Pointer(&b.headers[0])), batchSize,
		unix.MSG_DONTWAIT, 0, 0)
	if failed != 0 {
		return 0, failed
	}
	b.filled = int(n)
	return b.filled, nil
}

// packet returns what was received in a place; it is good until the next receive.
func (b *batch) packet(i int) []byte {
	n := min(b.headers[i].length, batchPacket)
	return b.packets[i][:n:n]
}

// next returns the packets of the batch one after the other, each with the kernel's time stamp, without
// those that were cut.
func (b *batch) next() (d datagram, ok bool) {
	for b.consumed < b.filled {
		i := b.consumed
		b.consumed++
		from := b.from(i)
		if b.headers[i].header.Flags&unix.MSG_TRUNC == 0 && from.IsValid() {
			at, _ := b.about(i)
			return datagram{b.packet(i), from, at}, true
		}
	}
	return datagram{}, false
}

// from returns who sent the packet. Ports are in network order (ip(7)); both processors are little-endian.
func (b *batch) from(i int) netip.AddrPort {
	name := &b.names[i]
	switch name.Family {
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), bits.ReverseBytes16(name.Port))
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name)) //nolint:gosec // the family says so
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), bits.ReverseBytes16(v4.Port))
	}
	return netip.AddrPort{}
}

// about reads the control messages of a packet: when it arrived, and how many were thrown away so far (0
// if the kernel says nothing).
func (b *batch) about(i int) (at time.Time, dropped uint32) {
	words := b.control[i][:min(b.headers[i].header.Controllen, batchControl)/8]
	const head = unix.SizeofCmsghdr / 8 // length, then level and type in one word
	for len(words) > head {
		size := (int(words[0]) + 7) / 8
		if size <= head || size > len(words) {
			break
		}
		level, kind, data := int32(uint32(words[1])), int32(words[1]>>32), words[head:size]
		switch {
		case level != unix.SOL_SOCKET:
		case kind == unix.SCM_TIMESTAMPNS && len(data) >= 2:
			at = time.Unix(int64(data[0]), int64(data[1])) // struct timespec
		case kind == unix.SO_RXQ_OVFL && len(data) >= 1:
			dropped = uint32(data[0])
		}
		words = words[size:]
	}
	return at, dropped
}

// sendTo sends without waiting and without allocating an address.
func sendTo(descriptor int, b []byte, to netip.AddrPort, inet6 bool) error {
	if len(b) == 0 {
		return nil
	}
	var failed syscall.Errno
	if inet6 {
		name := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: bits.ReverseBytes16(to.Port()), Addr: to.Addr().As16()}
		//nolint:gosec // the address lives on this stack
		_, _, failed = syscall.Syscall6(unix.SYS_SENDTO, uintptr(descriptor), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&name)), unix.SizeofSockaddrInet6)
	} else {
		if !to.Addr().Unmap().Is4() {
			return unix.EAFNOSUPPORT
		}
		name := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: bits.ReverseBytes16(to.Port()), Addr: to.Addr().Unmap().As4()}
		//nolint:gosec // the address lives on this stack
		_, _, failed = syscall.Syscall6(unix.SYS_SENDTO, uintptr(descriptor), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&name)), unix.SizeofSockaddrInet4)
	}
	if failed != 0 {
		return failed
	}
	return nil
}
