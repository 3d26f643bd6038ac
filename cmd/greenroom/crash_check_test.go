package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5" //nolint:depguard // looks at the index past every policy, as an auditor would

	"greenroom/media/verify"
)

// indexed is one row of the index.
type indexed struct {
	verify.Row
	session, kind string
	start, end    time.Duration
}

// rows reads the index of a session as the database's owner; an empty session: of all.
func (p *program) rows(session string) []indexed {
	p.t.Helper()
	url := p.setting("GREENROOM_DATABASE_URL")
	if url == "" {
		text, err := os.ReadFile(ownerFile(filepath.Join(p.dataDir, "secrets")))
		if err != nil {
			p.t.Fatal(err)
		}
		url = string(text)
	}
	conn, err := pgx.Connect(p.t.Context(), url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close(p.t.Context()) }()
	rows, err := conn.Query(p.t.Context(), `SELECT object_key, size, session, kind, start_us, end_us FROM segments
		WHERE $1 IN ('', session) ORDER BY kind, epoch, sequence`, session)
	if err != nil {
		p.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i indexed, err error) {
		var start, end int64
		err = row.Scan(&i.Key, &i.Size, &i.session, &i.kind, &start, &end)
		i.start, i.end = time.Duration(start)*time.Microsecond, time.Duration(end)*time.Microsecond
		return i, err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

// stock is what the index, the embedded object store and the spool have of a session, or of all.
func (p *program) stock(session string) verify.Stock {
	p.t.Helper()
	stock := verify.Stock{Objects: p.storedFiles(session)}
	for _, row := range p.rows(session) {
		stock.Rows = append(stock.Rows, row.Row)
	}
	for path := range p.spooled(session) {
		stock.Spool = append(stock.Spool, path)
	}
	return stock
}

// storedFiles lists what the embedded object store has, by key; an empty session: of all.
func (p *program) storedFiles(session string) map[string]int64 {
	p.t.Helper()
	bucket := filepath.Join(p.dataDir, "objects", "objects", "recordings")
	files := map[string]int64{}
	for path, size := range filesBelow(p.t, bucket, cmp.Or(session, bucket)) {
		files[filepath.ToSlash(strings.TrimPrefix(path, bucket+"/"))] = size
	}
	return files
}

// checkStock compares index, object store and spool.
func (l *crashLane) checkStock(session string) {
	l.t.Helper()
	for _, fault := range l.program.stock(session).Faults() {
		l.t.Error(fault)
	}
}

// checkRecording plays what is there of a session and returns how much of what was sent it lacks.
func (l *crashLane) checkRecording(o owedRecording) (lost time.Duration) {
	l.t.Helper()
	begin, end := map[string]time.Duration{}, map[string]time.Duration{}
	for _, row := range l.program.rows(o.session) { // in the order of time
		if _, there := begin[row.kind]; !there {
			begin[row.kind], end[row.kind] = row.start, row.start
		}
		if hole := row.start - end[row.kind]; hole > timeStep || hole < -timeStep {
			l.t.Errorf("session %s (%s): %s goes on at %v, the segment before ended at %v", o.session, o.phase, row.Key, row.start, end[row.kind])
		}
		end[row.kind] = row.end
	}
	if len(end) == 0 {
		if o.recorded {
			l.t.Errorf("session %s (%s): nothing is left of a recording", o.session, o.phase)
		}
		return max(o.sound, o.picture)
	}
	lost = max(o.sound-(end["audio"]-begin["audio"]), o.picture-(end["video"]-begin["video"]))
	if limit := l.table.limit; lost > limit {
		l.t.Errorf("session %s (%s): sent %v of sound and %v of pictures, kept %v and %v: lost %v, want at most %v", o.session, o.phase,
			o.sound, o.picture, end["audio"]-begin["audio"], end["video"]-begin["video"], lost, limit)
	}
	l.checkPlays(o.session)
	return lost
}

// timeStep bounds by how much a sender report may move what follows it; an append is more than that.
const timeStep = 80 * time.Millisecond

// checkPlays lets ffmpeg play the recording to its end, and looks at the times of every packet.
func (l *crashLane) checkPlays(session string) {
	l.t.Helper()
	path := "/api/v1/sessions/" + session
	file := filepath.Join(l.t.TempDir(), "recording.webm")
	if err := os.WriteFile(file, []byte(l.candidate.get(l.t, l.candidate.recordingOf(l.t, path), http.StatusOK)), 0o600); err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = os.Remove(file) }()
	out, err := exec.CommandContext(l.t.Context(), "ffmpeg", "-v", "error", "-i", file, "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		l.t.Errorf("session %s: ffmpeg does not like the recording: %v\n%s", session, err, out)
	}
	out, err = exec.CommandContext(l.t.Context(), "ffprobe", "-v", "error", "-show_entries", "packet=codec_type,pts_time", "-of", "json", file).Output()
	if err != nil {
		l.t.Fatal(err)
	}
	var probed struct {
		Packets []struct {
			Kind string `json:"codec_type"`
			At   string `json:"pts_time"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(out, &probed); err != nil {
		l.t.Fatal(err)
	}
	times := map[string][]time.Duration{}
	for _, packet := range probed.Packets {
		at, err := strconv.ParseFloat(packet.At, 64)
		if err != nil {
			l.t.Fatal(err)
		}
		times[packet.Kind] = append(times[packet.Kind], time.Duration(at*float64(time.Second)).Round(time.Millisecond))
	}
	const sound, picture = 20 * time.Millisecond, time.Second / 15 // of the scripted candidate
	for kind, step := range map[string]time.Duration{"audio": sound, "video": picture} {
		for _, fault := range verify.Times(times[kind], step, timeStep) {
			l.t.Errorf("session %s: %s: %s", session, kind, fault)
		}
	}
	if gaps := l.candidate.report(l.t, session).Gaps; len(gaps) > 0 {
		l.t.Errorf("session %s has gaps that it should not have: %+v", session, gaps)
	}
}
