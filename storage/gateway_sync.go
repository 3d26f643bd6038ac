package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3response"
)

// syncedBackend makes the gateway keep its word over a power cut. The plain backend confirms an object
// that is only in the page cache; after that confirmation the spool's own, synced copy is deleted.
type syncedBackend struct {
	*posix.Posix
	objects string // folder of the buckets
	beside  string // folder of the metadata; empty when it is in extended attributes
	sync    func(path string) error
	folders syncedFolders
}

// PutObject stores an object and syncs it. An object that was there already is synced too: the
// process that put it may have died before it came to that.
func (b *syncedBackend) PutObject(ctx context.Context, input s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	output, putErr := b.Posix.PutObject(ctx, input)
	if input.Bucket == nil || input.Key == nil {
		return output, putErr
	}
	if err := b.syncObject(*input.Bucket, *input.Key); err != nil {
		return s3response.PutObjectOutput{}, errors.Join(putErr, err)
	}
	return output, putErr
}

func (b *syncedBackend) syncObject(bucket, key string) error {
	path := filepath.Join(b.objects, bucket, key)
	if !strings.HasPrefix(path, b.objects+string(filepath.Separator)) {
		return nil // the backend refused such a key
	}
	if _, err := os.Stat(path); err != nil {
		return nil //nolint:nilerr // nothing was stored
	}
	if err := b.syncEntry(path); err != nil {
		return fmt.Errorf("sync object %s: %w", key, err)
	}
	if b.beside == "" {
		return nil
	}
	about := filepath.Join(b.beside, bucket, key)
	err := filepath.WalkDir(about, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return b.sync(path)
	})
	if err == nil {
		err = b.syncUpwards(filepath.Dir(about), b.beside)
	}
	if err != nil {
		return fmt.Errorf("sync metadata of object %s: %w", key, err)
	}
	return nil
}

// syncEntry syncs an object's file and the folders above it, any of which may be new, up to the first that is
// known to be on disk. The object is in it, so that nobody can remove it meanwhile.
func (b *syncedBackend) syncEntry(path string) error {
	if err := b.sync(path); err != nil {
		return err
	}
	synced := map[string]folderIdentity{}
	for known := false; !known; {
		path = filepath.Dir(path)
		identity, ok := identify(path) // before it and what is above are synced
		if err := b.sync(path); err != nil {
			return err
		}
		known = path == b.objects || ok && b.folders.has(path, identity)
		if ok && !known {
			synced[path] = identity
		}
	}
	if len(synced) > 0 {
		b.folders.remember(synced)
	}
	return nil
}

// syncUpwards syncs a file and the folders above it up to root, any of which may be new.
func (b *syncedBackend) syncUpwards(path, root string) error {
	for {
		if err := b.sync(path); err != nil {
			return err
		}
		if path == root {
			return nil
		}
		path = filepath.Dir(path)
	}
}
