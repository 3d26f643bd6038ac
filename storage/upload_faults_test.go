package storage

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"greenroom/media"
)

// answerFunc answers a request; send asks the store.
type answerFunc func(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error)

// faultyTransport is a store that answers puts in bad ways, until it is healed.
type faultyTransport struct {
	http.RoundTripper
	answer answerFunc

	mu     sync.Mutex
	healed bool
}

func (f *faultyTransport) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.healed = true
}

func (f *faultyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	f.mu.Lock()
	healed := f.healed
	f.mu.Unlock()
	if healed || request.Method != http.MethodPut {
		return f.RoundTripper.RoundTrip(request)
	}
	return f.answer(request, f.RoundTripper.RoundTrip)
}

// through puts a transport between a recordingWorld and its store.
func (w *recordingWorld) through(t *testing.T, transport http.RoundTripper) {
	t.Helper()
	putBetween(t, w.objects, w.config, transport)
}

func putBetween(t *testing.T, objects *Objects, config ObjectsConfig, transport http.RoundTripper) {
	t.Helper()
	client, err := minio.New(config.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(config.AccessKey, config.SecretKey, ""),
		Region: "us-east-1", BucketLookup: minio.BucketLookupPath, MaxRetries: 1, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	objects.client = client
}

// faultsBefore returns a store that answers puts as the function says.
func faultsBefore(t *testing.T, config ObjectsConfig, answer answerFunc) *faultyTransport {
	t.Helper()
	transport := objectTransport(config)
	t.Cleanup(transport.CloseIdleConnections)
	return &faultyTransport{RoundTripper: transport, answer: answer}
}

func answered(request *http.Request, status int, code string) *http.Response {
	_, _ = io.Copy(io.Discard, request.Body)
	body := ""
	if code != "" {
		body = "<Error><Code>" + code + "</Code><Message>a test</Message></Error>"
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/xml"}, "Etag": {`"d41d8cd98f00b204e9800998ecf8427e"`}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// TestNothingLocalIsDeletedBeforeTheStoreHasIt: whatever a store answers, the local files stay until it
// can be seen that the object is there whole; then there is one object and one row of each.
func TestNothingLocalIsDeletedBeforeTheStoreHasIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer answerFunc
	}{
		{"confirms what it does not store", func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			return answered(r, http.StatusOK, ""), nil
		}},
		{"confirms and stores half", func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			half := data[:len(data)/2]
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
			answer, err := send(r)
			if err == nil && answer.StatusCode == http.StatusBadRequest { // this store compares the sum: it stored nothing
				answer.StatusCode = http.StatusOK
			}
			return answer, err
		}},
		{"stores and answers 500", func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			answer, err := send(r)
			if err != nil {
				return nil, err
			}
			_ = answer.Body.Close()
			return answered(r, http.StatusInternalServerError, "InternalError"), nil
		}},
		{"503", func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			return answered(r, http.StatusServiceUnavailable, "SlowDown"), nil
		}},
		{"wrong key", func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "Signature=", "Signature=0", 1))
			return send(r)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRecordingWorld(t, embeddedStore)
			faults := faultsBefore(t, w.config, c.answer)
			w.through(t, faults)
			for i := range 2 {
				w.record(t, testHead(w.session, media.KindAudio, i), 2)
			}
			_, err := w.uploader.pass(t.Context())
			files, listErr := w.spool.list(sealedFolder)
			rows := w.count(t, `SELECT count(*) FROM segments`)
			if err == nil || listErr != nil || len(files) != 2 || rows != 0 {
				t.Fatalf("pass: %v; %d files (%v) and %d rows, want an error, 2 and none", err, len(files), listErr, rows)
			}
			backlog, err := w.uploader.Backlog()
			if err != nil || backlog.Files != 2 || backlog.Err == nil || backlog.Oldest.IsZero() {
				t.Errorf("backlog %+v, %v; want it to show 2 files and why", backlog, err)
			}
			faults.heal()
			w.drain(t)
			w.checkRecorded(t, media.KindAudio, map[int]int{0: 2, 1: 2})
			if left, err := w.objects.versions(t.Context(), string(w.session)); err != nil || len(left) != 2 {
				t.Errorf("%d objects, %v; want 2", len(left), err)
			}
		})
	}
}
