package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

// Config is what a Server needs. All fields are required but those said to be optional.
type Config struct {
	Accounts    Accounts
	Sessions    Sessions
	Record      Record
	Viewers     Viewers
	Records     Records
	Recordings  Recordings
	Shared      Shared
	Raters      Raters
	Contests    Contests
	Corrections Corrections
	Changes     Changes
	Ops         Ops
	Exports     Exports
	Erasures    Erasures
	Receipts    Receipts
	Ledger      Ledger
	PDF         PDFReader
	Gate        consent.Gate
	Pepper      Pepper

	Bank   assess.Bank
	Judge  Judge
	Voices Voices // optional; nil: browsers say the questions
	// Agreement is the agreement card that holds for Judge and Bank; nil where none does.
	Agreement *assess.AgreementCard
	// Publish is what programs send to (WHIP); it asks for their token itself.
	Publish http.Handler
	Mount   http.Handler                // the room; called for candidates only, at GET /api/v1/sessions/{id}/room
	Ready   func(context.Context) error // what /readyz asks; optional
	Probes  func() []assess.ModelState  // what is known of the configured models; optional
	Build   string                      // shown to operations

	Log    *slog.Logger
	Limits Limits // optional
	// TrustedProxies are believed about whom they forward, in X-Forwarded-For; optional.
	TrustedProxies []netip.Prefix
	Now            func() time.Time // optional; the clock for ages and limits
}

// Server is the whole HTTP side of Greenroom.
type Server struct {
	cfg         Config
	log         *slog.Logger
	now         func() time.Time
	mux         *http.ServeMux
	api         huma.API
	routes      []route
	notice      consent.Notice
	crossOrigin *http.CrossOriginProtection
	passwords   passwords
	perAddress  *limiter
	perAccount  *limiter
	logIns      *limiter
	pieces      *limiter // of recordings
	layouts     *layouts // of recordings that are played
	redeems     *limiter
	pdfs        *limiter
	streams     *streams
}

// route is one line of the census of routes.
type route struct {
	pattern   string
	who       caller
	confirmed bool
}

var _ http.Handler = (*Server)(nil)

// New builds the server. It reads no store and starts nothing.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Ready == nil {
		cfg.Ready = func(context.Context) error { return nil }
	}
	cfg.Gate.Reader = loggedReader{cfg.Gate.Reader, cfg.Log}
	limits := cfg.Limits.withDefaults()
	s := &Server{
		cfg: cfg, log: cfg.Log, now: cfg.Now, mux: http.NewServeMux(), notice: NoticeFor(cfg.Judge),
		crossOrigin: http.NewCrossOriginProtection(), passwords: newPasswords(cfg.Pepper), streams: newStreams(),
		perAddress: newLimiter(limits.AnonymousPerMinute, time.Minute, cfg.Now),
		perAccount: newLimiter(limits.AccountPerMinute, time.Minute, cfg.Now),
		logIns:     newLimiter(limits.LogInPerMinute, time.Minute, cfg.Now),
		pieces:     newLimiter(limits.MediaPerSecond, time.Second, cfg.Now),
		layouts:    newLayouts(cfg.Now),
		redeems:    newLimiter(limits.RedeemPerMinute, time.Minute, cfg.Now),
		pdfs:       newLimiter(limits.PDFPerMinute, time.Minute, cfg.Now),
	}
	s.crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, foreignOrigin())
	}))
	if err := s.addRoutes(); err != nil {
		return nil, err
	}
	return s, nil
}

func (c Config) check() error {
	for name, missing := range map[string]bool{
		"Accounts": c.Accounts == nil, "Sessions": c.Sessions == nil, "Record": c.Record == nil, "Viewers": c.Viewers == nil, "Records": c.Records == nil,
		"Recordings": c.Recordings == nil, "Shared": c.Shared == nil, "Raters": c.Raters == nil, "Contests": c.Contests == nil, "Corrections": c.Corrections == nil, "Changes": c.Changes == nil, "Ops": c.Ops == nil,
		"Exports": c.Exports == nil, "Erasures": c.Erasures == nil, "Receipts": c.Receipts == nil, "Ledger": c.Ledger == nil,
		"Gate": c.Gate.Reader == nil, "Mount": c.Mount == nil, "Publish": c.Publish == nil, "Log": c.Log == nil, "Pepper": c.Pepper == nil, "PDF": c.PDF == nil,
	} {
		if missing {
			return fmt.Errorf("web: Config.%s is missing", name)
		}
	}
	return nil
}

func (s *Server) addRoutes() error {
	s.api = newAPI(s.mux)
	s.accountRoutes()
	s.ownAccountRoutes()
	s.confirmRoutes()
	s.secondFactorRoutes()
	s.logInRoutes()
	s.bankRoutes()
	s.privacyRoutes()
	s.sessionRoutes()
	s.consentRoutes()
	s.objectionRoutes()
	s.reportRoutes()
	s.sharingRoutes()
	s.invitationRoutes()
	s.recordRoutes()
	s.sharedRoutes()
	s.peopleRoutes()
	s.contestRoutes()
	s.correctionRoutes()
	s.playbackRoutes()
	s.eventRoutes()
	s.exportRoutes()
	s.holdingRoutes()
	s.opsRoutes()
	s.erasureRoutes()
	s.closingRoutes()
	s.receiptRoutes()
	s.ledgerRoutes()
	s.retentionRoutes()
	s.roomRoutes()
	s.publishRoutes()
	s.voiceRoutes()
	s.pdfRoutes()
	return s.addOuterRoutes()
}

// addOuterRoutes adds what is not the API: the document, health and the page.
func (s *Server) addOuterRoutes() error {
	neverNull(s.api.OpenAPI())
	document, err := s.openAPI()
	if err != nil {
		return err
	}
	files, err := builtPage()
	if err != nil {
		return fmt.Errorf("read built page: %w", err)
	}
	s.outer("GET /api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document)
	})
	s.outer("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, nil) })
	s.outer("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		err := s.cfg.Ready(r.Context())
		if err != nil {
			s.log.WarnContext(r.Context(), "not ready", "error", err)
		}
		health(w, err)
	})
	s.outer("/api/", func(w http.ResponseWriter, _ *http.Request) { writeProblem(w, notFound()) })
	s.outer("/", func(w http.ResponseWriter, r *http.Request) {
		if changes(r.Method) || r.Method == http.MethodOptions {
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, newProblem(http.StatusMethodNotAllowed, "This address can only be read.", "Use the page's own controls."))
			return
		}
		files.ServeHTTP(w, r)
	})
	return nil
}

func (s *Server) outer(pattern string, handle http.HandlerFunc) {
	s.routes = append(s.routes, route{pattern, anyone, false})
	s.mux.HandleFunc(pattern, handle)
}

func health(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("not ready\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// neverNull says in the document what is true of this API: a list is empty or absent, never null.
func neverNull(document *huma.OpenAPI) {
	for _, schema := range document.Components.Schemas.Map() {
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
}

// NewHTTPServer returns an [http.Server] for the handler with the limits that the security baseline
// asks for, and what it takes to cut a stream off. It has no write timeout because streams set theirs
// write by write.
func NewHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if pages, ok := handler.(*Server); ok {
		server.RegisterOnShutdown(pages.EndStreams)
	}
	return server
}

// loggedReader leaves a line where facts could not be read: the caller only sees a refusal.
type loggedReader struct {
	consent.SnapshotReader
	log *slog.Logger
}

func (l loggedReader) Snapshot(ctx context.Context, actor consent.Actor, session consent.SessionID) (consent.Snapshot, error) {
	snapshot, err := l.SnapshotReader.Snapshot(ctx, actor, session)
	if err != nil && !errors.Is(err, consent.ErrNotFound) && !errors.Is(err, context.Canceled) {
		l.log.ErrorContext(ctx, "facts for a decision could not be read: refused", "request", visitOf(ctx).id, "error", err)
	}
	return snapshot, err
}

// errGone is why a stream ends whose reader may not read it any more.
var errGone = errors.New("no longer permitted")
