package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

const (
	// udpReadBuffer is asked of the kernel for the one UDP socket of all sessions. With the default of
	// 208 kB a hundred sessions lose packets in the kernel; most kernels cap at 4 MB.
	udpReadBuffer = 4 << 20
	// tcpWriteBuffer bounds feedback to one ICE-TCP peer that does not read. Without it a write to a
	// stuck peer blocks the feedback timer of everybody.
	tcpWriteBuffer = 256 << 10
	tcpReadPackets = 128 // ICE-TCP packets queued per peer before the newest is dropped

	iceDisconnected = 5 * time.Second
	iceFailed       = 24 * time.Second // with the above and the time between checks less than 30 s
	iceKeepAlive    = 2 * time.Second
	dtlsConnect     = 15 * time.Second

	// srtpReplayWindow is in packets: repairs on the media SSRC come up to two seconds late.
	srtpReplayWindow = 1024
	receiveMTU       = 1500 // bytes
)

// APIConfig says where media is received.
type APIConfig struct {
	UDPAddr string       // host:port; an empty or unspecified host means every interface
	TCPAddr string       // host:port for ICE-TCP; empty: none
	Public  string       // what pages are told instead of the bound addresses, see [ParsePublicAddresses]
	Log     *slog.Logger // nil: none
}

// API is the UDP port and the TCP port that all peers share.
type API struct {
	udpMux  *udpMux
	tcpMux  *ice.TCPMuxDefault
	udpAddr *net.UDPAddr
	public  []netip.Addr
	limits  limits
}

// limits are how long a connection may be silent, and how long its handshake may take.
type limits struct{ disconnected, failed, keepAlive, handshake time.Duration }

// NewAPI binds the ports.
func NewAPI(config APIConfig) (*API, error) {
	ctx := context.Background() // only binding uses it, which does not wait
	public, err := ParsePublicAddresses(config.Public)
	if err != nil {
		return nil, fmt.Errorf("public address: %w", err)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{public: public, limits: limits{iceDisconnected, iceFailed, iceKeepAlive, dtlsConnect}}
	if err := a.listenUDP(ctx, config.UDPAddr, config.Log); err != nil {
		return nil, fmt.Errorf("listen for media on UDP %s: %w", config.UDPAddr, err)
	}
	if config.TCPAddr != "" {
		if err := a.listenTCP(ctx, config.TCPAddr); err != nil {
			_ = a.udpMux.Close()
			return nil, fmt.Errorf("listen for media on TCP %s: %w", config.TCPAddr, err)
		}
	}
	return a, nil
}

// UDPPort is the port that was bound.
func (a *API) UDPPort() int { return a.udpAddr.Port }

// TCPPort is the port that was bound, 0 without ICE-TCP.
func (a *API) TCPPort() int {
	if a.tcpMux == nil {
		return 0
	}
	if addr, ok := a.tcpMux.LocalAddr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// Check says why media are not received at one of the addresses.
func (a *API) Check() error { return a.udpMux.check() }

// Close frees the ports. Every peer must have been closed before.
func (a *API) Close() error {
	err := a.udpMux.Close()
	if a.tcpMux != nil {
		err = errors.Join(err, a.tcpMux.Close())
	}
	if err != nil {
		return fmt.Errorf("close media ports: %w", err)
	}
	return nil
}

func (a *API) listenUDP(ctx context.Context, address string, log *slog.Logger) error {
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return err
	}
	hosts := []net.IP{addr.IP}
	if addr.IP == nil || addr.IP.IsUnspecified() {
		if hosts, err = hostAddresses(); err != nil {
			return err
		}
	}
	if hosts = ofPublicKind(hosts, a.public); len(hosts) == 0 { // answers name the address of every socket
		return errors.New("nothing is bound of the kind of the public address: bind an IPv4 address for a public one, an IPv6 address likewise")
	}
	var sockets []mediaSocket
	for _, host := range hosts {
		at := net.UDPAddr{IP: host, Port: addr.Port, Zone: addr.Zone}
		socket, err := listenMedia(ctx, at.String())
		if err != nil {
			for _, s := range sockets {
				_ = s.Close()
			}
			return err
		}
		sockets = append(sockets, socket)
		if bound, ok := socket.LocalAddr().(*net.UDPAddr); ok {
			addr.Port = bound.Port // the first one names a free port for all
		}
	}
	a.udpMux, a.udpAddr = newUDPMux(sockets, log), addr
	return nil
}

// LostPackets is how many packets the kernel threw away because they were not taken in time; 0 on systems
// that do not tell.
func (a *API) LostPackets() uint64 {
	var lost uint64
	for _, port := range a.udpMux.ports {
		lost += port.socket.lost()
	}
	return lost
}

func (a *API) listenTCP(ctx context.Context, address string) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	a.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: listener, Logger: noLog{}, ReadBufferSize: tcpReadPackets, WriteBufferSize: tcpWriteBuffer,
		FirstStunBindTimeout: 5 * time.Second,
	})
	return nil
}

// agentOptions are those of each peer's ICE agent.
func (a *API) agentOptions(ufrag, pwd string) []ice.AgentOption {
	options := []ice.AgentOption{
		ice.WithLocalCredentials(ufrag, pwd),
		ice.WithLoggerFactory(noLog{}), // Pion logs ICE credentials and addresses
		ice.WithUDPMux(a.udpMux),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithNetworkTypes(publicNetworks(a.public, a.tcpMux != nil)),
		ice.WithDisableActiveTCP(), // a page must not make the server dial
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithDisconnectedTimeout(a.limits.disconnected),
		ice.WithFailedTimeout(a.limits.failed),
		ice.WithKeepaliveInterval(a.limits.keepAlive),
	}
	if a.tcpMux != nil {
		options = append(options, ice.WithTCPMux(a.tcpMux))
	}
	if a.udpAddr.IP.IsLoopback() {
		options = append(options, ice.WithIncludeLoopback())
	}
	if len(a.public) > 0 {
		// A server that tells its address needs no checks of its own: with ICE lite it sends nothing to an
		// address that has not spoken first.
		options = append(options, ice.WithICELite(true), ice.WithAddressRewriteRules(publicRules(a.public)...))
	}
	return options
}

// noLog silences Pion, whose logs name addresses and ICE credentials. What matters is counted and
// logged by this package.
type noLog struct{}

var (
	_ logging.LoggerFactory = noLog{}
	_ logging.LeveledLogger = noLog{}
	_ io.Closer             = (*API)(nil)
)

func (noLog) NewLogger(string) logging.LeveledLogger { return noLog{} }
func (noLog) Trace(string)                           {}
func (noLog) Tracef(string, ...any)                  {}
func (noLog) Debug(string)                           {}
func (noLog) Debugf(string, ...any)                  {}
func (noLog) Info(string)                            {}
func (noLog) Infof(string, ...any)                   {}
func (noLog) Warn(string)                            {}
func (noLog) Warnf(string, ...any)                   {}
func (noLog) Error(string)                           {}
func (noLog) Errorf(string, ...any)                  {}
