package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// confirmFor is how long a proof of who somebody is counts for what a stolen cookie must not do.
const confirmFor = 5 * time.Minute

// typeConfirm is the type of the problem that says: prove again who you are, then send this once more.
const typeConfirm = "urn:greenroom:confirm"

const confirmedKey = "confirmed"

// confirmed marks an operation that needs a proof which is at most confirmFor old: what lets others see
// something, what cannot be undone, and what changes how one logs in. Withdrawing never needs one.
func confirmed(op huma.Operation) huma.Operation {
	op.Metadata = map[string]any{confirmedKey: true}
	op.Description = "Refused with 403 and the type " + typeConfirm + " if the log-in was not confirmed in the last five minutes."
	return op
}

func needsConfirming(op *huma.Operation, v *visit) *problem {
	if op.Metadata[confirmedKey] != true || v.logIn.Confirmed <= confirmFor {
		return nil
	}
	return confirmAgain()
}

func confirmAgain() *problem {
	p := newProblem(http.StatusForbidden, "This needs a fresh proof that it is you.", "Give your password again; then it is done.")
	p.Type = typeConfirm
	return p
}

type confirmInput struct {
	Body proofJSON
}

// proofJSON is how somebody who is logged in proves again who they are.
type proofJSON struct {
	Password string `json:"password"`
	Code     string `json:"code,omitempty" maxLength:"16" doc:"Of the second factor, where there is one."`
}

// LogValue implements [slog.LogValuer].
func (proofJSON) LogValue() slog.Value { return slog.StringValue("[redacted]") }

func (s *Server) confirmRoutes() {
	register(s, anyStep, huma.Operation{
		OperationID: "confirm-log-in", Method: http.MethodPost, Path: "/log-in/confirm", DefaultStatus: http.StatusNoContent,
		Summary: "Prove again who you are; it counts for five minutes",
	}, s.confirmLogIn)
}

func (s *Server) confirmLogIn(ctx context.Context, account consent.Account, in *confirmInput) (*none, error) {
	if err := s.proveAgain(ctx, account, in.Body); err != nil {
		return nil, err
	}
	if err := s.cfg.Accounts.ConfirmLogIn(ctx, visitOf(ctx).token); err != nil {
		return nil, fmt.Errorf("confirm log-in: %w", err)
	}
	return &none{}, nil
}

// proveAgain checks the proof as log-in does, with the same count of failures. It never answers 401,
// which would say that the log-in itself has ended.
func (s *Server) proveAgain(ctx context.Context, account consent.Account, proof proofJSON) error {
	if err := s.countLogIn(ctx); err != nil {
		return err
	}
	_, err := s.prove(ctx, account.Email, proof)
	if known := (*problem)(nil); errors.As(err, &known) && known.Status == http.StatusUnauthorized {
		detail := known.Detail
		if detail == wrongLogIn { // the address is not what they typed
			detail = "The password is not right."
		}
		return newProblem(http.StatusUnprocessableEntity, detail, known.Next)
	}
	return err
}
