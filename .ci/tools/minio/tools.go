//go:build tools

// Package tools pins the MinIO server that the storage tests and the compose file build from source.
// It is AGPL-3.0 and always a program of its own: nothing of it is linked into Greenroom.
package tools

import _ "github.com/minio/minio"
