package storage

import (
	"fmt"
	"maps"
)

// sight is what somebody sees: by table, or several, the words of the rows, or "where" and a condition
// that the rows meet. A table that is not named shows nothing.
type sight map[string]string

// sights are the reads. A new table needs a line for everybody who sees rows of it.
func sights() map[string]sight {
	const mine = `where session IN (SELECT id FROM sessions WHERE candidate = @%s)`
	const open = ` AND session NOT IN (@held, @erased, @erased.held, @c.held, @c.erased, @d.erased)`
	const inExport = `where session IN (@live, @restricted, @only.ratings)`
	own := func(account, condition string) string { return fmt.Sprintf(mine, account) + condition }
	ofCandidate := func(account string) sight {
		return sight{
			"accounts": account, "notices organizations": "where true",
			"sessions":                                "where candidate = @" + account,
			"authorizations session_events":           own(account, ""),
			"invitations viewers cut_offs":            own(account, ""),
			"accesses consent_events":                 own(account, ""),
			"authorization_events":                    "where authorization_id IN (SELECT a.id FROM authorizations a JOIN sessions s ON s.id = a.session WHERE s.candidate = @" + account + ")",
			"answers lines line_originals follow_ups": own(account, open),
			"evidence ratings":                        own(account, open),
			"contests":                                own(account, open),
			"person_forms person_ratings":             own(account, open),
			"rating_notes feedback measurements gaps": own(account, open),
			"segments":                                own(account, open),
			"ai_calls":                                own(account, ""),
			"log_ins exports":                         "where account = @" + account,
			"erasures":                                "where account = @" + account,
			"erasure_counts":                          "where erasure IN (SELECT id FROM erasures WHERE account = @" + account + ")",
			"ledger_openings":                         "where account = @" + account,
			"receipts":                                "where side = 'candidate' AND account = @" + account,
		}
	}
	ofEmployer := func(account, org string) sight {
		return sight{"accounts": account, "members": account, "organizations": org, "notices": "where true", "authorization_events": "where org = @" + org}
	}
	invited := func(account, org, session string) sight {
		s := ofEmployer(account, org)
		s["invitations"] = session
		return s
	}
	and := func(s sight, more sight) sight {
		maps.Copy(s, more)
		return s
	}
	receipts := func(org string) sight {
		return sight{"receipts": "where side = 'organization' AND authorization_id <> @ungranted AND org = @" + org}
	}
	exported := func(account string) sight {
		return sight{
			"accounts": account, "notices": "where true", "sessions": "where candidate = @" + account, "exports": "where account = @" + account,
			"export_sessions": "where export IN (SELECT id FROM exports WHERE account = @" + account + ")",
		}
	}
	atWork := func(more sight) sight {
		return and(sight{
			"sessions session_events exports export_sessions authorizations authorization_events organizations notices contests": "where true",
			"receipts": "where side = 'candidate' AND kind IN ('given', 'revoked', 'expired')", "viewers": "where seen_at < now() - interval '1 hour'",
		}, more)
	}
	closedToScribe := func(session string) sight {
		return sight{"accounts": "alice", "sessions": session, "session_events": session + "/x", "segments": session + "/audio " + session + "/video"}
	}
	ritas := sight{
		"accounts":                    "alice rita",
		"sessions":                    "live resumed fresh only.ratings only.feedback only.transcript only.audio only.video only.resume only.profile bobs",
		"authorizations":              "live resumed fresh only.ratings only.feedback only.transcript only.audio only.video only.resume only.profile bobs held restricted erased",
		"answers":                     "live resumed fresh only.ratings only.feedback only.transcript only.audio only.video bobs",
		"lines follow_ups":            "live resumed fresh only.transcript",
		"evidence rating_notes":       "live fresh only.feedback",
		"measurements":                "live resumed fresh only.feedback",
		"ratings":                     "live/model resumed/model fresh/model only.ratings/model bobs/model",
		"gaps segments":               "live/audio live/video resumed/audio resumed/video fresh/audio fresh/video only.audio/audio only.video/video",
		"person_forms person_ratings": "live live resumed only.ratings bobs",
		"feedback":                    "live resumed fresh",
		"contests":                    "live resumed fresh only.ratings bobs",
		"requests":                    "where org = @acme",
	}
	ofLogin := sight{"accounts members organizations log_ins log_in_failures second_factors room_tickets": "where true"}
	return map[string]sight{
		"rita, invited":   and(and(invited("rita", "acme", "alone"), receipts("acme")), ritas),
		"rita, cancelled": and(and(invited("rita", "acme", "alone"), receipts("acme")), ritas),
		"rita, expired":   and(and(invited("rita", "acme", "alone"), receipts("acme")), ritas),
		"rita, overdue":   and(and(invited("rita", "acme", "alone"), receipts("acme")), ritas),
		"rita, redeemed":  and(and(invited("rita", "acme", "alone"), receipts("acme")), ritas),
		"bill, invited":   invited("bill", "acme", "alone"), "ella, invited": invited("ella", "acme", "alone"),
		"susi, invited":         and(and(invited("susi", "sus", "alone"), receipts("sus")), sight{"requests": "where org = @sus"}),
		"zoe for acme, invited": invited("zoe", "acme", "alone"), "rita for zenith, invited": invited("rita", "zenith", "alone"),
		"node of acme": {
			"sessions segments ledger notices": "where true", "viewers": "live", "authorizations": "live",
			"authorization_events": "where authorization_id = @live", "organizations": "acme", "members": "rita",
		},
		"node": {
			"sessions segments ledger notices": "where true", "viewers": "zeniths zeniths", "authorizations": "zeniths",
			"authorization_events": "where authorization_id = @zeniths", "organizations": "zenith", "members": "zoe",
		},

		"alice": and(ofCandidate("alice"), sight{"accounts": "alice rita"}), "bob": ofCandidate("bob"), "carol": ofCandidate("carol"),
		"no candidate": {"notices organizations": "where true"},

		"rita": and(and(ofEmployer("rita", "acme"), receipts("acme")), ritas),
		"zoe": and(and(ofEmployer("zoe", "zenith"), receipts("zenith")), sight{
			"requests": "where org = @zenith",
			"accounts": "alice zoe", "sessions authorizations answers lines follow_ups evidence rating_notes feedback measurements": "zeniths",
			"ratings": "zeniths/model", "gaps segments": "zeniths/audio zeniths/video", "person_forms person_ratings contests": "zeniths",
		}),
		"bill": ofEmployer("bill", "acme"),
		"susi": and(and(ofEmployer("susi", "sus"), receipts("sus")), sight{"requests": "where org = @sus"}),
		"ella": ofEmployer("ella", "acme"), "zoe for acme": ofEmployer("zoe", "acme"), "rita for zenith": ofEmployer("rita", "zenith"),

		"scribe":         and(closedToScribe("live"), sight{"answers lines follow_ups": "live", "gaps": "live/audio live/video"}),
		"scribe of held": closedToScribe("held"), "scribe of restricted": closedToScribe("restricted"), "scribe of erased": closedToScribe("erased"),
		"assessor":         atWork(sight{"accounts": "alice", "answers lines follow_ups evidence rating_notes feedback measurements": "live", "ratings": "live/model", "gaps": "live/audio live/video"}),
		"assessor of held": atWork(sight{"accounts": "alice"}), "assessor of restricted": atWork(sight{"accounts": "alice"}),
		"assessor of erased": atWork(sight{"accounts": "alice"}), "worker": atWork(sight{
			// open, after an interview that may be assessed
			"answers": "where session NOT IN (@onair, @held, @restricted, @erased, @erased.held, @c.held, @c.restricted, @c.erased, @d.erased, @carols, @suss)",
		}),

		"dan": ofCandidate("dan"), "rita as a candidate": ofCandidate("rita"),
		"assessor of otto": atWork(sight{"accounts": "otto", "answers lines follow_ups evidence rating_notes feedback measurements": "ottos", "ratings": "ottos/model", "gaps": "ottos/audio ottos/video"}),
		"login of dan":     and(maps.Clone(ofLogin), sight{"sessions": "d.open"}),
		"login":            ofLogin,
		"keys":             {"sessions accounts members organizations notices authorizations authorization_events data_keys exports export_sessions export_keys": "where true"},
		"erasure": {
			"sessions authorizations authorization_events organizations notices consent_events receipts ledger_openings holds invitations": "where true",
			"exports export_sessions export_keys erasures erasure_counts erasure_objects":                                                  "where true",
			"person_forms person_ratings contests": "where session IN (@erased, @c.erased, @d.erased)",
			"answers lines line_originals follow_ups evidence ratings rating_notes feedback measurements gaps segments data_keys session_events": "where session IN (@erased, @c.erased, @d.erased)",
			"accounts log_in_failures": "where true", "log_ins second_factors members": "where account IN (SELECT id FROM accounts WHERE erase_at <= now())",
		},
		"audit":  {"sessions segments ledger notices": "where true"},
		"export": {"notices": "where true"}, "export of bob": exported("bob"), "export of carol": exported("carol"),
		"export of alice": and(exported("alice"), sight{
			"log_ins": "where account = @alice", "receipts": "where side = 'candidate' AND account = @alice", "ledger_openings": "where account = @alice",
			"answers lines line_originals follow_ups evidence ratings rating_notes feedback measurements gaps segments": inExport,
			"person_forms person_ratings contests":                           inExport,
			"consent_events session_events authorizations accesses ai_calls": inExport,
			"authorization_events":                                           "where authorization_id IN (@live, @restricted, @only.ratings)", "organizations": "acme",
		}),
	}
}
