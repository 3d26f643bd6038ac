package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"greenroom/consent"
)

// Deadlines of one call to the object store. A store that is slower than this counts as away.
const (
	objectPutTimeout  = time.Minute // of up to maxSegment bytes
	objectReadTimeout = 15 * time.Second
	objectCallTimeout = 10 * time.Second
)

// hashMetadata is the user metadata under which an object carries the SHA-256 of its bytes, and
// checksumHeader the header by which the embedded store is told their CRC-32C.
const (
	hashMetadata   = "Sha256"
	checksumHeader = "x-amz-checksum-crc32c"
)

// Errors that a caller branches on.
var (
	errObjectDiffers = errors.New("another object has this key")
	errNoObject      = errors.New("object is not there")
	errNotKept       = errors.New("the store confirmed it and has not kept all of it")
)

// ObjectsConfig says which bucket of which S3 server keeps the recordings.
type ObjectsConfig struct {
	Endpoint  string // host:port
	AccessKey string
	SecretKey string
	Bucket    string
	Region    string // empty: us-east-1
	Secure    bool   // TLS
	Socket    string // path of a unix socket to connect to instead of Endpoint; only for the gateway

	gateway *Gateway // closes its clients' idle connections when it stops; otherwise nil
}

// Objects is one bucket. It is safe for concurrent use; every call has its own deadline.
type Objects struct {
	client *minio.Client
	bucket string
	name   string // of the store, for messages
	near   bool   // the store is in this process: nobody stands between
}

// OpenObjects connects to the store and makes the bucket if it is missing.
func OpenObjects(ctx context.Context, config ObjectsConfig) (*Objects, error) {
	o, err := newObjects(config)
	if err != nil {
		return nil, err
	}
	if err := o.makeBucket(ctx, config.Region); err != nil {
		return nil, o.explain(err)
	}
	return o, nil
}

func newObjects(config ObjectsConfig) (*Objects, error) {
	if config.Region == "" {
		config.Region = "us-east-1"
	}
	transport := objectTransport(config)
	if config.gateway != nil {
		config.gateway.serves(transport)
	}
	options := &minio.Options{
		Creds:        credentials.NewStaticV4(config.AccessKey, config.SecretKey, ""),
		Secure:       config.Secure,
		Region:       config.Region,
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   2, // the uploader tries again, with its own pauses
		Transport:    transport,
	}
	client, err := minio.New(config.Endpoint, options)
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", config.Endpoint, err)
	}
	return &Objects{client: client, bucket: config.Bucket, name: config.Endpoint, near: config.Socket != ""}, nil
}

func objectTransport(config ObjectsConfig) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{
		DialContext:           dialer.DialContext,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       time.Minute,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		DisableCompression:    true, // ciphertext; and ranges must mean what they say
	}
	if config.Socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", config.Socket)
		}
	}
	return transport
}

func (o *Objects) makeBucket(ctx context.Context, region string) error {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	exists, err := o.client.BucketExists(ctx, o.bucket)
	if err != nil || exists {
		return err
	}
	err = o.client.MakeBucket(ctx, o.bucket, minio.MakeBucketOptions{Region: region})
	code := minio.ToErrorResponse(err).Code
	if code == "BucketAlreadyOwnedByYou" || code == "BucketAlreadyExists" {
		return nil // another node was first
	}
	return err
}

// explain turns an error of the client into one that says what to check.
func (o *Objects) explain(err error) error {
	if err == nil {
		return nil
	}
	response := minio.ToErrorResponse(err)
	switch response.Code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied":
		return fmt.Errorf("object store at %s refuses us: check access key, secret key and the bucket's policy: %w", o.name, err)
	}
	if response.StatusCode >= http.StatusBadRequest && response.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("object store at %s: %w", o.name, err)
	}
	return fmt.Errorf("object store at %s is not reachable: %w, check that it runs and that this address is right", o.name, err)
}

// Check asks the store for the bucket, for the readiness page.
func (o *Objects) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, objectCallTimeout)
	defer cancel()
	exists, err := o.client.BucketExists(ctx, o.bucket)
	if err == nil && !exists {
		return fmt.Errorf("object store at %s: bucket %s is gone", o.name, o.bucket)
	}
	return o.explain(err)
}

// create stores an object where none is. If one is there already it must be the same bytes: then a
// process before us put it there and died before it noted that. After this the caller deletes the only
// other copy there is, so the store's word for it is not enough: we look.
func (o *Objects) create(ctx context.Context, key string, data []byte) error {
	return o.createSummed(ctx, key, newObjectBody(data), sha256.Sum256(data))
}

// createSummed is create for bytes whose sum is known.
func (o *Objects) createSummed(ctx context.Context, key string, body *objectBody, sum [sha256.Size]byte) error {
	ctx, cancel := context.WithTimeout(ctx, objectPutTimeout)
	defer cancel()
	hash := hex.EncodeToString(sum[:])
	there, err := o.put(ctx, key, body, hash)
	if err != nil {
		return err
	}
	whole, err := o.checkSame(ctx, key, body.Size(), hash)
	switch {
	case err != nil || whole:
		return err
	case !there:
		return fmt.Errorf("put object %s: %w", key, errNotKept)
	}
	if err := o.client.RemoveObject(ctx, o.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("replace torn object %s: %w", key, o.explain(err))
	}
	if there, err = o.put(ctx, key, body, hash); there {
		return fmt.Errorf("replace torn object %s: %w", key, errObjectDiffers)
	}
	if err != nil {
		return err
	}
	if whole, err = o.checkSame(ctx, key, body.Size(), hash); err == nil && !whole {
		return fmt.Errorf("replace torn object %s: %w", key, errNotKept)
	}
	return err
}

// put reports whether an object was there already; it never overwrites one. A store that has one may say so
// and hang up before it has read our bytes, and then the answer is lost in the broken connection: so where
// there was no answer, we look.
func (o *Objects) put(ctx context.Context, key string, body *objectBody, hash string) (there bool, err error) {
	options := minio.PutObjectOptions{
		ContentType:  "application/octet-stream",
		UserMetadata: map[string]string{hashMetadata: hash},
		// To sign the bytes in chunks as well would read them twice more on each side.
		DisableContentSha256: true,
	}
	options.SetMatchETagExcept("*")
	signed := hash // as the sum of the payload: the store compares it, and the signature covers it
	if o.near {
		// No stranger can change what goes over our own socket. Against faults a sum that costs next to
		// nothing is enough, and ours in the metadata stays what the index compares.
		options.UserMetadata[checksumHeader], signed = checksum(body.data), ""
	}
	// The plain call of the core takes a sum that is known; the client's own would make another.
	core := minio.Core{Client: o.client}
	_, err = core.PutObject(ctx, o.bucket, key, body, body.Size(), "", signed, options)
	if err == nil {
		return false, nil
	}
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return true, nil
	}
	if minio.ToErrorResponse(err).StatusCode == 0 {
		if _, missing := o.client.StatObject(ctx, o.bucket, key, minio.StatObjectOptions{}); missing == nil {
			return true, nil
		}
	}
	return false, fmt.Errorf("put object %s: %w", key, o.explain(err))
}

// checkSame compares what is there with what we have. An object that says it is ours but is shorter
// was torn by a power cut under the store: then whole is false, and it may be replaced.
func (o *Objects) checkSame(ctx context.Context, key string, size int64, hash string) (whole bool, err error) {
	info, err := o.client.StatObject(ctx, o.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return false, fmt.Errorf("look at object %s: %w", key, o.explain(err))
	}
	if info.UserMetadata[hashMetadata] != hash || info.Size > size {
		return false, fmt.Errorf("object %s has %d bytes, we have %d: %w", key, info.Size, size, errObjectDiffers)
	}
	return info.Size == size, nil
}

// read returns the bytes from offset on, exactly size of them.
func (o *Objects) read(ctx context.Context, key string, offset, size int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, objectReadTimeout)
	defer cancel()
	if offset < 0 || size <= 0 || size > maxSegment {
		return nil, fmt.Errorf("read object %s: %d bytes from %d on are out of bounds", key, size, offset)
	}
	var options minio.GetObjectOptions
	if err := options.SetRange(offset, offset+size-1); err != nil {
		return nil, fmt.Errorf("read object %s: %w", key, err)
	}
	// The plain call of the core makes one request; the client's own reader asks for the size first.
	core := minio.Core{Client: o.client}
	body, _, _, err := core.GetObject(ctx, o.bucket, key, options)
	if minio.ToErrorResponse(err).Code == "NoSuchKey" {
		return nil, fmt.Errorf("read object %s: %w", key, errNoObject)
	}
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", key, o.explain(err))
	}
	defer func() { _ = body.Close() }()
	data := make([]byte, size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("read object %s from %d on: %w", key, offset, o.explain(err))
	}
	return data, nil
}

// removeAll removes every version of every object under a prefix and makes sure that none is left.
func (o *Objects) removeAll(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(ctx, objectPutTimeout)
	defer cancel()
	versions, err := o.versions(ctx, prefix)
	if err != nil {
		return err
	}
	if err := o.removeVersions(ctx, versions); err != nil {
		return err
	}
	if versions, err = o.versions(ctx, prefix); err != nil {
		return err
	}
	if len(versions) > 0 {
		return fmt.Errorf("remove objects under %s: %d are still there", prefix, len(versions))
	}
	return nil
}

// removeVersions removes exactly these versions. One that is gone is no error, also where a store calls it one that
// somebody else removes at the same moment.
func (o *Objects) removeVersions(ctx context.Context, versions []minio.ObjectInfo) error {
	for _, v := range versions {
		err := o.client.RemoveObject(ctx, o.bucket, v.Key, minio.RemoveObjectOptions{VersionID: v.VersionID})
		if err != nil && minio.ToErrorResponse(err).Code != "NoSuchKey" {
			return fmt.Errorf("remove object %s: %w", v.Key, o.explain(err))
		}
	}
	return nil
}

// sessionPrefix is what the keys of a session's objects begin with.
func sessionPrefix(session consent.SessionID) (string, error) {
	if _, err := consent.ParseID[consent.SessionID](string(session)); err != nil {
		return "", fmt.Errorf("objects of a session: %w", err) // an empty prefix would be everything
	}
	return string(session) + "/", nil
}

// versions lists every version and delete marker under a prefix.
func (o *Objects) versions(ctx context.Context, prefix string) ([]minio.ObjectInfo, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the lister's goroutine when we return early
	defer cancel()
	var found []minio.ObjectInfo
	options := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: true}
	for info := range o.client.ListObjects(ctx, o.bucket, options) {
		if info.Err != nil {
			return nil, fmt.Errorf("list objects under %s: %w", prefix, o.explain(info.Err))
		}
		if info.Key != "" {
			found = append(found, info)
		}
	}
	return found, nil
}
