package consent

import (
	"slices"
	"strings"
)

// Nature is how much a column or file says about a person.
type Nature string

// The natures.
const (
	NaturePlain    Nature = "plain"    // nothing about anybody
	NatureLinked   Nature = "linked"   // about somebody who is known by a random id only
	NaturePersonal Nature = "personal" // names somebody, or is what somebody said, did or was told
)

// Place is one column of a table, one kind of object in the bucket, or one kind of file in the data
// folder.
type Place struct {
	Name      string // "table.column", "object:prefix" or "file:pattern"
	Class     Class
	Nature    Nature
	Encrypted bool // before it reaches a disk, under a key that lies elsewhere
}

// table is the columns of one table, as names with spaces between them. A table is listed after those that
// it refers to.
type table struct {
	name     string
	class    Class
	plain    string
	linked   string
	personal string
	sealed   string // personal and encrypted
}

// SessionTables lists the tables that hold something of an interview, each row under the column session.
// Erasing an interview empties them, in this order: a table comes before those that it refers to.
func SessionTables() []string {
	var names []string
	for _, t := range slices.Backward(tables()) {
		of := slices.Contains(strings.Fields(t.linked), "session")
		if of && (t.class == ClassInterview || t.class == ClassUsage) {
			names = append(names, t.name)
		}
	}
	return names
}

// Catalogue lists every place where this program keeps anything. A test compares it with the schema of a
// migrated database, with the bucket and with the data folder: what is not here may not exist.
func Catalogue() []Place {
	var places []Place
	for _, t := range tables() {
		add := func(columns string, nature Nature, encrypted bool) {
			for column := range strings.FieldsSeq(columns) {
				places = append(places, Place{t.name + "." + column, t.class, nature, encrypted})
			}
		}
		add(t.plain, NaturePlain, false)
		add(t.linked, NatureLinked, false)
		add(t.personal, NaturePersonal, false)
		add(t.sealed, NaturePersonal, true)
	}
	return append(places, files()...)
}

func tables() []table {
	return []table{
		{
			name: "accounts", class: ClassAccount, linked: "id kind age_rule created_at closed_at erase_at erase_cause erased_at used_at pepper ai_objected_at",
			personal: "email display_name password_hash",
		},
		{name: "members", class: ClassAccount, linked: "account org role role_at created_at ended_at"},
		{
			name: "log_ins", class: ClassLeftovers,
			linked: "token_sha256 id account device second_factor idle idle_until absolute_until created_at confirmed_at",
		},
		{
			name: "second_factors", class: ClassAccount, linked: "account last_step since offered_until",
			sealed: "secret offered",
		},
		{name: "room_tickets", class: ClassLeftovers, linked: "ticket_sha256 log_in session expires_at publishes"},
		{name: "log_in_failures", class: ClassAudit, linked: "email_sha256 failures last_at wait_until in_a_row"},

		{
			name: "sessions", class: ClassInterview,
			linked: "id candidate state role role_title mode plan recording transcription assessment notice_sha256 epoch event_seq " +
				"created_at state_at media_start ended_at restricted_at held_at",
		},
		{name: "answers", class: ClassInterview, linked: "session question take start_ns end_ns limit_ns ended_by assessed_at changed_at revision corrected_at"},
		{
			name: "lines", class: ClassInterview, linked: "session epoch sequence question take start_ns end_ns engine interpolated evidence_at revision corrected_at " +
				"changed lost_ns clipped_ns",
			sealed: "words",
		},
		{name: "line_originals", class: ClassInterview, linked: "session epoch sequence revision until", sealed: "words"},
		{
			name: "follow_ups", class: ClassInterview, linked: "session question take model prompt_sha256 bank_sha256 at",
			sealed: "words",
		},
		{
			name: "evidence", class: ClassInterview,
			linked: "id session question take competency line_epoch line_sequence first_word last_word polarity part rater superseded_by",
		},
		{
			name: "ratings", class: ClassInterview,
			linked: "id session question take competency rater_kind model pass prompt_sha256 rubric_sha256 bank_sha256 outcome level at " +
				"asked answered revision heard_badly partly_read",
		},
		{name: "rating_notes", class: ClassInterview, linked: "rating session superseded_by", sealed: "notes"},
		{
			name: "contests", class: ClassInterview, linked: "session question take competency at at_ns by_model looked_at",
			sealed: "words",
		},
		{name: "person_forms", class: ClassInterview, linked: "id session org account opened_at closed_at"},
		{
			name: "person_ratings", class: ClassInterview, linked: "form session question take competency outcome level at",
			sealed: "why",
		},
		{
			name: "feedback", class: ClassInterview, linked: "session question take model prompt_sha256 bank_sha256 at",
			sealed: "items",
		},
		{name: "measurements", class: ClassInterview, linked: "session question take name value unit counted valid invalid"},
		{name: "gaps", class: ClassInterview, linked: "session kind start_ns end_ns reason"},
		{
			name: "segments", class: ClassInterview,
			linked: "idx session kind epoch sequence object_key size sha256 start_us end_us width height codec forced created_at",
			sealed: "blocks",
		},
		{name: "data_keys", class: ClassInterview, linked: "session scope master_key created_at epoch", sealed: "wrapped"},
		{
			name: "exports", class: ClassLeftovers,
			linked: "id account whole state fault requested_at beat_at finished_at gone_at attempt bytes kept",
		},
		{name: "export_sessions", class: ClassLeftovers, linked: "export session done fault"},
		{name: "export_keys", class: ClassLeftovers, linked: "export master_key epoch created_at", sealed: "wrapped"},
		{name: "session_events", class: ClassUsage, linked: "session seq at kind detail"},

		{
			name: "consent_events", class: ClassConsent,
			linked: "id session account at kind withdrawn recording transcription assessment notice_sha256",
		},
		{
			name: "authorizations", class: ClassConsent,
			linked: "id session org purpose scopes valid_from valid_until granted_at notice_sha256 notice_version language supersedes invitation requested_by",
		},
		{name: "authorization_events", class: ClassConsent, linked: "id authorization_id org kind at account ends reason supersedes"},
		{name: "receipts", class: ClassConsent, linked: "id seq session authorization_id org account side kind notice_sha256 jws at"},
		{name: "ai_calls", class: ClassAudit, linked: "id session at purpose model place prompt_sha256"},
		{name: "erasures", class: ClassConsent, linked: "id session account cause state fault requested_at finished_at certificate"},
		{name: "erasure_counts", class: ClassConsent, linked: "erasure step what amount at"},
		{name: "erasure_objects", class: ClassLeftovers, linked: "erasure name object"},
		{
			name: "invitations", class: ClassConsent,
			linked: "id session secret_sha256 purpose scopes valid_until notice_sha256 notice_version created_at expires_at cancelled_at redeemed_at authorization_id",
		},
		{name: "requests", class: ClassConsent, linked: "authorization_id org account purpose scopes valid_until at"},
		{name: "holds", class: ClassConsent, linked: "id session placed_at lifted_at", personal: "reason authority lifted_reason"},
		{name: "viewers", class: ClassLeftovers, linked: "session account stream org since seen_at"},
		{name: "cut_offs", class: ClassAudit, linked: "id session org account stream cause ended_by after_ms at"},
		{name: "accesses", class: ClassAudit, linked: "id session org account artefact at"},

		{name: "ledger", class: ClassLedger, linked: "seq at kind session authorization_id account org leaf chain"},
		{name: "ledger_openings", class: ClassConsent, linked: "seq session account salt event"},
		{name: "ledger_writers", class: ClassService, plain: "role kind"},

		{name: "organizations", class: ClassService, plain: "id name created_at suspended_at"},
		{name: "notices", class: ClassService, plain: "sha256 version materiality effective_at text created_at"},
		{name: "context_keys", class: ClassService, plain: "one inner_pad outer_pad"},
		{name: "goose_db_version", class: ClassService, plain: "id version_id is_applied tstamp"},

		{
			name: "river.river_job", class: ClassLeftovers,
			plain: "id state attempt max_attempts attempted_at created_at finalized_at scheduled_at priority attempted_by errors kind " +
				"metadata queue tags unique_key unique_states",
			linked: "args",
		},
		{name: "river.river_leader", class: ClassService, plain: "elected_at expires_at leader_id name"},
		{name: "river.river_migration", class: ClassService, plain: "line version created_at"},
		{name: "river.river_notification", class: ClassLeftovers, plain: "id created_at payload topic"},
		{name: "river.river_queue", class: ClassService, plain: "name created_at metadata paused_at updated_at"},
	}
}

// files are the objects and files; a name ends with * where anything may follow.
func files() []Place {
	place := func(name string, class Class, nature Nature, encrypted bool) Place {
		return Place{name, class, nature, encrypted}
	}
	return []Place{
		place("object:<session>/*", ClassInterview, NaturePersonal, true),
		place("object:exports/*", ClassLeftovers, NaturePersonal, true),
		place("file:spool/open/*", ClassInterview, NaturePersonal, true),
		place("file:spool/sealed/*", ClassInterview, NaturePersonal, true),
		place("file:spool/lock", ClassService, NaturePlain, false),
		place("file:voice/*", ClassService, NaturePlain, false), // questions of the bank as sound
		place("file:ledger/*", ClassLedger, NatureLinked, false),
		place("file:secrets/epochs.json", ClassBackup, NaturePlain, false),
		place("file:secrets/demo-accounts.json", ClassAccount, NaturePersonal, false),
		place("file:secrets/*", ClassService, NaturePlain, false),
		place("file:postgres/*", ClassService, NaturePersonal, false), // the tables above, as Postgres keeps them
		place("file:objects/*", ClassService, NaturePersonal, true),   // the objects above, as the store keeps them
	}
}
