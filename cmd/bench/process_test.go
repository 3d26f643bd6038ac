//go:build linux

package main

import (
	"net"
	"os"
	"testing"
	"time"
)

func TestProcessorTimeIsReadAsTheKernelCountsIt(t *testing.T) {
	before := ownTime()
	for began := time.Now(); time.Since(began) < 100*time.Millisecond; { // work, so that there is a time
	}
	if used := ownTime() - before; used < 10*time.Millisecond {
		t.Errorf("100 ms of work are counted as %v", used)
	}
	own, err := cpuTime(os.Getpid(), false)
	if err != nil {
		t.Fatal(err)
	}
	if d := ownTime() - own; d < -2*tick || d > 10*tick {
		t.Errorf("/proc says %v, the kernel %v more", own, d)
	}
	if size := residentSize(os.Getpid()); size < 1<<20 || size > 1<<32 {
		t.Errorf("this process has %d bytes", size)
	}
}

func TestKernelDropsAreSeen(t *testing.T) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	if err := socket.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	before := kernelDrops(os.Getpid())
	out, err := net.Dial("udp4", socket.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	for range 100 {
		if _, err := out.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if drops := kernelDrops(os.Getpid()) - before; drops < 50 || drops > 100 {
		t.Errorf("%d drops were seen of 100 packets into a buffer of 4 KiB that nobody reads", drops)
	}
}
