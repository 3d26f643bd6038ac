package storage

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/judge"
	"greenroom/media/verify"
)

// crashChild is the variable that makes this test binary a process that keeps a recording, or mends what
// one left, and kills itself at one point. It holds a crashPlan.
const crashChild = "GREENROOM_TEST_CRASH_CHILD"

// crashPlan is what such a process is to do.
type crashPlan struct {
	Database        string // URL of the owner
	Secrets, Master string
	Objects         ObjectsConfig
	Spool           string
	Session         consent.SessionID
	Epoch           int
	Frames          string // file of crashFrames; empty: only recover and drain
	Kill            crashPoint
}

// crashPoint is the nth time that a step is reached: "before sync", "after PUT", "half of write chunk".
type crashPoint struct {
	Step     string
	Nth      int
	Together bool // nothing is sent before all is recorded, so that it is sent together
}

// crashFrames are what the process records, in the order of time.
type crashFrames struct {
	Audio, Video []judge.Frame
}

// runCrashChild does as planned and returns an exit code; it returns only if the point was not reached.
// What the store took goes to standard output, one note a line.
func runCrashChild(text string) int {
	var plan crashPlan
	err := json.Unmarshal([]byte(text), &plan)
	if err == nil {
		err = plan.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (p crashPlan) run(ctx context.Context) error {
	k := &killer{point: p.Kill, counts: map[string]int{}}
	database, err := newDatabase(ctx, p.Database, p.Secrets, func(config *pgxpool.Config, _ roleSecrets, _ *contextSigner) error {
		config.ConnConfig.Tracer = &killingTracer{k}
		dial := config.ConnConfig.DialFunc
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &killingConn{conn, k, []byte(p.Session + "/")}, err
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer database.Close()
	keys, err := OpenKeys(ctx, database, p.Master)
	if err != nil {
		return err
	}
	spool, err := OpenSpool(SpoolConfig{Dir: p.Spool, MaxBytes: 64 << 20})
	if err != nil {
		return err
	}
	spool.disk = &killingDisk{spool.disk, k}
	objects, err := p.objects(k)
	if err != nil {
		return err
	}
	gate := consent.Gate{Reader: NewSnapshots(database)}
	uploader := NewUploader(database, keys, spool, objects, gate, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	uploader.gathering = 0 // rows are written while other segments are
	if p.Kill.Together {
		uploader.indexing = time.Minute
	}
	if p.Frames != "" {
		if err := p.record(ctx, gate, NewSegments(database, keys, spool, objects), uploader); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return uploader.Drain(ctx)
}

// objects is the store with a killer in its way.
func (p crashPlan) objects(k *killer) (*Objects, error) {
	client, err := minio.New(p.Objects.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(p.Objects.AccessKey, p.Objects.SecretKey, ""),
		Region: "us-east-1", BucketLookup: minio.BucketLookupPath, Transport: &killingTransport{objectTransport(p.Objects), k},
	})
	return &Objects{client: client, bucket: p.Objects.Bucket, name: p.Objects.Endpoint}, err
}

// record lets a real recorder keep the frames while the uploader sends what is sealed. Half a segment's
// length is handed over at a time, so that every segment is appended to several times.
func (p crashPlan) record(ctx context.Context, gate consent.Gate, segments *Segments, uploader *Uploader) error {
	file, err := os.Open(p.Frames)
	if err != nil {
		return err
	}
	var frames crashFrames
	if err := errors.Join(gob.NewDecoder(file).Decode(&frames), file.Close()); err != nil {
		return err
	}
	watch := verify.NewWatch(segments, os.Stdout)
	recorder := media.NewRecorder(media.RecorderConfig{
		Session: p.Session, Epoch: p.Epoch, Store: watch, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Permit: func(ctx context.Context) (consent.Permit, error) {
			return gate.Permit(ctx, consent.Actor{Kind: consent.ActorRecorder}, p.Session, consent.ArtefactCapture)
		},
	})
	uploading, stop := context.WithCancel(ctx)
	defer stop()
	recorded, uploaded := make(chan error, 1), make(chan error, 1)
	go func() { recorded <- recorder.Run(ctx) }() // ends after Finish, read below
	go func() {                                   // ends after stop, read below
		if p.Kill.Together {
			<-uploading.Done()
		}
		uploaded <- uploader.Run(uploading)
	}()
	const slice = 3 * time.Second
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for from := time.Duration(0); len(frames.Audio) > 0; from += slice {
		want := blocksOf(watch.Taken())
		want += handOver(recorder, media.KindAudio, media.CodecOpus, &frames.Audio, from+slice)
		want += handOver(recorder, media.KindVideo, media.CodecVP8, &frames.Video, from+slice)
		for blocksOf(watch.Taken()) < want {
			<-look.C // the test kills this process if it never happens
		}
	}
	recorder.Finish()
	err = <-recorded
	stop()
	if faults := watch.Faults(); len(faults) > 0 {
		err = errors.Join(err, errors.New(strings.Join(faults, "\n")))
	}
	return errors.Join(err, <-uploaded)
}

func handOver(r *media.Recorder, kind media.Kind, codec media.Codec, frames *[]judge.Frame, until time.Duration) (n int) {
	for len(*frames) > 0 && (*frames)[0].Time < until {
		f := (*frames)[0]
		*frames = (*frames)[1:]
		r.Put(kind, codec, media.Frame{Time: f.Time, Duration: f.Duration, Key: f.Key, Width: f.Width, Height: f.Height, Payload: f.Payload})
		n++
	}
	return n
}

func blocksOf(taken []verify.Taken) (n int) {
	for _, t := range taken {
		n += len(t.Blocks)
	}
	return n
}

// killer ends the process at one point, as a power switch would: nothing is run any more.
type killer struct {
	point  crashPoint
	mu     sync.Mutex
	counts map[string]int
}

func (k *killer) at(step string) {
	if k.is(step) {
		k.die()
	}
}

// is counts a step and reports whether it is the one.
func (k *killer) is(step string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts[step]++
	return step == k.point.Step && k.counts[step] == k.point.Nth
}

// isFrom counts a step and reports whether it is the one or a later one, for what may be tried again before it
// gets so far.
func (k *killer) isFrom(step string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts[step]++
	return step == k.point.Step && k.counts[step] >= k.point.Nth
}

func (k *killer) die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// around kills before or after something is done.
func around[T any](k *killer, step string, do func() (T, error)) (T, error) {
	k.at("before " + step)
	result, err := do()
	k.at("after " + step)
	return result, err
}

func nothing(err error) (struct{}, error) { return struct{}{}, err }

type killingDisk struct {
	disk
	k *killer
}

func (d *killingDisk) create(path string) (diskFile, error) {
	file, err := around(d.k, "create", func() (diskFile, error) { return d.disk.create(path) })
	return &killingFile{file, d.k}, err
}

func (d *killingDisk) open(path string) (diskFile, error) {
	file, err := d.disk.open(path)
	return &killingFile{file, d.k}, err
}

func (d *killingDisk) rename(from, to string) error {
	_, err := around(d.k, "rename", func() (struct{}, error) { return nothing(d.disk.rename(from, to)) })
	return err
}

func (d *killingDisk) remove(path string) error {
	_, err := around(d.k, "remove", func() (struct{}, error) { return nothing(d.disk.remove(path)) })
	return err
}

func (d *killingDisk) syncFolder(path string) error {
	_, err := around(d.k, "sync folder", func() (struct{}, error) { return nothing(d.disk.syncFolder(path)) })
	return err
}

type killingFile struct {
	diskFile
	k *killer
}

func (f *killingFile) Write(data []byte) (int, error) {
	step := "write head"
	if !bytes.HasPrefix(data, []byte(spoolMagic)) {
		step = map[recordKind]string{recordChunk: "write chunk", recordTable: "write end"}[recordKind(data[0])]
	}
	if f.k.is("half of " + step) {
		_, _ = f.diskFile.Write(data[:len(data)/2])
		f.k.die()
	}
	return around(f.k, step, func() (int, error) { return f.diskFile.Write(data) })
}

func (f *killingFile) Truncate(size int64) error {
	_, err := around(f.k, "truncate", func() (struct{}, error) { return nothing(f.diskFile.Truncate(size)) })
	return err
}

func (f *killingFile) Sync() error {
	_, err := around(f.k, "sync", func() (struct{}, error) { return nothing(f.diskFile.Sync()) })
	return err
}

// killingTransport kills around requests to the store, and in the middle of a body on its way there.
type killingTransport struct {
	http.RoundTripper
	k *killer
}

func (t *killingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPut && t.k.isFrom("half of "+request.Method) {
		request.Body = &halfBody{request.Body, request.ContentLength / 2, t.k}
	}
	return around(t.k, request.Method, func() (*http.Response, error) { return t.RoundTripper.RoundTrip(request) })
}

type halfBody struct {
	io.ReadCloser
	left int64
	k    *killer
}

func (b *halfBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.k.die()
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// killingConn kills in the middle of sending rows of the index to the database.
type killingConn struct {
	net.Conn
	k   *killer
	key []byte // of an object begins so
}

func (c *killingConn) Write(data []byte) (int, error) {
	if at := bytes.LastIndex(data, c.key); at >= 0 && c.k.is("half of INSERT") {
		_, _ = c.Conn.Write(data[:at]) // of several rows, those before the last
		c.k.die()
	}
	return c.Conn.Write(data)
}

// killingTracer kills around the batches that write rows of the index: before one is sent, when the database
// has answered its first row, when it has answered the last, and when it has said that all is committed.
type killingTracer struct{ k *killer }

var _ pgx.BatchTracer = (*killingTracer)(nil)

// tracedRows are the rows of a batch of which there was no answer yet.
type tracedRows struct{ left int }

type tracedStep struct{}

func isIndexRow(sql string) bool { return strings.Contains(sql, "INSERT INTO segments") }

func (t *killingTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	rows := new(tracedRows)
	for _, query := range data.Batch.QueuedQueries {
		if isIndexRow(query.SQL) {
			rows.left++
		}
	}
	if rows.left == 0 {
		return ctx
	}
	if t.k.point.Together && rows.left == 1 {
		fmt.Fprintln(os.Stderr, "a row was sent by itself")
		os.Exit(1)
	}
	t.k.at("before INSERT")
	return context.WithValue(ctx, tracedStep{}, rows)
}

func (t *killingTracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if rows, ok := ctx.Value(tracedStep{}).(*tracedRows); ok && isIndexRow(data.SQL) {
		t.k.at("after INSERT")
		if rows.left--; rows.left == 0 {
			t.k.at("before commit")
		}
	}
}

func (t *killingTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	if _, ok := ctx.Value(tracedStep{}).(*tracedRows); ok {
		t.k.at("after commit")
	}
}

func (t *killingTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (t *killingTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
