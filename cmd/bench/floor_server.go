//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// socketBuffer is what Greenroom asks the kernel for.
const socketBuffer = 4 << 20

// serveFloor is the other end of a floor: it says where it listens, receives until it is interrupted,
// and says how many packets came.
func serveFloor(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: bench serve f0|f1|f2|f3 FOLDER")
	}
	listen := net.ListenConfig{}
	conn, err := listen.ListenPacket(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	socket, ok := conn.(*net.UDPConn)
	if !ok {
		return errors.New("not a UDP socket")
	}
	if err := socket.SetReadBuffer(socketBuffer); err != nil {
		return err
	}
	var packets int64
	if args[0] == "f3" {
		packets, err = discardPion(ctx, socket)
	} else {
		packets, err = (&receiver{level: args[0], folder: args[1], socket: socket}).run(ctx)
	}
	fmt.Println("packets", packets)
	return err
}

// receiver is floors f0 to f2: one socket, one loop.
type receiver struct {
	level  string
	folder string
	socket *net.UDPConn
	keys   *srtp.Context
	files  map[uint32]*bufio.Writer
	plain  []byte
}

func (r *receiver) run(ctx context.Context) (packets int64, err error) {
	if r.keys, err = fixedContext(); err != nil {
		return 0, err
	}
	r.files = map[uint32]*bufio.Writer{}
	stop := context.AfterFunc(ctx, func() { _ = r.socket.SetReadDeadline(time.Now()) })
	defer stop()
	fmt.Println("ready", r.socket.LocalAddr())
	buffer := make([]byte, 1500)
	for ; ; packets++ {
		n, _, err := r.socket.ReadFromUDPAddrPort(buffer)
		if ctx.Err() != nil {
			return packets, r.flush()
		}
		if err != nil {
			return packets, err
		}
		if err := r.take(buffer[:n]); err != nil {
			return packets, err
		}
	}
}

func (r *receiver) take(sealed []byte) (err error) {
	if r.level == "f0" {
		return nil
	}
	var header rtp.Header
	if r.plain, err = r.keys.DecryptRTP(r.plain[:0], sealed, &header); err != nil {
		return err
	}
	if r.level == "f1" {
		return nil
	}
	file := r.files[header.SSRC]
	if file == nil {
		out, err := os.Create(filepath.Join(r.folder, fmt.Sprint(header.SSRC)))
		if err != nil {
			return err
		}
		file = bufio.NewWriterSize(out, 64<<10) // as a recorder would: not a system call for each packet
		r.files[header.SSRC] = file
	}
	_, err = file.Write(r.plain)
	return err
}

func (r *receiver) flush() (err error) {
	for _, file := range r.files {
		err = errors.Join(err, file.Flush())
	}
	return err
}

// discardPion is floor f3: peer connections with the interceptors that Pion registers by itself.
func discardPion(ctx context.Context, socket *net.UDPConn) (int64, error) {
	var packets atomic.Int64
	settings := webrtc.SettingEngine{}
	settings.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket}))
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	answer := func(offer string) (string, error) {
		engine := &webrtc.MediaEngine{}
		registry := &interceptor.Registry{}
		if err := errors.Join(engine.RegisterDefaultCodecs(), webrtc.RegisterDefaultInterceptors(engine, registry)); err != nil {
			return "", err
		}
		conn, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings),
			webrtc.WithInterceptorRegistry(registry)).NewPeerConnection(webrtc.Configuration{})
		if err != nil {
			return "", err
		}
		conn.OnTrack(func(track *webrtc.TrackRemote, incoming *webrtc.RTPReceiver) {
			go discard(incoming, nil) // owner: the connection, which lives as long as the process
			discard(track, &packets)
		})
		return answerOffer(conn, offer)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offer, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		text := ""
		if err == nil {
			text, err = answer(string(offer))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(text))
	})
	listen := net.ListenConfig{}
	listener, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Println("ready", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return packets.Load(), err
	}
	return packets.Load(), nil
}

// answerOffer answers with all candidates.
func answerOffer(conn *webrtc.PeerConnection, offer string) (string, error) {
	if err := conn.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := conn.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(conn)
	if err := conn.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return conn.LocalDescription().SDP, nil
}

type readable interface {
	Read(b []byte) (int, interceptor.Attributes, error)
}

// discard reads until the end and counts.
func discard(from readable, packets *atomic.Int64) {
	buffer := make([]byte, 1500)
	for {
		if _, _, err := from.Read(buffer); err != nil {
			return
		}
		if packets != nil {
			packets.Add(1)
		}
	}
}
