package consent

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ReviewLife is how long the review of a provider counts. After it nothing is sent there.
const ReviewLife = 90 * 24 * time.Hour

// ErrProvider says that an AI server which is not on this machine may not be used, and why. Nothing was sent.
var ErrProvider = errors.New("this AI provider may not be used")

// Provider is an entry of the register of AI servers that are not on this machine: what somebody looked up
// in its contract before a candidate's words may go there.
type Provider struct {
	Origin     string // scheme, host and port, as [OriginOf] writes it
	Region     string // where it works on what it is sent
	NoTraining Term   // by which it must not train on it
	Reviewed   time.Time
}

// Term is a sentence of a contract, and where it stands.
type Term struct {
	Text string `json:"text"`
	Link string `json:"link"`
}

// Until returns when the review ends.
func (p Provider) Until() time.Time { return p.Reviewed.Add(ReviewLife) }

// Check refuses a provider whose review is too old, or dated in the future. It is asked before each request.
// A review's day begins at midnight in UTC: where it is tomorrow already, today is up to a day ahead of that.
func (p Provider) Check(now time.Time) error {
	switch day := p.Reviewed.Format(time.DateOnly); {
	case p.Reviewed.IsZero():
		return fmt.Errorf("%w: it was never reviewed", ErrProvider)
	case now.Before(p.Reviewed.Add(-24 * time.Hour)):
		return fmt.Errorf("%w: %s: its review is dated %s, which is still to come", ErrProvider, p.Origin, day)
	case !now.Before(p.Until()):
		return fmt.Errorf("%w: %s: its last review, of %s, is older than %d days", ErrProvider, p.Origin, day, ReviewLife/(24*time.Hour))
	}
	return nil
}

// The bounds of a register.
const (
	maxRegister  = 64 << 10 // bytes
	maxProviders = 32
	maxTerm      = 500 // characters
	maxLink      = 300
	maxRegion    = 40
)

// ParseProviders reads a register: {"providers": [{"origin", "region", "no_training": {"text", "link"},
// "reviewed": "2026-01-31"}]}, with every field given and no other.
func ParseProviders(text []byte) ([]Provider, error) {
	var file struct {
		Providers []struct {
			Origin     string `json:"origin"`
			Region     string `json:"region"`
			NoTraining Term   `json:"no_training"`
			Reviewed   string `json:"reviewed"`
		} `json:"providers"`
	}
	if err := parseStrict(text, maxRegister, &file); err != nil {
		return nil, err
	}
	if len(file.Providers) > maxProviders {
		return nil, fmt.Errorf("it has %d providers, at most %d are read", len(file.Providers), maxProviders)
	}
	list := make([]Provider, 0, len(file.Providers))
	for i, entry := range file.Providers {
		reviewed, err := time.Parse(time.DateOnly, entry.Reviewed)
		if err != nil {
			return nil, fmt.Errorf("provider %d: reviewed must be a day like 2026-01-31", i+1)
		}
		p := Provider{Origin: entry.Origin, Region: entry.Region, NoTraining: entry.NoTraining, Reviewed: reviewed}
		if err := p.complete(); err != nil {
			return nil, fmt.Errorf("provider %d: %w", i+1, err)
		}
		if slices.ContainsFunc(list, func(other Provider) bool { return other.Origin == p.Origin }) {
			return nil, fmt.Errorf("provider %d: %s is there twice", i+1, p.Origin)
		}
		list = append(list, p)
	}
	return list, nil
}

// complete: what candidates read is there, fits, and is one line of it.
func (p Provider) complete() error {
	origin, err := OriginOf(p.Origin)
	switch {
	case err != nil:
		return err
	case origin != p.Origin:
		return fmt.Errorf("origin must be written %q", origin)
	case !oneLine(p.Region, maxRegion):
		return fmt.Errorf("region must name where it works, in at most %d characters", maxRegion)
	case !oneLine(p.NoTraining.Text, maxTerm):
		return fmt.Errorf("no_training.text must say the term in one line of at most %d characters", maxTerm)
	}
	link, err := url.Parse(p.NoTraining.Link)
	if err != nil || link.Scheme != "https" || link.Host == "" || link.User != nil || !oneLine(p.NoTraining.Link, maxLink) {
		return fmt.Errorf("no_training.link must be an https address of at most %d characters", maxLink)
	}
	return nil
}

func oneLine(text string, most int) bool {
	return text != "" && text == strings.TrimSpace(text) && utf8.ValidString(text) && utf8.RuneCountInString(text) <= most &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// ProviderFor finds the entry of an AI server, and refuses one that is not registered, works in a region
// that is not allowed, or was not reviewed in time.
func ProviderFor(register []Provider, address string, regions []string, now time.Time) (Provider, error) {
	origin, err := OriginOf(address)
	if err != nil {
		return Provider{}, err
	}
	at := slices.IndexFunc(register, func(p Provider) bool { return p.Origin == origin })
	if at < 0 {
		return Provider{}, fmt.Errorf("%w: %s is not in the register", ErrProvider, origin)
	}
	p := register[at]
	if !slices.Contains(regions, p.Region) {
		return Provider{}, fmt.Errorf("%w: %s works in %q, which is not among the allowed regions %q", ErrProvider, origin, p.Region, regions)
	}
	return p, p.Check(now)
}

// OriginOf returns the scheme, host and port of an AI server, in the one way they are written. Only a
// server on this machine or in the operator's own network may be spoken to without TLS.
func OriginOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return "", errors.New(`an AI server's address must look like "https://host"`)
	}
	host := strings.ToLower(u.Hostname())
	if u.Scheme == "http" && !ownNetwork(host) {
		return "", fmt.Errorf("%s is outside your own network: it must be an https address", host)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

// OnThisMachine reports whether an address leads to this machine by itself, whatever a name server says.
func OnThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(u.Hostname(), "localhost")
}

// ownNetwork: a private address, or a name without a dot, as containers and machines of one network have.
func ownNetwork(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback() || ip.Unmap().IsPrivate()
	}
	return !strings.Contains(host, ".")
}
