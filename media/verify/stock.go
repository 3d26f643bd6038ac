package verify

import (
	"fmt"
	"maps"
	"slices"
)

// Row is what the index says of one segment.
type Row struct {
	Key  string // of its object
	Size int64  // in bytes
}

// Stock is what lies where after the spool was drained and swept.
type Stock struct {
	Rows    []Row            // of the index
	Objects map[string]int64 // of the bucket: sizes by key
	Spool   []string         // files that are left
}

// Faults compares the three.
func (s Stock) Faults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	rows := map[string]bool{}
	for _, row := range s.Rows {
		if rows[row.Key] {
			fault("%s has two rows", row.Key)
		}
		rows[row.Key] = true
		switch size, there := s.Objects[row.Key]; {
		case !there:
			fault("%s has a row and no object", row.Key)
		case size != row.Size:
			fault("%s has %d bytes, its row says %d", row.Key, size, row.Size)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Objects)) {
		if !rows[key] {
			fault("%s is an object without a row", key)
		}
	}
	for _, file := range s.Spool {
		fault("%s is left in the spool", file)
	}
	return faults
}
