package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"greenroom/consent"
)

// census has one row for every route: who may call it. A new route without a row fails.
var census = map[string]caller{
	"POST /api/v1/age-check":                anyone,
	"POST /api/v1/accounts":                 anyone,
	"POST /api/v1/log-in":                   anyone,
	"POST /api/v1/log-out":                  anyone,
	"GET /api/v1/me":                        anyState,
	"POST /api/v1/me/close":                 candidate,
	"POST /api/v1/me/reopen":                anyState,
	"GET /api/v1/bank":                      anyone,
	"GET /api/v1/privacy":                   anyone,
	"GET /api/v1/keys":                      anyone,
	"GET /api/v1/ledger/checkpoint":         anyone,
	"GET /api/v1/ledger/sums":               anyone,
	"GET /api/v1/sessions/{id}/receipts":    candidate,
	"GET /api/v1/organization/receipts":     employer,
	"GET /api/v1/receipts/{rid}":            anyLogIn,
	"GET /api/v1/judge":                     anyone,
	"POST /api/v1/read-pdf":                 candidate,
	"POST /api/v1/sessions":                 candidate,
	"GET /api/v1/sessions":                  candidate,
	"GET /api/v1/sessions/{id}":             candidate,
	"GET /api/v1/organizations":             candidate,
	"GET /api/v1/erasures":                  candidate,
	"GET /api/v1/erasures/{id}/certificate": candidate,
	"POST /api/v1/sessions/{id}/erase":      candidate,
	"GET /api/v1/shared":                    employer,
	"GET /api/v1/ops/overview":              operator,
	"POST /api/v1/fit":                      candidate,
	"GET /api/v1/retention":                 anyone,
	"GET /api/openapi.json":                 anyone,
	"GET /healthz":                          anyone,
	"GET /readyz":                           anyone,
	"/api/":                                 anyone,
	"/":                                     anyone,
	"PUT /api/v1/sessions/{id}/answers/{question}/{take}/self-ratings/{competency}": candidate,
	"GET /api/v1/sessions/{id}/notice":                                              candidate,
	"POST /api/v1/sessions/{id}/consents":                                           candidate,
	"POST /api/v1/sessions/{id}/consents/withdraw":                                  candidate,
	"GET /api/v1/sessions/{id}/report":                                              candidate,
	"GET /api/v1/sessions/{id}/authorizations":                                      candidate,
	"POST /api/v1/sessions/{id}/authorizations":                                     candidate,
	"POST /api/v1/sessions/{id}/authorizations/{aid}/withdraw":                      candidate,
	"GET /api/v1/sessions/{id}/accesses":                                            candidate,
	"GET /api/v1/sessions/{id}/recording":                                           candidate,
	"GET /api/v1/sessions/{id}/recording.webm":                                      candidate,
	"GET /api/v1/sessions/{id}/captions.vtt":                                        candidate,
	"GET /api/v1/sessions/{id}/events":                                              candidate,
	"GET /api/v1/sessions/{id}/room":                                                candidate,
	"GET /api/v1/sessions/{id}/questions/{question}/voice":                          candidate,
	"GET /api/v1/sessions/{id}/questions/{question}/probes/{probe}/voice":           candidate,
	"GET /api/v1/shared/{id}/report":                                                employer,
	"POST /api/v1/sessions/{id}/answers/{question}/{take}/contests/{competency}":    candidate,
	"POST /api/v1/sessions/{id}/corrections":                                        candidate,
	"PUT /api/v1/shared/{id}/answers/{question}/{take}/ratings/{competency}":        employer,
	"POST /api/v1/shared/{id}/rating-form/done":                                     employer,
	"GET /api/v1/shared/{id}/recording":                                             employer,
	"GET /api/v1/shared/{id}/recording.webm":                                        employer,
	"GET /api/v1/shared/{id}/captions.vtt":                                          employer,
	"GET /api/v1/shared/{id}/events":                                                employer,

	"PUT /api/v1/me/name":                      anyLogIn,
	"GET /api/v1/me/ai-objection":              candidate,
	"POST /api/v1/me/ai-objection":             candidate,
	"DELETE /api/v1/me/ai-objection":           candidate,
	"PUT /api/v1/me/password":                  anyLogIn,
	"POST /api/v1/me/second-factor":            anyStep,
	"POST /api/v1/me/second-factor/confirm":    anyStep,
	"POST /api/v1/me/second-factor/drop":       candidate,
	"POST /api/v1/log-in/confirm":              anyStep,
	"GET /api/v1/log-ins":                      anyLogIn,
	"POST /api/v1/log-ins/{id}/end":            anyLogIn,
	"POST /api/v1/log-out-everywhere":          anyStep,
	"POST /api/v1/sessions/{id}/room-ticket":   candidate,
	"POST /api/v1/sessions/{id}/publish-token": candidate,
	"/api/v1/sessions/{id}/whip":               anyone, // with a token of its own, which the room asks for
	"/api/v1/sessions/{id}/whip/{program}":     anyone,

	"PUT /api/v1/me/email":              candidate,
	"GET /api/v1/me/data":               candidate,
	"GET /api/v1/me/accesses":           candidate,
	"GET /api/v1/me/ai-calls":           candidate,
	"POST /api/v1/exports":              candidate,
	"GET /api/v1/exports":               candidate,
	"GET /api/v1/exports/{id}":          candidate,
	"GET /api/v1/exports/{id}/download": candidate,

	"POST /api/v1/sessions/{id}/invitations":                  candidate,
	"GET /api/v1/sessions/{id}/invitations":                   candidate,
	"POST /api/v1/sessions/{id}/invitations/{iid}/cancel":     candidate,
	"POST /api/v1/sessions/{id}/authorizations/{aid}/confirm": candidate,
	"POST /api/v1/sessions/{id}/authorizations/{aid}/refuse":  candidate,
	"POST /api/v1/sessions/{id}/authorizations/{aid}/renew":   candidate,
	"POST /api/v1/sessions/{id}/restrict":                     candidate,
	"POST /api/v1/sessions/{id}/unrestrict":                   candidate,
	"GET /api/v1/sessions/{id}/notice-change":                 candidate,
	"GET /api/v1/sessions/{id}/viewers":                       candidate,
	"POST /api/v1/invitations/redeem":                         employer,
	"GET /api/v1/shared/requests":                             employer,
}

// unhurried lets one address call every route: there are more of them than an address may call in a minute.
func unhurried(c *Config) { c.Limits.AnonymousPerMinute = 2 * len(census) }

func TestEveryRouteSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	got := map[string]caller{}
	for _, r := range s.server.routes {
		got[r.pattern] = r.who
		if want, ok := census[r.pattern]; !ok || want != r.who {
			t.Errorf("route %q is for %q; the census says %q (known: %v)", r.pattern, r.who, want, ok)
		}
	}
	for pattern := range census {
		if _, ok := got[pattern]; !ok {
			t.Errorf("the census names %q, which is no route", pattern)
		}
	}
}

// No route that changes something may be a GET: those pass the protection against other sites.
func TestNoReadingRouteChangesAnything(t *testing.T) {
	t.Parallel()
	s := newStage(t, unhurried)
	people := []*person{s.nobody(t), s.candidate(t), s.employer(t, "Acme"), s.person(t, consent.Account{Kind: consent.AccountOps})}
	for _, pattern := range slices.Sorted(maps.Keys(census)) {
		method, path, _ := strings.Cut(pattern, " ")
		if method != http.MethodGet {
			continue
		}
		for _, p := range people {
			p.get(fillPath(path, ""))
		}
	}
	if len(s.writes) > 0 {
		t.Errorf("reading stored something: %v", s.writes)
	}
}

func TestRoutesRefuseOtherCallers(t *testing.T) {
	t.Parallel()
	s := newStage(t, unhurried)
	people := map[caller]*person{
		anyone: s.nobody(t), candidate: s.candidate(t), employer: s.employer(t, "Acme"),
		operator: s.person(t, consent.Account{Kind: consent.AccountOps}),
	}
	unknown := s.candidate(t).get("/api/v1/nothing-here").want(http.StatusNotFound).face()
	for _, pattern := range slices.Sorted(maps.Keys(census)) {
		who := census[pattern]
		method, path, ok := strings.Cut(pattern, " ")
		if !ok || !strings.HasPrefix(path, apiPrefix) || who == anyone {
			continue
		}
		for kind, p := range people {
			t.Run(fmt.Sprintf("%s as %s", pattern, kind), func(t *testing.T) {
				if kind != anyone {
					p = p.again() // logging out is among what is called
				}
				got := p.do(method, fillPath(path, ""), nil)
				switch {
				case kind == anyone:
					got.want(http.StatusUnauthorized).problem()
				case who != kind && who != anyLogIn && who != anyStep && who != anyState:
					if got.face() != unknown {
						t.Errorf("got %s, want what an unknown address answers: %s", got.face(), unknown)
					}
				case got.status == http.StatusUnauthorized:
					t.Errorf("got 401 for a caller of the right kind")
				}
			})
		}
	}
}

// fillPath puts a session's id (or one that nobody has) and harmless values into a pattern.
func fillPath(path string, session consent.SessionID) string {
	if session == "" {
		session = consent.NewID[consent.SessionID]()
	}
	return strings.NewReplacer("{id}", string(session), "{aid}", string(consent.NewID[consent.AuthorizationID]()),
		"{iid}", string(consent.NewID[consent.InvitationID]()),
		"{rid}", string(consent.NewID[consent.ReceiptID]()), "{program}", consent.NewID[string](), "{question}", "0", "{probe}", "1", "{take}", "1", "{competency}", "ownership").Replace(path)
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; " +
			"connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'",
		"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), microphone=(), display-capture=(), geolocation=()",
	}
	check := func(got reply) {
		t.Helper()
		for name, value := range want {
			if got.header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", got.call, name, got.header.Get(name), value)
			}
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", got.call)
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(census)) {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = http.MethodGet, pattern
		}
		got := p.do(method, fillPath(path, ""), nil)
		check(got)
		if strings.HasPrefix(path, "/api/") {
			if cache, vary := got.header.Get("Cache-Control"), got.header.Get("Vary"); cache != "private, no-store" || vary != "Cookie" {
				t.Errorf("%s: Cache-Control %q, Vary %q, want private, no-store and Cookie", got.call, cache, vary)
			}
		}
	}
	check(p.get("/no-such-file.js"))
	check(p.do(http.MethodPost, "/", nil))
}

func TestCameraIsAllowedOnTheInterviewPagesOnly(t *testing.T) {
	t.Parallel()
	p := newStage(t).candidate(t)
	for path, want := range map[string]string{
		"/":                            "camera=(), microphone=()",
		"/sessions/abc/report":         "camera=(), microphone=()",
		"/sessions/abc/devices":        "camera=(self), microphone=(self)",
		"/sessions/abc/room":           "camera=(self), microphone=(self)",
		"/sessions/abc/room/more":      "camera=(), microphone=()",
		"/sessions//room":              "camera=(), microphone=()",
		"/api/v1/sessions/abc/room":    "camera=(), microphone=()",
		"/org/sessions/abc/devices":    "camera=(), microphone=()",
		"/sessions/abc/devices?room=1": "camera=(self), microphone=(self)",
	} {
		got := p.get(path).header.Get("Permissions-Policy")
		if !strings.HasPrefix(got, want+",") {
			t.Errorf("%s: Permissions-Policy %q, want it to begin with %q", path, got, want)
		}
	}
}
