package signaling

import (
	"errors"
	"strings"
)

const (
	maxFragment      = 16 << 10 // bytes
	maxFragmentLines = 256
)

// fragment is what a program sends after its offer: ICE credentials and candidates (RFC 8840, 9).
type fragment struct {
	ufrag, pwd string // empty if not named
	candidates []string
}

var errFragment = errors.New("not an SDP fragment")

// readFragment refuses what is not made of m= and a= lines, and credentials that contradict each other.
func readFragment(text string) (fragment, error) {
	var f fragment
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	if len(text) > maxFragment || len(lines) > maxFragmentLines {
		return f, errFragment
	}
	parts := 0
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if strings.HasPrefix(line, "m=") {
			parts++
			continue
		}
		attribute, ok := strings.CutPrefix(line, "a=")
		if !ok || attribute == "" {
			return f, errFragment
		}
		key, value, _ := strings.Cut(attribute, ":")
		switch key {
		case "ice-ufrag":
			ok = setOnce(&f.ufrag, value, leastUfrag)
		case "ice-pwd":
			ok = setOnce(&f.pwd, value, leastPwd)
		case "candidate":
			f.candidates = append(f.candidates, attribute)
		}
		if !ok {
			return f, errFragment
		}
	}
	if parts > maxMLines || (f.ufrag == "") != (f.pwd == "") {
		return f, errFragment
	}
	return f, nil
}

// setOnce takes a credential, which may be repeated but not changed.
func setOnce(field *string, value string, least int) bool {
	if !isCredential(value, least) || *field != "" && *field != value {
		return false
	}
	*field = value
	return true
}

// RFC 8839, 5.4: credentials have 4 or 22 to 256 characters.
const leastUfrag, leastPwd, longestCredential = 4, 22, 256

// isCredential: RFC 8839, 5.4: of ice-char.
func isCredential(value string, least int) bool {
	if len(value) < least || len(value) > longestCredential {
		return false
	}
	for _, c := range []byte(value) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// credentials returns those of an offer that was taken; its parts share one transport, so the first count.
func credentials(sdp string) (ufrag, pwd string) {
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if value, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && ufrag == "" {
			ufrag = value
		}
		if value, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && pwd == "" {
			pwd = value
		}
	}
	return ufrag, pwd
}

// withCredentials returns the offer that a program would have sent, had it restarted ICE with a whole
// one: the same but for its credentials.
func withCredentials(sdp string, f fragment) string {
	var changed strings.Builder
	for line := range strings.Lines(sdp) {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			changed.WriteString("a=ice-ufrag:" + f.ufrag + "\r\n")
		case strings.HasPrefix(line, "a=ice-pwd:"):
			changed.WriteString("a=ice-pwd:" + f.pwd + "\r\n")
		default:
			changed.WriteString(line)
		}
	}
	return changed.String()
}

// answerFragment is what a restart answers: the new credentials, and all candidates with the part that
// carries them, which is the bundle's first that was taken.
func answerFragment(answer string) string {
	var head, part strings.Builder
	found, ufrag, pwd := false, false, false
	for line := range strings.Lines(answer) {
		switch {
		case strings.HasPrefix(line, "m=") && found:
			return head.String() + part.String()
		case strings.HasPrefix(line, "m="):
			part.Reset()
			part.WriteString(line)
		case strings.HasPrefix(line, "a=ice-lite"):
			head.WriteString(line)
		case strings.HasPrefix(line, "a=ice-ufrag:") && !ufrag:
			ufrag = true
			head.WriteString(line)
		case strings.HasPrefix(line, "a=ice-pwd:") && !pwd:
			pwd = true
			head.WriteString(line)
		case strings.HasPrefix(line, "a=mid:"):
			part.WriteString(line)
		case strings.HasPrefix(line, "a=candidate:"), strings.HasPrefix(line, "a=end-of-candidates"):
			found = true
			part.WriteString(line)
		}
	}
	return head.String() + part.String()
}
