package rehearse

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A machine that was busy for a while makes samples late, and none of them is left out.
func TestPaceSendsWhatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began, pace := time.Now(), newPace(20*time.Millisecond)
		for range 5 {
			pace.wait(ctx)
		}
		<-time.After(300 * time.Millisecond)
		for range 45 {
			pace.wait(ctx)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("50 samples of 20 ms took %v, want 1 s", took)
		}
		cancel()
		if pace.wait(ctx) {
			t.Error("it goes on after its end")
		}
	})
}
