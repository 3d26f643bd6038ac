package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"
)

// abortUploads ends the uploads in parts that began before the given time and were never completed, and
// returns how many. Nothing here uploads in parts for so long.
func (o *Objects) abortUploads(ctx context.Context, before time.Time) (aborted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, objectPutTimeout) // ends the lister's goroutine too
	defer cancel()
	core := minio.Core{Client: o.client}
	for upload := range o.client.ListIncompleteUploads(ctx, o.bucket, "", true) {
		if upload.Err != nil {
			return aborted, fmt.Errorf("list unfinished uploads: %w", o.explain(upload.Err))
		}
		if !upload.Initiated.Before(before) {
			continue
		}
		if err := core.AbortMultipartUpload(ctx, o.bucket, upload.Key, upload.UploadID); err != nil {
			return aborted, fmt.Errorf("abort an unfinished upload: %w", o.explain(err))
		}
		aborted++
	}
	return aborted, nil
}
