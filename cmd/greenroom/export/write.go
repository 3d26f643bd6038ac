package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// ErrChanged says that something that is in the file already may not be in it any more. The file is
// given up and begun anew.
var ErrChanged = errors.New("what is exported has changed")

// Sources are what an export reads. Storage implements them under the export role, which sees only the
// rows of the account that the export belongs to.
type Sources struct {
	Gate       consent.Gate
	Records    Records
	Recordings media.RecordingReader
	Histories  Histories
	Sign       func(body any) (string, error) // a JWS of the server's notary
	Now        func() time.Time
}

// Records reads what was said and found.
type Records interface {
	Record(ctx context.Context, permits consent.RecordPermits) (assess.Record, error)
}

// Histories reads what happened.
type Histories interface {
	// AccountHistory is about the export's own account; it needs no Permit but the export's row.
	AccountHistory(ctx context.Context, export consent.Export) (consent.AccountHistory, error)
	// SessionHistory needs the Permit for [consent.ArtefactSession].
	SessionHistory(ctx context.Context, permit consent.Permit) (consent.SessionHistory, error)
	// SessionReceipts are the candidate's, and need the same Permit.
	SessionReceipts(ctx context.Context, permit consent.Permit) ([]consent.HeldReceipt, error)
}

// Progress is told when a session is in the file, or is not and why. An error ends the export.
type Progress = func(ctx context.Context, session consent.SessionID, fault consent.ExportFault) error

// Writer makes the files.
type Writer struct{ Sources }

// run is one file on its way.
type run struct {
	Sources
	export   consent.Export
	actor    consent.Actor
	archive  *archive
	progress Progress
	lines    []SessionLine
	leftOut  []LeftOut
}

// Write makes the file of an export. Sessions that may not be read are left out, and the manifest says
// so; if one of those that are in may not be read any more at the end, the whole is [ErrChanged].
func (w Writer) Write(ctx context.Context, out io.Writer, export consent.Export, progress Progress) error {
	r := &run{
		Sources: w.Sources, export: export, progress: progress, archive: newArchive(out, w.Now()),
		actor: consent.Actor{Kind: consent.ActorExport, Account: export.Account, Export: export.ID},
	}
	for _, s := range export.Sessions {
		if err := r.session(ctx, s); err != nil {
			return fmt.Errorf("export session %s: %w", s.Session, err)
		}
	}
	if err := r.account(ctx); err != nil {
		return fmt.Errorf("export account: %w", err)
	}
	if err := r.stillPermitted(ctx); err != nil {
		return err
	}
	return r.archive.finish(Manifest{
		Export: export.ID, Account: export.Account, Whole: export.Whole, LeftOut: append([]LeftOut{}, r.leftOut...),
	}, r.Sign)
}

// session writes one session, or notes why it is left out.
func (r *run) session(ctx context.Context, s consent.ExportSession) error {
	line := SessionLine{ID: s.Session, RoleTitle: s.RoleTitle, Folder: folderOf(s.Session)}
	fault, err := r.fault(ctx, s.Session)
	if err != nil {
		return err
	}
	if fault == "" {
		err = r.sessionFiles(ctx, s.Session, line.Folder)
	} else {
		line.Folder, line.LeftOut = "", fault
		r.leftOut = append(r.leftOut, LeftOut{Session: s.Session, Why: fault})
	}
	if errors.Is(err, consent.ErrNotFound) && !errors.Is(err, consent.ErrFacts) {
		return fmt.Errorf("%w: %w", ErrChanged, err) // erased or held while it was being written
	}
	if err != nil {
		return err
	}
	r.lines = append(r.lines, line)
	return r.progress(ctx, s.Session, fault)
}

// fault asks the gate; empty means that the session may be exported.
func (r *run) fault(ctx context.Context, session consent.SessionID) (consent.ExportFault, error) {
	snapshot, err := r.Gate.Snapshot(ctx, r.actor, session)
	if err != nil {
		return "", err
	}
	if _, err = consent.Decide(snapshot, consent.ArtefactSession); err == nil {
		return "", nil
	}
	if fault := consent.ExportFaultOf(snapshot); fault != "" {
		return fault, nil
	}
	return "", fmt.Errorf("%w: %w", ErrChanged, err) // the account was closed, or the export was taken away
}

// sessionFiles writes the files of one session, the description last: it says how large the recording is.
func (r *run) sessionFiles(ctx context.Context, session consent.SessionID, folder string) error {
	record, err := r.record(ctx, session)
	if err != nil {
		return err
	}
	permit, err := r.permit(ctx, session, consent.ArtefactSession)
	if err != nil {
		return err
	}
	history, err := r.Histories.SessionHistory(ctx, permit)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	data := sessionOf(record, history)
	if err := r.archive.addJSON(folder+transcriptName, transcriptOf(record)); err != nil {
		return err
	}
	if err := r.archive.addBytes(folder+captionsName, []byte(assess.WebVTT(record))); err != nil {
		return err
	}
	if data.Recording, err = r.recording(ctx, session, folder); err != nil {
		return err
	}
	if permit, err = r.permit(ctx, session, consent.ArtefactSession); err != nil { // the recording took its time
		return err
	}
	receipts, err := r.Histories.SessionReceipts(ctx, permit)
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	if data.Receipts, err = r.receipts(receipts, folder); err != nil {
		return err
	}
	return r.archive.addJSON(folder+sessionName, data)
}

func (r *run) record(ctx context.Context, session consent.SessionID) (assess.Record, error) {
	snapshot, err := r.Gate.Snapshot(ctx, r.actor, session)
	if err != nil {
		return assess.Record{}, err
	}
	var permits consent.RecordPermits
	for artefact, permit := range map[consent.Artefact]*consent.Permit{
		consent.ArtefactSession: &permits.Session, consent.ArtefactRatings: &permits.Ratings,
		consent.ArtefactFeedback: &permits.Feedback, consent.ArtefactQuotes: &permits.Quotes,
		consent.ArtefactMeasurements: &permits.Measurements, consent.ArtefactTranscript: &permits.Transcript,
		consent.ArtefactPrivate: &permits.Private,
	} {
		if *permit, err = consent.Decide(snapshot, artefact); err != nil {
			return assess.Record{}, fmt.Errorf("permit for %s: %w", artefact, err)
		}
	}
	record, err := r.Records.Record(ctx, permits)
	if err != nil {
		return assess.Record{}, fmt.Errorf("read record: %w", err)
	}
	return record, nil
}

func (r *run) permit(ctx context.Context, session consent.SessionID, artefact consent.Artefact) (consent.Permit, error) {
	permit, err := r.Gate.Permit(ctx, r.actor, session, artefact)
	if err != nil {
		return consent.Permit{}, fmt.Errorf("permit for %s: %w", artefact, err)
	}
	return permit, nil
}

// recording writes the same virtual file that playback serves, piece by piece.
func (r *run) recording(ctx context.Context, session consent.SessionID, folder string) (*Recording, error) {
	var tracks [2][]media.StoredSegment
	for i, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		permit, err := r.permit(ctx, session, kind.Artefact())
		if err != nil {
			return nil, err
		}
		if tracks[i], err = r.Recordings.Segments(ctx, permit, session, kind, 0); err != nil {
			return nil, fmt.Errorf("list %s segments: %w", kind, err)
		}
	}
	layout, err := media.NewLayout(tracks[0], tracks[1])
	if errors.Is(err, media.ErrNothingRecorded) {
		return nil, nil //nolint:nilnil // there is no recording then
	}
	if err != nil {
		return nil, fmt.Errorf("lay out recording: %w", err)
	}
	ask := func(ctx context.Context, kind media.Kind) (consent.Permit, error) {
		return r.permit(ctx, session, kind.Artefact())
	}
	err = r.archive.add(folder+recordingName, func(out io.Writer) error {
		return layout.WriteRange(ctx, out, 0, layout.Size(), r.Recordings, ask, nil)
	})
	if err != nil {
		return nil, err
	}
	return &Recording{
		File: folder + recordingName, Size: layout.Size(), DurationMS: layout.Duration().Milliseconds(),
		Audio: layout.Audio(), Video: layout.Video(),
	}, nil
}

// receipts writes each receipt as a file that can be checked by itself.
func (r *run) receipts(receipts []consent.HeldReceipt, folder string) ([]string, error) {
	names := []string{}
	for _, receipt := range receipts {
		name := folder + receiptsFolder + string(receipt.ID) + ".json"
		if err := r.archive.addJSON(name, receipt.File); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// account writes what is about no single session. An export of one session tells of that one only.
func (r *run) account(ctx context.Context) error {
	history, err := r.Histories.AccountHistory(ctx, r.export)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	data := accountOf(history, r.archive.created, append([]SessionLine{}, r.lines...))
	if data.Receipts, err = r.receipts(history.Receipts, ""); err != nil {
		return err
	}
	if err := r.archive.addJSON(accountName, data); err != nil {
		return err
	}
	schema, err := schemaText()
	if err != nil {
		return err
	}
	return r.archive.addBytes(schemaName, schema)
}

// stillPermitted asks once more about everything that is in the file: the first session may have been
// erased while the last one was written.
func (r *run) stillPermitted(ctx context.Context) error {
	for _, line := range r.lines {
		if line.Folder == "" {
			continue
		}
		if _, err := r.permit(ctx, line.ID, consent.ArtefactSession); err != nil {
			if errors.Is(err, consent.ErrFacts) {
				return err
			}
			return fmt.Errorf("%w: %w", ErrChanged, err)
		}
	}
	return nil
}
