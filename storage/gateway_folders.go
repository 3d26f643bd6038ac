package storage

import (
	"maps"
	"sync"
)

// mostFolders bounds what is remembered: each is a path of some hundred bytes, and a session has four.
const mostFolders = 4096

// syncedFolders remembers which folders of the embedded store are on disk with all above them, so that an
// object put into one need sync no more than itself and its folder. A folder that was removed and made anew
// is another one. The zero value knows nothing. It is safe for concurrent use.
type syncedFolders struct {
	mu    sync.Mutex
	known map[string]folderIdentity
}

// folderIdentity tells a folder from any other that ever had its path.
type folderIdentity struct {
	inode uint64
	born  [2]int64 // seconds, nanoseconds
}

func (f *syncedFolders) has(path string, identity folderIdentity) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, there := f.known[path]
	return there && known == identity
}

// remember notes folders that were synced after they were looked at, each with all above it.
func (f *syncedFolders) remember(folders map[string]folderIdentity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) > mostFolders {
		f.known = map[string]folderIdentity{}
	}
	maps.Copy(f.known, folders)
}
