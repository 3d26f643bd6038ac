package signaling

import "time"

// arrivalTimes says when packets reached this machine.
type arrivalTimes struct{}

// of returns when the packet arrived.
func (a *arrivalTimes) of(ssrc uint32, sequence uint16) time.Time { return time.Now() }
