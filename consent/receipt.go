package consent

import (
	"errors"
	"fmt"
	"time"
)

// ReceiptID names a receipt.
type ReceiptID string

// ReceiptSchema is the version of what a receipt says. The fields are those that ISO/IEC TS 27560 asks
// of a consent record; docs/consent-record.md maps each to its term there and in the DPV.
const ReceiptSchema = "greenroom-receipt/1"

// ReceiptSide is who a receipt is given to. Both sides get one about each event of an authorization that was
// given, with the same terms; of one that was only asked for, and of consents, the candidate alone.
type ReceiptSide string

// The sides.
const (
	SideCandidate    ReceiptSide = "candidate"
	SideOrganization ReceiptSide = "organization"
)

// ReceiptState is what the record is after the event.
type ReceiptState string

// The states of a record that receipts are given for. An organization is only ever told that a record
// ended: whether the candidate withdrew it must not be held against them.
const (
	ReceiptGiven      ReceiptState = "given"
	ReceiptRefused    ReceiptState = "refused"
	ReceiptWithdrawn  ReceiptState = "withdrawn"
	ReceiptRevoked    ReceiptState = "revoked"
	ReceiptSuperseded ReceiptState = "superseded"
	ReceiptExpired    ReceiptState = "expired"
	ReceiptErased     ReceiptState = "erased"
	ReceiptEnded      ReceiptState = "ended"
)

// Receipt is what is signed: ids, terms and the place in the ledger. It holds no content, no address and
// no name but those of the parties that are organizations.
type Receipt struct {
	SchemaVersion    string          `json:"schema_version"`
	ReceiptID        ReceiptID       `json:"receipt_id"`
	RecordID         string          `json:"record_id"` // an authorization's id, or a session's for its consents
	GivenTo          ReceiptSide     `json:"given_to"`
	PrincipalID      string          `json:"pii_principal_id"` // another name of the person for each organization
	Session          SessionID       `json:"session"`
	Notice           ReceiptNotice   `json:"privacy_notice"`
	Purpose          string          `json:"purpose"`
	LawfulBasis      string          `json:"lawful_basis"`
	PIITypes         []string        `json:"pii_types"`
	ProcessingMethod string          `json:"processing_method"`
	Controllers      []ReceiptParty  `json:"pii_controllers"`
	Recipients       []ReceiptParty  `json:"recipient_third_parties,omitempty"`
	StorageLocations []string        `json:"storage_locations"`
	Jurisdiction     string          `json:"jurisdiction"`
	RetentionPeriod  string          `json:"retention_period"`
	WithdrawalMethod string          `json:"withdrawal_method"`
	PrivacyRights    string          `json:"privacy_rights"`
	ValidFrom        time.Time       `json:"valid_from,omitzero"`
	ValidUntil       time.Time       `json:"valid_until,omitzero"`
	Supersedes       AuthorizationID `json:"supersedes,omitempty"`
	Event            ReceiptEvent    `json:"event"`
	Ledger           LedgerPlace     `json:"ledger"`
}

// ReceiptNotice is which text the candidate had been shown.
type ReceiptNotice struct {
	SHA256   string `json:"sha256"`
	Version  string `json:"version"`
	Language string `json:"language"`
}

// ReceiptParty is an organization that a record is about.
type ReceiptParty struct {
	ID      string `json:"party_id"`
	Type    string `json:"party_type"`
	Name    string `json:"party_name"`
	Address string `json:"party_address"`
	Contact string `json:"party_contact"`
}

// ReceiptEvent is what happened to the record.
type ReceiptEvent struct {
	Time   time.Time    `json:"event_time"`
	Type   string       `json:"event_type"`
	State  ReceiptState `json:"event_state"`
	Entity string       `json:"entity_id,omitempty"` // who did it; never told to an organization
}

// Operator is who runs the server, as receipts and notices name them.
type Operator struct {
	Name         string
	Address      string
	Contact      string
	Jurisdiction string
	Location     string // where what is stored lies
}

// NotStated stands where the operator has configured nothing.
const NotStated = "not stated by the operator"

func (o Operator) orNotStated() Operator {
	for _, field := range []*string{&o.Name, &o.Address, &o.Contact, &o.Jurisdiction, &o.Location} {
		if *field == "" {
			*field = NotStated
		}
	}
	return o
}

const (
	receiptLanguage = "en"
	rightsText      = "See, correct, restrict, take along or erase what is held about you, and object to AI: on the page Privacy of this server."
	recordKept      = "This record: 3 years after it ended, without content."
)

// receiptTerms are what all receipts of an operator say.
func receiptTerms(operator Operator, session SessionID, notice ReceiptNotice) Receipt {
	operator = operator.orNotStated()
	notice.Language = receiptLanguage
	return Receipt{
		SchemaVersion: ReceiptSchema, Session: session, Notice: notice,
		Controllers: []ReceiptParty{{
			ID: "operator", Type: "operator of this server", Name: operator.Name, Address: operator.Address, Contact: operator.Contact,
		}},
		StorageLocations: []string{operator.Location}, Jurisdiction: operator.Jurisdiction, PrivacyRights: rightsText,
	}
}

// ReceiptOfConsents returns the terms of the consents of a session, as they stand.
func ReceiptOfConsents(operator Operator, session Session, notice ReceiptNotice) Receipt {
	r := receiptTerms(operator, session.ID, notice)
	r.RecordID = string(session.ID)
	r.Purpose = "practice interview"
	r.LawfulBasis = "explicit consent (GDPR Art. 6(1)(a), Art. 22(2)(c))"
	r.PIITypes = typesOf(session.Consents.Names())
	r.ProcessingMethod = "as the notice says, which names every program and model; no decision is made by one alone"
	r.RetentionPeriod = "as the notice says. " + recordKept
	r.WithdrawalMethod = "each consent by its own button on the session's page, also during the interview"
	return r
}

// typesOf says which parts of a session exist because of the consents that stand.
func typesOf(consents []Consent) []string {
	types := []string{}
	for _, c := range consents {
		switch c {
		case ConsentRecording:
			types = append(types, string(ScopeRecordingAudio), string(ScopeRecordingVideo))
		case ConsentTranscription:
			types = append(types, string(ScopeTranscript))
		case ConsentAssessment:
			types = append(types, string(ScopeRatings), string(ScopeFeedback))
		}
	}
	return types
}

// ReceiptOfAuthorization returns the terms of an authorization.
func ReceiptOfAuthorization(operator Operator, a Authorization, notice ReceiptNotice) Receipt {
	r := receiptTerms(operator, a.Session, notice)
	r.RecordID, r.Purpose = string(a.ID), string(a.Purpose)
	r.LawfulBasis = "explicit consent (GDPR Art. 6(1)(a))"
	for _, scope := range a.Scopes {
		r.PIITypes = append(r.PIITypes, string(scope))
	}
	r.ProcessingMethod = "shown to members of the recipient by this server, each look noted; recordings are streamed, never handed out; " +
		"ratings by a model are labelled as practice estimates, and as unvalidated unless their agreement with people was measured; people decide"
	r.Recipients = []ReceiptParty{{ID: string(a.Org), Type: "employer", Name: a.OrgName, Address: NotStated, Contact: NotStated}}
	r.RetentionPeriod = "Visible to the recipient until valid_until, or until this record ends before. What was seen before cannot be unseen. " + recordKept
	r.WithdrawalMethod = "the button Withdraw on the session's sharing page; whoever is watching is cut off"
	r.ValidFrom, r.ValidUntil = ledgerTime(a.ValidFrom), ledgerTime(a.ValidUntil)
	return r
}

// Tell completes the terms for one side with what happened, and where that stands in the ledger.
func (r Receipt) Tell(side ReceiptSide, principal string, event LedgerEvent, place LedgerPlace) (Receipt, error) {
	state, ok := receiptStates[event.Kind]
	if !ok {
		return Receipt{}, fmt.Errorf("%w: no receipt is given for %s", ErrReceipt, event.Kind)
	}
	r.ReceiptID, r.GivenTo, r.PrincipalID, r.Ledger = NewID[ReceiptID](), side, principal, place
	r.Event = ReceiptEvent{Time: ledgerTime(event.At), Type: string(event.Kind), State: state, Entity: "candidate"}
	if event.Kind == LedgerConsentsAnswered && len(r.PIITypes) == 0 {
		r.Event.State = ReceiptRefused
	}
	switch state {
	case ReceiptRevoked, ReceiptExpired, ReceiptErased:
		r.Event.Entity = "server"
	default:
	}
	if side == SideOrganization {
		r.Event.Entity = ""
		if state != ReceiptGiven {
			r.Event.Type, r.Event.State = "authorization_ended", ReceiptEnded
		}
	}
	return r, r.Check()
}

// receiptStates are the events that receipts are given for.
var receiptStates = map[LedgerKind]ReceiptState{
	LedgerConsentsAnswered:        ReceiptGiven,
	LedgerConsentWithdrawn:        ReceiptWithdrawn,
	LedgerAuthorizationGranted:    ReceiptGiven,
	LedgerAuthorizationRefused:    ReceiptRefused,
	LedgerAuthorizationWithdrawn:  ReceiptWithdrawn,
	LedgerAuthorizationRevoked:    ReceiptRevoked,
	LedgerAuthorizationSuperseded: ReceiptSuperseded,
	LedgerAuthorizationExpired:    ReceiptExpired,
	LedgerSessionErased:           ReceiptErased,
}

// ErrReceipt says that something is not a receipt.
var ErrReceipt = errors.New("not a receipt")

// Check refuses a receipt that leaves out what every receipt must say.
func (r Receipt) Check() error {
	if r.SchemaVersion != ReceiptSchema {
		return fmt.Errorf("%w of a schema that is known here: it says %q", ErrReceipt, r.SchemaVersion)
	}
	for _, id := range []string{string(r.ReceiptID), r.RecordID, string(r.Session)} {
		if _, err := ParseID[ReceiptID](id); err != nil {
			return fmt.Errorf("%w: an id in it: %w", ErrReceipt, err)
		}
	}
	if r.GivenTo != SideCandidate && r.GivenTo != SideOrganization {
		return fmt.Errorf("%w: it is given to %q", ErrReceipt, r.GivenTo)
	}
	for name, missing := range map[string]bool{
		"pii_principal_id": r.PrincipalID == "", "privacy_notice": r.Notice.SHA256 == "" || r.Notice.Version == "",
		"purpose": r.Purpose == "", "pii_controllers": len(r.Controllers) == 0, "storage_locations": len(r.StorageLocations) == 0,
		"jurisdiction": r.Jurisdiction == "", "retention_period": r.RetentionPeriod == "",
		"withdrawal_method": r.WithdrawalMethod == "", "event": r.Event.Time.IsZero() || r.Event.Type == "" || r.Event.State == "",
	} {
		if missing {
			return fmt.Errorf("%w: it does not say its %s", ErrReceipt, name)
		}
	}
	return nil
}

// ReceiptSummary is one receipt in a list.
type ReceiptSummary struct {
	ID            ReceiptID
	Seq           int64 // its place in the ledger
	Session       SessionID
	Authorization AuthorizationID // empty for the consents of the session itself
	Org           OrgID           // empty for the consents of the session itself
	State         ReceiptState
	At            time.Time
}
