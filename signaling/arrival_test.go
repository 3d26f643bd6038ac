package signaling

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestArrivalIsWhenTheKernelHadThePacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const unit = 1 << arrivalUnitBits
		times := new(arrivalTimes)
		ours, repeated, other := rtpPacket(96, 0, ""), rtpPacket(96, 0, ""), rtpPacket(96, 0, "")
		repeated[3], other[11] = 2, 4 // another number, another SSRC
		times.note(ours, time.Now())
		<-time.After(100 * time.Millisecond)
		times.note(repeated, time.Now())
		times.note(other, time.Now())
		report := rtpPacket(200-128, 0, "") // RTCP, whose octets mean something else
		report[1] = 200
		times.note(report, time.Now())
		times.note(ours[:11], time.Now())
		if age := time.Since(times.of(3, 1)); age < 100*time.Millisecond-unit || age > 100*time.Millisecond+unit {
			t.Errorf("came %v ago, want 100 ms", age)
		}
		if age := time.Since(times.of(3, 2)); age > unit {
			t.Errorf("the next one came %v ago, want now", age)
		}
		if got := times.of(9, 9); got != time.Now() {
			t.Errorf("a packet that the kernel did not time came at %v, want now", got)
		}
		<-time.After(arrivalAge)
		if got := times.of(3, 1); got != time.Now() {
			t.Errorf("a time too old to be true gave %v, want now", got)
		}
	})
}

// A time stamp ahead of the clock, as after the clock was set back, must not lie in the future.
func TestArrivalIsNeverInTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := new(arrivalTimes)
		times.note(rtpPacket(96, 0, ""), time.Now().Add(time.Hour))
		if got := times.of(3, 1); got != time.Now() {
			t.Errorf("got %v, want now", got)
		}
	})
}
