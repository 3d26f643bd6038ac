package export

import (
	"fmt"
	"regexp"
	"strings"

	"greenroom/consent"
)

// The files at the root.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.jws"
	schemaName    = "schema.json"
	accountName   = "data.json"
)

// The files of a session, in its folder.
const (
	sessionName    = "session.json"
	transcriptName = "transcript.json"
	captionsName   = "captions.vtt"
	recordingName  = "recording.webm"
	receiptsFolder = "receipts/"
)

func folderOf(session consent.SessionID) string { return "sessions/" + string(session) + "/" }

// knownName matches every name that an export can have and nothing else: no "..", no leading slash, no
// backslash, no upper case, so that no two names can be one file on any system.
var knownName = regexp.MustCompile(`^(?:manifest\.json|manifest\.jws|schema\.json|data\.json|receipts/[a-z0-9-]{1,64}\.json|` +
	`sessions/[a-z2-7]{26}/(?:session\.json|transcript\.json|captions\.vtt|recording\.webm|receipts/[a-z0-9-]{1,64}\.json))$`)

// checkName refuses a name that no export has, and says why.
func checkName(name string) error {
	switch {
	case knownName.MatchString(name):
		return nil
	case strings.HasPrefix(name, "/"), strings.Contains(name, `\`), strings.Contains(name, ":"), strings.Contains(name, ".."):
		return fmt.Errorf("%w: it names the path %q, which would be written outside its folder: do not unpack it", ErrNotExport, name)
	default:
		return fmt.Errorf("%w: it has a file %q, which no export has", ErrNotExport, name)
	}
}
