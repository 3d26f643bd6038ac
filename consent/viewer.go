package consent

import "time"

// StreamKind is what a viewer has open.
type StreamKind string

// The kinds of stream that an end cuts off.
const (
	StreamMedia  StreamKind = "media"  // a recording is playing
	StreamEvents StreamKind = "events" // a page that shows parts of the session
)

// Viewer is somebody of an organization who has something of a session open.
type Viewer struct {
	Org     OrgID
	OrgName string
	Stream  StreamKind
	Since   time.Time
}

// CutOff is one viewer who was cut off, as the candidate sees it.
type CutOff struct {
	At      time.Time
	Org     OrgID
	OrgName string
	Stream  StreamKind
	Cause   CutOffCause
	After   time.Duration // from what ended the view to its last byte, by the database's clock; -1 if unknown
}

// CutOffCause is what ended the view.
type CutOffCause string

// The causes beside the ends of an authorization, which go by the names of their events.
const (
	CutOffExpired      CutOffCause = "expired"
	CutOffNotice       CutOffCause = "notice"       // a new notice asks to agree anew
	CutOffMembership   CutOffCause = "membership"   // the person left the organization
	CutOffRole         CutOffCause = "role"         // the person may not review any more
	CutOffOrganization CutOffCause = "organization" // the organization was suspended
	CutOffUnknown      CutOffCause = "unknown"      // nobody could be asked, so it was ended to be safe
)
