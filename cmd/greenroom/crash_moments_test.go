package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// moment is one SIGKILL: in which phase of the server's life, and how long after the phase began.
type moment struct {
	phase crashPhase
	after time.Duration
}

type crashPhase string

const (
	crashStart crashPhase = "start" // anywhere from exec to serving, the very first start included
	crashJoin  crashPhase = "join"  // candidates are connecting
	crashLive  crashPhase = "live"  // all of them are being recorded
	crashDrain crashPhase = "drain" // it was asked to stop and is draining
)

const (
	crashCandidates = 3 // at the same time
	// crashLanes are servers that are killed side by side, each with a data folder of its own: most of
	// a moment is waiting.
	crashLanes = 2
)

// crashMoments returns how many moments, and the seed from which they are drawn.
func crashMoments(t *testing.T) (count int, seed uint64) {
	t.Helper()
	count, seed = 10, uint64(time.Now().UnixNano())
	if text := os.Getenv("GREENROOM_CRASHES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < crashLanes {
			t.Fatalf("GREENROOM_CRASHES is %q: want a number from %d on", text, crashLanes)
		}
		count = n
	}
	if text := os.Getenv("GREENROOM_CRASH_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("GREENROOM_CRASH_SEED is %q: want a number", text)
		}
		seed = n
	}
	return count, seed
}

// drawMoments draws a lane's moments. A live recording is killed within a little more than one segment's
// length, so that appends, seals, uploads and index rows are all in flight at some of them; where there
// are few moments they lie closer to the start, to save time.
func drawMoments(random *rand.Rand, count int) []moment {
	spans := map[crashPhase]time.Duration{crashStart: 3 * time.Second, crashJoin: 4 * time.Second, crashLive: 8 * time.Second, crashDrain: time.Second}
	if count <= 10 {
		spans[crashLive], spans[crashJoin] = 3*time.Second, 2*time.Second
	}
	moments := make([]moment, count)
	for i := range moments {
		phase := crashLive
		switch n := random.IntN(20); {
		case i == 0 || n < 3: // the first: with an empty data folder
			phase = crashStart
		case n < 5:
			phase = crashJoin
		case n < 8:
			phase = crashDrain
		}
		moments[i] = moment{phase, time.Duration(random.Int64N(int64(spans[phase])))}
	}
	return moments
}

// TestServerKilledAtRandomMoments kills the whole program again and again while several candidates are
// recorded, while it starts and while it drains. Each next server must recover all that was left: every
// recording plays to its end, no more is missing than a moment before the kill, and index, object store
// and spool agree. GREENROOM_CRASHES says how many moments (make crash: 200).
func TestServerKilledAtRandomMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many servers")
	}
	t.Parallel()
	count, seed := crashMoments(t)
	t.Logf("%d moments, GREENROOM_CRASH_SEED=%d", count, seed)
	table := &crashTable{limit: lossLimit}
	if os.Getenv("GREENROOM_CRASHES") != "" { // run by hand, with nothing else to do
		table.limit = lossAllowed
	}
	t.Run("lanes", func(t *testing.T) {
		for n := range crashLanes {
			share := count/crashLanes + (count%crashLanes+crashLanes-1-n)/crashLanes
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				newCrashLane(t, table).run(drawMoments(random, share))
			})
		}
	})
	t.Logf("\n%s", table)
	if path := os.Getenv("GREENROOM_CRASH_TABLE"); path != "" {
		text := fmt.Sprintf("seed %d, %s\n\n%s", seed, time.Now().UTC().Format(time.DateOnly), table)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// crashLane is one data folder and the servers that live and die on it, one after the other.
type crashLane struct {
	t         *testing.T
	dataDir   string
	settings  []string
	program   *program
	candidate *browser
	owed      []owedRecording // of sessions whose server was killed, not looked at yet
	table     *crashTable
}

func newCrashLane(t *testing.T, table *crashTable) *crashLane {
	t.Helper()
	l := &crashLane{t: t, dataDir: passableFolder(t), table: table}
	// What a killed process leaves in the temporary folder goes with the lane.
	l.settings = []string{"TMPDIR=" + passableFolder(t)}
	if built := os.Getenv(testProgram); built != "" {
		l.settings = append(l.settings, testProgram+"="+built)
	}
	t.Cleanup(func() {
		if l.program == nil {
			return
		}
		l.program.kill()
		if t.Failed() {
			t.Logf("the last server said:\n%s", l.program.output)
		}
	})
	return l
}

func (l *crashLane) run(moments []moment) {
	for i, m := range moments {
		l.t.Logf("moment %d: %s, %v", i, m.phase, m.after.Round(time.Millisecond))
		l.program = launchProgram(l.t, l.dataDir, l.settings...)
		if m.phase == crashStart {
			l.waitAndKill(m.after)
		} else {
			l.killWithCandidates(m)
		}
		l.table.count(m.phase)
		if l.t.Failed() {
			l.t.Fatalf("after moment %d: %s, %v", i, m.phase, m.after)
		}
	}
	l.program = launchProgram(l.t, l.dataDir, l.settings...)
	l.serve()
	l.checkOwed()
	l.checkStock("")
}

// waitAndKill kills the server when the time has come, or finds that it ended by itself.
func (l *crashLane) waitAndKill(after time.Duration) {
	select {
	case <-time.After(after):
		l.program.kill()
	case <-l.program.ended:
		l.t.Fatalf("the server ended by itself: %v\n%s", l.program.err, l.program.output)
	}
}

// serve waits for the server and logs the candidate in.
func (l *crashLane) serve() {
	l.program.awaitReady()
	if l.candidate == nil {
		l.candidate = l.program.logIn(l.program.accounts().Candidate)
	}
	l.candidate.address = l.program.address // the log-in of before holds
}

// killWithCandidates has several candidates recorded, looks meanwhile at what earlier servers left, and
// kills.
func (l *crashLane) killWithCandidates(m moment) {
	l.serve()
	crowd := startCrowd(l.t, l.program)
	if m.phase == crashJoin {
		l.waitAndKill(m.after)
		l.owed = append(l.owed, crowd.owes(m.phase)...)
		l.program = launchProgram(l.t, l.dataDir, l.settings...)
		l.serve()
		l.checkOwed()
		l.program.kill()
		return
	}
	l.checkOwed()
	crowd.awaitLive()
	if m.phase == crashDrain {
		_ = l.program.command.Process.Signal(os.Interrupt)
		select { // it may be faster than the moment
		case <-time.After(m.after):
		case <-l.program.ended:
		}
		l.program.kill()
	} else {
		l.waitAndKill(m.after)
	}
	l.owed = append(l.owed, crowd.owes(m.phase)...)
}

// checkOwed waits until the spool has nothing of the owed sessions any more, and looks at each.
func (l *crashLane) checkOwed() {
	l.t.Helper()
	for _, o := range l.owed {
		eventually(l.t, time.Minute, "the spool to be uploaded", func() bool { return len(l.program.spooled(o.session)) == 0 })
		l.checkStock(o.session)
		l.table.add(o, l.checkRecording(o))
	}
	l.owed = nil
}

// crashTable is what came of the moments.
type crashTable struct {
	limit time.Duration // of what a kill may cost

	mu   sync.Mutex
	rows map[crashPhase]*crashRow
}

type crashRow struct {
	moments, sessions int
	lost              []time.Duration // worst of sound and pictures, by session
}

func (c *crashTable) row(phase crashPhase) *crashRow {
	if c.rows == nil {
		c.rows = map[crashPhase]*crashRow{}
	}
	if c.rows[phase] == nil {
		c.rows[phase] = &crashRow{}
	}
	return c.rows[phase]
}

func (c *crashTable) count(phase crashPhase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row(phase).moments++
}

func (c *crashTable) add(o owedRecording, lost time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row := c.row(o.phase)
	row.sessions++
	row.lost = append(row.lost, lost)
}

func (c *crashTable) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var text strings.Builder
	text.WriteString("| killed while | moments | recordings | lost: median | 99th percentile | worst |\n|---|---|---|---|---|---|\n")
	all := &crashRow{}
	line := func(name string, r *crashRow) {
		slices.Sort(r.lost)
		at := func(part float64) time.Duration {
			if len(r.lost) == 0 {
				return 0
			}
			return r.lost[int(part*float64(len(r.lost)-1))].Round(time.Millisecond)
		}
		fmt.Fprintf(&text, "| %s | %d | %d | %v | %v | %v |\n", name, r.moments, r.sessions, at(0.5), at(0.99), at(1))
	}
	for _, phase := range []crashPhase{crashStart, crashJoin, crashLive, crashDrain} {
		row := c.row(phase)
		line(string(phase), row)
		all.moments, all.sessions = all.moments+row.moments, all.sessions+row.sessions
		all.lost = append(all.lost, row.lost...)
	}
	line("all", all)
	return text.String()
}
