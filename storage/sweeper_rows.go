package storage

import (
	"strconv"

	"greenroom/consent"
)

// rowsSwept are rows of one table that go by themselves, each on its own.
type rowsSwept struct {
	class consent.Class
	table string
	key   string // what names a row
	begin string // when its period begins; NULL: not yet
	while string // what else must be so
	role  Role
}

// sessionPaused is a session s that nothing is taken from. Closing an account restricts its interviews,
// which ends with their erasure.
const sessionPaused = `(s.held_at IS NOT NULL OR s.restricted_at IS NOT NULL AND s.state <> 'erased')`

const ofNoPausedSession = `NOT EXISTS (SELECT FROM sessions s WHERE s.id = x.session AND ` + sessionPaused + `)`

func sweptRows() []rowsSwept {
	const always = `true`
	return []rowsSwept{
		{consent.ClassUsage, "session_events", "session, seq", "at", ofNoPausedSession, RoleErasure},

		{consent.ClassAudit, "accesses", "id", "at", ofNoPausedSession, RoleErasure},
		{consent.ClassAudit, "ai_calls", "id", "at", ofNoPausedSession, RoleErasure},
		{consent.ClassAudit, "cut_offs", "id", "at", ofNoPausedSession, RoleErasure},
		// A log-in that was switched off stays so until an operator resets it.
		{consent.ClassAudit, "log_in_failures", "email_sha256", "last_at", "in_a_row < " + strconv.Itoa(mostFailures), RoleErasure},

		{consent.ClassLeftovers, "log_ins", "id", "least(idle_until, absolute_until)", always, RoleErasure},
		{consent.ClassLeftovers, "room_tickets", "ticket_sha256", "expires_at", always, RoleErasure},
		{
			consent.ClassLeftovers, "erasure_objects", "erasure, name",
			"(SELECT finished_at FROM erasures e WHERE e.id = x.erasure)", always, RoleErasure,
		},
		// The job library sweeps its tables too, where it runs; the worker plane is who may touch them.
		{consent.ClassLeftovers, riverSchema + ".river_job", "id", "finalized_at", always, RoleWorker},
		{consent.ClassLeftovers, riverSchema + ".river_notification", "id", "created_at", always, RoleWorker},

		{
			consent.ClassConsent, "invitations", "id", "least(cancelled_at, expires_at)",
			`authorization_id IS NULL AND ` + ofNoPausedSession, RoleErasure,
		},
		{consent.ClassConsent, "holds", "id", "lifted_at", ofNoPausedSession, RoleErasure},
	}
}

// delete is the statement that takes one batch away. The first condition is for the index: a period added to
// a time of the row is in none. Taken off the present, a period of the calendar may end up to three days
// away from there, so it is only a bound.
func (r rowsSwept) delete() string {
	return `DELETE FROM ` + r.table + ` WHERE (` + r.key + `) IN (SELECT ` + r.key + ` FROM ` + r.table + ` x
		WHERE ` + r.begin + ` <= statement_timestamp() - $1::interval + interval '4 days'
		AND ` + r.begin + ` + $1::interval <= statement_timestamp() AND ` + r.while + ` LIMIT $2)`
}
