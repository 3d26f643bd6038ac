package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/signaling"
	"greenroom/storage"
	"greenroom/web"
)

type serveCommand struct {
	config `embed:""`
}

// Run serves until Ctrl-C or a part fails, then stops everything in order.
func (c *serveCommand) Run(ctx context.Context) error {
	if err := c.validate(); err != nil {
		return err
	}
	log := c.logger()
	a := &app{config: &c.config, log: log, services: newServices(log)}
	err := a.start(ctx)
	if err == nil {
		a.banner.write(os.Stdout)
		err = a.wait(ctx)
	}
	log.Info("stopping")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.DrainFor+stopLimit)
	defer cancel()
	err = errors.Join(err, a.stopAll(stopping))
	switch {
	case err != nil:
	case a.left > 0:
		log.Info("stopped: what is in the spool is uploaded at the next start", "files", a.left)
	default:
		log.Info("stopped: nothing was lost")
	}
	return err
}

// stopLimit is how long everything but draining the spool may take to stop.
const stopLimit = 40 * time.Second

// app is a running server: the parts in the order in which they are built, which is the order of the
// flow read from its end, and the services that run them.
type app struct {
	*config
	*services
	log *slog.Logger

	owner    string // how to connect as the database's owner
	database *storage.Database
	journal  *storage.Journal
	objects  *storage.Objects
	keys     *storage.Keys
	logIn    *storage.LogInKeys
	spool    *storage.Spool
	left     int // files that stay in the spool at the end
	uploader *storage.Uploader
	segments *storage.Segments
	live     *storage.Ingest
	changes  *storage.Changes
	exports  *storage.Exports
	gate     consent.Gate

	bank        assess.Bank
	speech      *assess.SpeechRuntime
	transcriber assess.Transcriber
	model       assess.Model   // nil: measuring only
	second      assess.Model   // makes the second rating; nil: model does
	spoken      *assess.Spoken // nil: browsers say the questions
	probes      probes
	judge       web.Judge
	scribe      *assess.Scribe
	assessor    *assess.Assessor

	desk   *desk
	rooms  *signaling.Rooms
	pages  *web.Server
	limits web.Limits // zero: the defaults; a measurement raises them
	counts *metrics
	banner banner
}

// start builds and starts every part. What was started before a failure is stopped by stopAll.
func (a *app) start(ctx context.Context) error {
	if err := os.MkdirAll(a.secretsDir(), 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	a.banner = banner{data: a.DataDir, program: os.Args[0]}
	for _, step := range []func(context.Context) error{
		a.openBank, a.openModels, a.openDatabase, a.openLedger, a.openObjects, a.openStores, a.openDemo, a.openRooms, a.openPages, a.startJobs, a.startServing,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// wait blocks until ctx ends or a part fails.
func (a *app) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	}
}

// openBank comes first: an operator who writes a bank sees what is wrong in it before anything else starts.
func (a *app) openBank(context.Context) (err error) {
	if a.bank, err = readBank(a.BankDir); err != nil {
		return err
	}
	if a.BankDir != "" {
		a.banner.outside = append(a.banner.outside, fmt.Sprintf("question bank %s in %s", a.bank.Version, a.BankDir))
	}
	return nil
}

func (a *app) openDatabase(ctx context.Context) error {
	a.owner = a.DatabaseURL
	if a.embedsDatabase() {
		embedded, err := storage.StartEmbedded(context.WithoutCancel(ctx), storage.EmbeddedConfig{
			DataDir: filepath.Join(a.DataDir, "postgres"), BinDir: a.PostgresBin, LibDir: a.LibDir,
		})
		if err != nil {
			return fmt.Errorf("%w\nSet GREENROOM_DATABASE_URL to use your own Postgres, or run make setup to fetch one", err)
		}
		a.services.start(ctx, "the private Postgres", embedded.Run, embedded.Stop)
		a.banner.inside = append(a.banner.inside, "Postgres "+embedded.Version())
		a.owner = embedded.URL()
		if err := os.WriteFile(ownerFile(a.secretsDir()), []byte(a.owner), 0o600); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		a.closing("administration", func(context.Context) error { return os.Remove(ownerFile(a.secretsDir())) })
	} else {
		a.banner.outside = append(a.banner.outside, "Postgres at "+hostOf(a.owner))
	}
	database, err := storage.OpenDatabase(ctx, a.owner, a.secretsDir())
	if err != nil {
		return fmt.Errorf("%w\nPostgres at %s: check GREENROOM_DATABASE_URL, that the server runs, and that this owner may create roles", err, hostOf(a.owner))
	}
	a.closing("the database pools", func(context.Context) error { database.Close(); return nil })
	a.database = database
	return nil
}

// openLedger tells a database that was restored from a backup what it has forgotten, before anything is
// served, and refuses one whose ledger tells another story than this node's journal.
func (a *app) openLedger(ctx context.Context) (err error) {
	a.database.Notary().Describe(a.operator())
	if a.journal, err = storage.OpenJournal(a.database, a.LedgerDir, a.log); err != nil {
		return err
	}
	a.closing("the ledger folder", func(context.Context) error { return a.journal.Close() })
	restored, err := a.journal.Reconcile(ctx, a.owner)
	if err != nil {
		return err
	}
	if restored > 0 {
		a.log.Warn("the database was restored from a backup: what had ended since has ended again", "entries", restored)
	}
	return nil
}

// followLedger copies what other nodes and the administration commands append.
func (a *app) followLedger(ctx context.Context) error {
	return a.journal.Run(ctx, a.changes.SubscribeLedger(ctx))
}

// hostOf names where a URL leads without its password.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || (u.Host == "" && u.Path == "") {
		return "an address that cannot be read"
	}
	if u.Host == "" {
		return "a Unix socket"
	}
	return u.Host
}

func (a *app) openObjects(ctx context.Context) error {
	config := a.config.objects()
	if a.embedsObjects() {
		gateway, err := storage.StartGateway(ctx, storage.GatewayConfig{DataDir: filepath.Join(a.DataDir, "objects"), SecretsDir: a.secretsDir()})
		if err != nil {
			return err
		}
		a.services.start(ctx, "the object store", gateway.Run, nil)
		a.banner.inside = append(a.banner.inside, "object store")
		config = gateway.Objects()
	} else {
		a.banner.outside = append(a.banner.outside, "object store at "+config.Endpoint)
	}
	objects, err := storage.OpenObjects(ctx, config)
	if err != nil {
		return fmt.Errorf("%w\ncheck GREENROOM_S3_ENDPOINT and its keys", err)
	}
	a.objects = objects
	return nil
}

func (a *app) openStores(ctx context.Context) (err error) {
	if a.keys, err = storage.OpenKeys(ctx, a.database, filepath.Join(a.secretsDir(), "master.key")); err != nil {
		return err
	}
	if a.logIn, err = storage.OpenLogInKeys(ctx, a.database, filepath.Join(a.secretsDir(), "log-in.keys")); err != nil {
		return err
	}
	if a.spool, err = storage.OpenSpool(storage.SpoolConfig{Dir: filepath.Join(a.DataDir, "spool"), MaxBytes: a.SpoolLimit}); err != nil {
		return err
	}
	a.closing("the spool", func(context.Context) error { return a.spool.Close() })
	a.gate = consent.Gate{Reader: storage.NewSnapshots(a.database), Notice: web.NoticeFor(a.judge).SHA256()}
	a.segments = storage.NewSegments(a.database, a.keys, a.spool, a.objects)
	a.live = storage.NewIngest(a.database, a.keys, a.model != nil)
	a.changes = storage.NewChanges(a.database, a.log)
	a.exports = storage.NewExports(a.database, a.keys, a.objects, a.log)
	a.services.start(ctx, "the change listener", a.changes.Run, nil)
	a.services.start(ctx, "the ledger's journal", a.followLedger, a.journal.Flush)
	a.uploader = storage.NewUploader(a.database, a.keys, a.spool, a.objects, a.gate, a.log)
	a.services.start(ctx, "the uploader", a.uploader.Run, func(ctx context.Context) error {
		draining, cancel := context.WithTimeout(ctx, a.DrainFor)
		defer cancel()
		if err := a.uploader.Drain(draining); err != nil {
			a.left, _ = a.spoolBacklog()
			a.log.Warn("recordings stay in the spool", "files", a.left, "reason", err)
		}
		return nil
	})
	return nil
}

// openDemo makes the demo accounts, if they are wanted, over a short connection as the owner.
func (a *app) openDemo(ctx context.Context) error {
	if !a.demo() {
		return nil
	}
	demo, err := readDemo(a.secretsDir())
	if errors.Is(err, fs.ErrNotExist) {
		demo, err = makeDemo(ctx, a.owner, a.secretsDir(), a.logIn)
	}
	if err != nil {
		return err
	}
	a.banner.demo = &demo
	return nil
}

func (a *app) openRooms(ctx context.Context) error {
	a.scribe = a.newScribe()
	api, err := signaling.NewAPI(signaling.APIConfig{UDPAddr: a.MediaListen, TCPAddr: a.MediaListen, Public: a.MediaPublicIP, Log: a.log}) // sockets live until Close
	if err != nil {
		return fmt.Errorf("%w\ncheck GREENROOM_MEDIA_LISTEN (%s)", err, a.MediaListen)
	}
	a.closing("the media ports", func(context.Context) error { return api.Close() })
	a.desk = &desk{
		account:  func(r *http.Request) (consent.Account, error) { return a.pages.Account(r) },
		program:  func(r *http.Request, id consent.SessionID) (consent.Account, error) { return a.pages.Publisher(r, id) },
		holders:  func() seatHolders { return a.pages },
		sessions: storage.NewSessions(a.database), live: a.live, segments: a.segments, gate: a.gate,
		voice: a.speech.NewVoiceActivity, scribe: a.scribe, full: a.spool.Full, waiting: a.uploader.Waiting, log: a.log,
		open: map[consent.SessionID]openRoom{},
	}
	if a.model != nil {
		a.desk.followUp = func(ctx context.Context, id consent.SessionID, wish assess.Wish) (assess.FollowUp, error) {
			return a.assessor.FollowUp(ctx, id, wish) // it is there before the first room is
		}
	}
	a.closing("the last writes of rooms", a.desk.settleWrites)
	a.services.start(ctx, "the scribe", a.scribe.Run, a.scribe.Drain)
	a.rooms = signaling.NewRooms(signaling.Config{API: api, Desk: a.desk, AllowedOrigin: a.allowedOrigin(), Voice: a.spoken != nil, Log: a.log})
	a.services.start(ctx, "the rooms", a.rooms.Run, nil)
	a.services.start(ctx, "consent changes", a.watchConsents, nil)
	a.services.start(ctx, "the watch over rooms", a.desk.watchRooms, nil)
	return nil
}

// allowedOrigin accepts the public address, if one is set; otherwise rooms compare with the Host header.
func (a *app) allowedOrigin() func(string) bool {
	if a.PublicURL == "" {
		return nil
	}
	public := a.address("")
	return func(origin string) bool { return origin == public }
}

// watchConsents tells a live room when its session's state or consents changed, on this node or another.
// What else is told of a session, each of its segments and lines among it, is nothing to its room.
func (a *app) watchConsents(ctx context.Context) error {
	for change := range a.changes.SubscribeAll(ctx) {
		if change.Topic == storage.TopicSession {
			a.rooms.ConsentsChanged(ctx, change.Session)
		}
	}
	return nil
}

func (a *app) openPages(ctx context.Context) error {
	card, err := a.agreementCard(a.bank)
	if err != nil {
		return err
	}
	records, sessions := storage.NewRecords(a.database, a.keys), storage.NewSessions(a.database)
	a.counts = newMetrics(sources{
		liveRooms: a.rooms.Live, lostPackets: a.rooms.LostPackets, scribeWait: a.scribe.Waiting, scribeOldest: a.scribe.Oldest, spoolUsed: a.spool.Used,
		spoolBacklog: a.uploader.Backlog, epochs: a.keys.Epochs,
	})
	proxies, err := a.trustedProxies()
	if err != nil {
		return err
	}
	var voices web.Voices
	if a.spoken != nil {
		a.services.start(ctx, "spoken questions", a.spoken.Run, nil)
		voices = voicesOf{asked: a.desk.asked, spoken: a.spoken}
	}
	pdf, err := newPDFReader()
	if err != nil {
		return err
	}
	a.pages, err = web.New(web.Config{ // handlers get theirs from each request
		Accounts: storage.NewAccounts(a.database, a.logIn), Sessions: sessions, Record: sessions, Records: records,
		Recordings: a.segments, Shared: storage.NewShared(a.database), Raters: storage.NewRaters(a.database, a.keys),
		Contests: storage.NewContests(a.database, a.keys), Corrections: storage.NewCorrections(a.database, a.keys), Viewers: storage.NewViewers(a.database), Changes: a.changes,
		Ops: storage.NewOps(a.database, a.spoolBacklog), Probes: a.probes.now, Exports: a.exports, Erasures: storage.NewErasures(a.database),
		Receipts: storage.NewReceipts(a.database), Ledger: a.journal, Gate: a.gate, Pepper: a.logIn, Bank: a.bank, Judge: a.judge, Voices: voices, Agreement: card,
		Mount: signaling.Handler(a.rooms), Publish: signaling.PublishHandler(a.rooms), Ready: a.ready, Build: buildName(), Log: a.log,
		TrustedProxies: proxies, Limits: a.limits, PDF: pdf,
	})
	if err != nil {
		return err
	}
	a.services.start(ctx, "the log-in watch", a.watchLogIns, nil)
	return a.publishNotice(ctx)
}

// watchLogIns ends what log-ins have open that ended, on this node or another.
func (a *app) watchLogIns(ctx context.Context) error {
	for change := range a.changes.SubscribeAll(ctx) {
		if change.Topic == storage.TopicLogIns || change == (storage.Change{}) {
			a.pages.LogInsEnded(ctx, change.Account)
			a.rooms.LogInsEnded(ctx, change.Account)
		}
	}
	return nil
}

// publishNotice makes the text that the pages show one that can be answered.
func (a *app) publishNotice(ctx context.Context) error {
	admin, err := storage.OpenAdmin(ctx, a.owner)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	return admin.PublishNotice(ctx, web.NoticeFor(a.judge))
}

// spoolBacklog is what waits for the object store.
func (a *app) spoolBacklog() (files int, bytes int64) {
	backlog, err := a.uploader.Backlog()
	if err != nil {
		a.log.Warn("the spool cannot be counted", "error", err)
	}
	return backlog.Files, backlog.Bytes
}

// ready says why new interviews could not start now.
func (a *app) ready(ctx context.Context) error {
	if a.spool.Full() {
		return errors.New("the spool is nearly full")
	}
	if err := a.journal.Check(); err != nil {
		return err
	}
	if err := a.rooms.Check(); err != nil {
		return err
	}
	return a.database.Check(ctx)
}

func (a *app) startJobs(ctx context.Context) error {
	a.startProbes(ctx)
	a.assessor = assess.NewAssessor(assess.AssessorConfig{
		Results: storage.NewResults(a.database, a.keys), Gate: a.gate, Model: a.model, Second: a.second, Settled: a.desk.settled, SaidOut: a.desk.saidOut, Log: a.log,
	})
	eraser := storage.NewEraser(a.database, a.spool, a.objects, a.exports, a.processors, a.log)
	jobs, err := storage.NewJobs(a.database, storage.JobHandlers{
		Evidence: a.assessor.Evidence, Answer: a.assessor.Answer, SecondLook: a.assessor.SecondLook, TurnEpoch: a.keys.TurnEpoch, Export: a.makeExport,
		Eraser: eraser, Sweeper: storage.NewSweeper(a.database, eraser, a.objects, a.log),
	}, storage.JobOptions{
		OnDiscard: a.giveUp, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.services.start(ctx, "the exports", a.exports.Run, nil)
	a.services.start(ctx, "the jobs", jobs.Run, nil)
	return nil
}

// giveUp writes that an answer cannot be assessed. Evidence that could not be gathered while the answer
// was given is gathered, or given up, with the answer.
func (a *app) giveUp(ctx context.Context, job storage.DiscardedJob) {
	a.log.Error("a job was given up", "kind", job.Kind, "session", job.Session, "error", job.Err)
	if job.Export != "" {
		if err := a.exports.GiveUp(ctx, job.Export); err != nil {
			a.log.Error("an export could not be given up", "export", job.Export, "error", err)
		}
		return
	}
	if job.Kind != "assess_answer" {
		return
	}
	if err := a.assessor.GiveUp(ctx, job.Session, job.Question, job.Take, job.Revision, job.Err); err != nil {
		a.log.Error("an answer could not be given up", "session", job.Session, "question", job.Question, "error", err)
	}
}

func (a *app) startServing(ctx context.Context) error {
	var listen net.ListenConfig
	if a.MetricsListen != "" {
		listener, err := listen.Listen(ctx, "tcp", a.MetricsListen)
		if err != nil {
			return fmt.Errorf("metrics: %w: choose another address with GREENROOM_METRICS_LISTEN, or an empty one for none", err)
		}
		a.services.start(ctx, "the metrics", func(ctx context.Context) error { return a.counts.serve(ctx, listener) }, nil)
	}
	listener, err := listen.Listen(ctx, "tcp", a.Listen)
	if err != nil {
		return fmt.Errorf("pages: %w: another program may use this address; choose one with GREENROOM_LISTEN", err)
	}
	a.banner.address = a.address(listener.Addr().String())
	server := web.NewHTTPServer(a.pages, a.log)
	a.services.start(ctx, "the pages", func(ctx context.Context) error { return serveUntil(ctx, server, listener) }, a.rooms.Close)
	return nil
}
