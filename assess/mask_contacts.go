package assess

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

const (
	fewestPhoneDigits  = 7  // in a row, in one word or many
	fewestSpokenDigits = 6  // in a row, each said as a word
	shortestCode       = 20 // signs, letters and digits mixed
)

var (
	linkPattern   = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:https?:|ftp:|www\.)|://`)
	domainPattern = regexp.MustCompile(`(?i)(?:^|[^a-z0-9.-])([a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:` + domainEndings + `))(?:[/:?]|[^a-z0-9-]|$)`)
	// A quantity, not a number to call: thousands are marked, or a unit stands beside it.
	quantityPattern = regexp.MustCompile(`^[$€£]?\d{1,3}(?:,\d{3})+(?:\.\d+)?%?[.,;:!?]?$|^[$€£]\d+(?:\.\d+)?[.,;:!?]?$`)
)

// maskWritten masks words that are an address, a link, a handle or a secret by themselves.
func maskWritten(tokens []token) {
	for i := range tokens {
		t := &tokens[i]
		switch {
		case strings.ContainsAny(norm1(t.text), "@"), linkPattern.MatchString(t.text), isDomain(t.text), isAddress(t.text):
			t.cover(maskContact)
		case isCode(t.text):
			t.cover(maskCode)
		}
	}
}

// norm1 brings the other signs for "@" to the one.
func norm1(text string) string { return strings.NewReplacer("＠", "@", "﹫", "@").Replace(text) }

// isDomain: names of software that end like a domain are none.
func isDomain(text string) bool {
	found := domainPattern.FindStringSubmatch(text)
	return found != nil && !software[strings.ToLower(found[1])]
}

func isAddress(text string) bool {
	text = strings.Trim(text, `.,;!?()[]"'`)
	if host, _, ok := strings.Cut(text, "/"); ok {
		text = host
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(text)
	return err == nil
}

func isCode(text string) bool {
	if len(text) < shortestCode || strings.Contains(text, "-") && !strings.ContainsAny(text, "0123456789") {
		return false
	}
	letters, digits := false, false
	for _, r := range text {
		letters, digits = letters || unicode.IsLetter(r), digits || unicode.IsDigit(r)
	}
	return letters && digits
}

// maskDigits masks runs of digits that are long enough to be a number of somebody's, written or said.
func maskDigits(tokens []token) {
	for from := 0; from < len(tokens); from++ {
		to, sum, spoken, end := from, 0, 0, from
		for to < len(tokens) {
			n, word := digitsIn(&tokens[to])
			if n == 0 && (sum == 0 || !tokens[to].is(betweenDigits)) {
				break
			}
			if sum += n; word {
				spoken += n
			}
			to++
			if n > 0 {
				end = to
			}
		}
		if sum >= fewestPhoneDigits || spoken >= fewestSpokenDigits {
			coverAll(tokens[from:end], maskNumber)
		}
		from = max(from, end-1)
	}
}

// digitsIn counts the digits of a word that holds nothing else, or that says digits.
func digitsIn(t *token) (n int, spoken bool) {
	if quantityPattern.MatchString(t.text) || len(t.pieces) == 0 {
		return 0, false
	}
	for _, piece := range t.pieces {
		if said := spokenDigits[piece]; said > 0 {
			n, spoken = n+said, true
			continue
		}
		if strings.Trim(piece, "0123456789") != "" && piece != "x" && piece != "ext" {
			return 0, false
		}
		n += len(strings.Trim(piece, "ext"))
	}
	return n, spoken
}

// maskSpokenAddresses finds "jane dot doe at example dot com" and "example dot com slash jane".
func maskSpokenAddresses(tokens []token) {
	for i := range tokens {
		if tokens[i].bare != "at" {
			continue
		}
		if end := spokenDomain(tokens, i+1); end > 0 {
			coverAll(tokens[spokenLocalPart(tokens, i):end], maskContact)
		}
	}
	for i := range tokens {
		if i > 0 && tokens[i].bare == "dot" && i+1 < len(tokens) && spokenEndings[tokens[i+1].bare] {
			coverAll(tokens[i-1:chainEnd(tokens, i)], maskContact)
		}
	}
}

// spokenDomain returns the end of a domain that begins at from: up to three words, then "dot" and one
// more, or one that was written with its dot. It returns 0 where there is none.
func spokenDomain(tokens []token, from int) int {
	const most = 3
	if from < len(tokens) && tokens[from].mask == maskContact {
		return from + 1
	}
	for i := from; i <= from+most && i+1 < len(tokens) && !tokens[i].is(notNames); i++ {
		if i > from && tokens[i].bare == "dot" && !tokens[i+1].is(notNames) {
			return chainEnd(tokens, i)
		}
	}
	return 0
}

// chainEnd follows "dot com slash jane dash doe" from its first joint.
func chainEnd(tokens []token, joint int) int {
	end := joint
	for end+1 < len(tokens) && tokens[end].is(joints) {
		end += 2
		if tokens[end-1].ends() {
			break
		}
	}
	return min(end, len(tokens))
}

// spokenLocalPart returns where the part before "at" begins: the word before it, what joints tie to
// that, and up to two more words that could belong to a name.
func spokenLocalPart(tokens []token, at int) int {
	from := at
	for from > 0 && at-from < 3 && !tokens[from-1].is(notNames) && !tokens[from-1].is(fillers) && !tokens[from-1].ends() {
		from--
		for from > 1 && tokens[from-1].is(joints) {
			from -= 2
		}
	}
	return from
}

// maskHandles finds "my handle is X" and "my GitHub name is X underscore Y".
func maskHandles(tokens []token) {
	for i := range tokens {
		if !tokens[i].is(handleNouns) {
			continue
		}
		at := i + 1
		for at < len(tokens) && at < i+3 && (nameNouns[tokens[at].bare] || tokens[at].is(handleNouns)) {
			at++
		}
		if at+1 < len(tokens) && tokens[at].bare == "is" && !tokens[at+1].is(notNames) {
			coverAll(tokens[at+1:max(at+2, chainEnd(tokens, at+2))], maskContact)
		}
	}
}
