package signaling

import (
	"fmt"
	"strings"

	"github.com/pion/ice/v4"
)

// The page's ICE candidates are counted and their form is checked, and then none of them is used: an
// address that a page names may be any host that this server reaches, and a check would knock there. The
// page reaches the server by the candidates of the answer, and is answered where it spoke from (a peer
// reflexive candidate, RFC 8445, 7.3.1.3). So with ICE lite and without, the server sends nothing to an
// address that has not spoken to it first, and with the right password.

// checkCandidate refuses what is no candidate; an empty one says that there are no more.
func checkCandidate(text string) error {
	if text == "" {
		return nil
	}
	if _, err := ice.UnmarshalCandidate(strings.TrimPrefix(text, "candidate:")); err != nil {
		return fmt.Errorf("not a candidate: %w", err)
	}
	return nil
}
