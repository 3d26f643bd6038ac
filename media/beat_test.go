package media

import (
	"testing"
	"time"
)

func TestWaitsEndOnABeat(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, d := range []time.Duration{Beat, 20 * time.Millisecond, 200 * time.Millisecond, time.Second} {
		for late := time.Duration(0); late < 3*Beat; late += 700 * time.Microsecond {
			now := begin.Add(late)
			wait := UntilBeat(now, d)
			if end := now.Add(wait); end.UnixNano()%int64(Beat) != 0 || wait <= d-Beat || wait > d || wait <= 0 {
				t.Fatalf("%v after a beat the wait of %v takes %v", late, d, wait)
			}
		}
	}
}
