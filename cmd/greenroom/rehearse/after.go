package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// resultLimit bounds the waiting for results.
const resultLimit = 2 * time.Minute

// wordsLimit bounds the waiting for the first words.
const wordsLimit = 10 * time.Second

type report struct {
	LengthMS  int64 `json:"length_ms"`
	Recording *struct {
		Through    int64 `json:"through"`
		DurationMS int64 `json:"duration_ms"`
		Audio      bool  `json:"audio"`
		Video      bool  `json:"video"`
	} `json:"recording"`
	Questions []struct {
		Takes []struct {
			Pending      bool             `json:"pending"`
			EndedBy      string           `json:"ended_by"`
			Measurements []map[string]any `json:"measurements"`
			Ratings      []struct {
				Outcome string `json:"outcome"`
				Rater   struct {
					Kind string `json:"kind"`
				} `json:"rater"`
			} `json:"ratings"`
			Lines []struct {
				Words []struct {
					Text string `json:"text"`
				} `json:"words"`
			} `json:"lines"`
		} `json:"takes"`
	} `json:"questions"`
}

// settled reports whether every answer that was given has its results.
func (r report) settled() bool {
	for _, q := range r.Questions {
		for _, t := range q.Takes {
			if t.Pending {
				return false
			}
		}
	}
	return true
}

// readReport waits for the last result and checks that the report says what was heard.
func (r *rehearsal) readReport(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, resultLimit)
	defer stop()
	var found report
	for {
		if err := r.client.call(ctx, http.MethodGet, "/api/v1/sessions/"+r.result.Session+"/report", nil, &found); err != nil {
			return err
		}
		if found.settled() && r.heard(found) {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for results: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	r.result.ReportMS = time.Since(r.ended).Milliseconds()
	words, kept, measured := r.count(found)
	r.say("report: %d answers, %d words, %d measurements", kept, words, measured)
	r.check("answers are kept", kept > 0, "%d answers", kept)
	if r.Refuse.Transcription {
		r.check("nothing was written down", words == 0 && len(r.result.Lines) == 0, "%d words, %d captions", words, len(r.result.Lines))
	} else if !r.withdrawn.Transcription {
		r.check("words are kept", words > 0, "%d words", words)
	}
	if r.Refuse.Transcription || r.Refuse.Assessment {
		r.check("nothing was assessed", measured == 0, "%d measurements", measured)
	} else if !r.withdrawn.Assessment {
		r.check("answers are measured", measured > 0, "%d measurements", measured)
	}
	return nil
}

// heard reports whether words are there, if any are to be expected; the last ones may still be on their
// way when the interview has ended.
func (r *rehearsal) heard(found report) bool {
	if r.Refuse.Transcription || r.withdrawn.Transcription || time.Since(r.ended) > wordsLimit {
		return true
	}
	for _, q := range found.Questions {
		for _, t := range q.Takes {
			if len(t.Lines) > 0 {
				return true
			}
		}
	}
	return false
}

func (r *rehearsal) count(found report) (words, kept, measured int) {
	for _, q := range found.Questions {
		for _, t := range q.Takes {
			kept++
			measured += len(t.Measurements)
			r.result.Measurements = append(r.result.Measurements, t.Measurements...)
			for _, line := range t.Lines {
				words += len(line.Words)
			}
		}
	}
	return words, kept, measured
}

// readRecording checks that the recording lasts as long as the interview and that a range of it is the
// same bytes as the whole.
func (r *rehearsal) readRecording(ctx context.Context) error {
	path := "/api/v1/sessions/" + r.result.Session + "/recording"
	var described struct {
		Through    int64 `json:"through"`
		DurationMS int64 `json:"duration_ms"`
		Size       int64 `json:"size"`
		Audio      bool  `json:"audio"`
		Video      bool  `json:"video"`
	}
	err := r.client.call(ctx, http.MethodGet, path, nil, &described)
	if r.Refuse.Recording {
		r.check("nothing was recorded", refused(err, http.StatusNotFound) || (err == nil && described.Size == 0), "%v", err)
		return nil
	}
	if r.withdrawn.Recording {
		r.check("the recording ended before the interview", err == nil && described.DurationMS < r.result.InterviewMS, "%d ms, %v", described.DurationMS, err)
		return nil
	}
	// The last segments are on their way to the object store: wait until the length is whole.
	limit := time.Now().Add(30 * time.Second)
	for time.Now().Before(limit) && (err != nil || described.DurationMS < r.result.InterviewMS-500) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		err = r.client.call(ctx, http.MethodGet, path, nil, &described)
	}
	if err != nil {
		return err
	}
	r.result.RecordingMS, r.result.RecordingSize = described.DurationMS, described.Size
	difference := described.DurationMS - r.result.InterviewMS
	r.check("the recording lasts as long as the interview", difference > -500 && difference < 500,
		"recording %d ms, interview %d ms", described.DurationMS, r.result.InterviewMS)
	r.check("the recording has audio and video", described.Audio && described.Video, "audio %v, video %v", described.Audio, described.Video)
	return r.checkRange(ctx, fmt.Sprintf("%s.webm?through=%d", path, described.Through), described.Size)
}

func (r *rehearsal) checkRange(ctx context.Context, path string, size int64) error {
	whole, err := r.bytes(ctx, path, "")
	if err != nil {
		return err
	}
	r.check("the whole recording can be read", int64(len(whole)) == size, "%d bytes of %d", len(whole), size)
	if int64(len(whole)) != size || size < 4 {
		return nil
	}
	from, to := size/4, size/2
	part, err := r.bytes(ctx, path, fmt.Sprintf("bytes=%d-%d", from, to))
	if err != nil {
		return err
	}
	r.check("a range is the same bytes", string(part) == string(whole[from:to+1]), "bytes %d to %d", from, to)
	return nil
}

func (r *rehearsal) bytes(ctx context.Context, path, byteRange string) ([]byte, error) {
	header := http.Header{}
	if byteRange != "" {
		header.Set("Range", byteRange)
	}
	answer, err := r.client.do(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	return body, nil
}

// share authorizes an organization for thirty days.
func (r *rehearsal) share(ctx context.Context) error {
	if r.Share.Organization == "" {
		return nil
	}
	var found struct {
		Organizations []struct{ ID, Name string } `json:"organizations"`
	}
	if err := r.client.call(ctx, http.MethodGet, "/api/v1/organizations", nil, &found); err != nil {
		return err
	}
	for _, o := range found.Organizations {
		if !strings.EqualFold(o.Name, r.Share.Organization) {
			continue
		}
		r.result.Shared = o.Name
		// The interview may have lasted longer than a proof of who one is counts.
		if err := r.client.call(ctx, http.MethodPost, "/api/v1/log-in/confirm", map[string]string{"password": r.Password}, nil); err != nil {
			return err
		}
		r.say("authorizing %s for 30 days", o.Name)
		return r.client.call(ctx, http.MethodPost, "/api/v1/sessions/"+r.result.Session+"/authorizations", map[string]any{
			"org_id": o.ID, "purpose": "practice_review", "scopes": r.Share.Scopes,
			"valid_until": time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.RFC3339),
		}, nil)
	}
	return errors.New("the server has no organization called " + r.Share.Organization)
}
