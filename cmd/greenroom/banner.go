package main

import (
	"fmt"
	"io"
	"strings"
)

// banner is the first screen of a server: where to go, as whom, where the data lies, what runs inside.
type banner struct {
	address string
	data    string
	inside  []string // what is embedded
	outside []string // what is configured instead, with its host
	demo    *demoAccounts
	program string // how this program was called
}

func (b banner) write(w io.Writer) {
	var t strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&t, "  %-11s%s\n", name, fmt.Sprintf(format, args...))
	}
	t.WriteString("\nGreenroom is ready.\n\n")
	line("open", "%s", b.address)
	t.WriteString("\n")
	if b.demo != nil {
		for i, a := range []struct {
			who string
			demoAccount
		}{{"candidate", b.demo.Candidate}, {"employer", b.demo.Employer}, {"ops", b.demo.Ops}} {
			name := ""
			if i == 0 {
				name = "log in as"
			}
			line(name, "%-10s %-21s %s", a.who, a.Email, a.Password)
		}
		if b.demo.Employer.SecondFactor != "" {
			line("", "employer and ops also need a code:  %s admin code %s", b.program, b.demo.Employer.Email)
		}
		t.WriteString("\n")
	}
	line("data", "%s", b.data)
	if len(b.inside) > 0 {
		line("inside", "%s", strings.Join(b.inside, ", "))
	}
	if len(b.outside) > 0 {
		line("configured", "%s", strings.Join(b.outside, ", "))
	}
	t.WriteString("\n")
	if b.demo != nil {
		fmt.Fprintf(&t, "  A scripted candidate leaves a finished session to look at:  %s rehearse --demo\n", b.program)
	}
	t.WriteString("  Ctrl-C stops. Recordings that are on their way are kept.\n\n")
	_, _ = io.WriteString(w, t.String()) // a closed terminal does not stop the server
}
