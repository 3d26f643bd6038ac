package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how much one caller may ask for; a zero field takes its default.
type Limits struct {
	AnonymousPerMinute int // requests per address without a log-in; 60
	AccountPerMinute   int // requests per account; 600
	LogInPerMinute     int // log-ins and new accounts per address; 20
	MediaPerSecond     int // requests for pieces of recordings per account; 20
	RedeemPerMinute    int // invitations tried per account; 10
	PDFPerMinute       int // files read per account; 6
}

func (l Limits) withDefaults() Limits {
	if l.AnonymousPerMinute == 0 {
		l.AnonymousPerMinute = 60
	}
	if l.AccountPerMinute == 0 {
		l.AccountPerMinute = 600
	}
	if l.LogInPerMinute == 0 {
		l.LogInPerMinute = 20
	}
	if l.MediaPerSecond == 0 {
		l.MediaPerSecond = 20
	}
	if l.RedeemPerMinute == 0 {
		l.RedeemPerMinute = 10
	}
	if l.PDFPerMinute == 0 {
		l.PDFPerMinute = 6
	}
	return l
}

// limiter counts the requests of each caller. Callers that have been quiet long enough to have their
// whole allowance back are forgotten, once a minute; between two sweeps the table is bounded.
type limiter struct {
	perSecond rate.Limit
	burst     int
	now       func() time.Time

	mu      sync.Mutex
	callers map[string]*rate.Limiter
	swept   time.Time
}

// A table of a million callers takes about 100 MiB; beyond that new ones share one allowance.
const maxCallers = 1_000_000

func newLimiter(number int, per time.Duration, now func() time.Time) *limiter {
	return &limiter{perSecond: rate.Limit(float64(number) / per.Seconds()), burst: number, now: now, callers: map[string]*rate.Limiter{}, swept: now()}
}

// allow takes one request of the caller and returns zero, or how long to wait for the next one.
func (l *limiter) allow(caller string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.swept) >= time.Minute {
		l.sweep(now)
	}
	if _, known := l.callers[caller]; !known && len(l.callers) >= maxCallers {
		caller = ""
	}
	bucket, ok := l.callers[caller]
	if !ok {
		bucket = rate.NewLimiter(l.perSecond, l.burst)
		l.callers[caller] = bucket
	}
	if bucket.AllowN(now, 1) {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return time.Duration(missing / float64(bucket.Limit()) * float64(time.Second))
}

func (l *limiter) sweep(now time.Time) {
	for caller, bucket := range l.callers {
		if bucket.TokensAt(now) >= float64(bucket.Burst()) {
			delete(l.callers, caller)
		}
	}
	l.swept = now
}
