package storage

import (
	"errors"
	"testing"

	"greenroom/consent"
)

func TestAccountsAreFoundWhateverTheCaseOfTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	found, err := w.accounts.Credentials(t.Context(), "ALICE@Example.org")
	account := found.Account
	if err != nil || found.Password != testHash || account != w.alice {
		t.Errorf("Credentials = %+v, %v; want %+v", found, err, w.alice)
	}
	if account.Email != "alice@example.org" || account.Kind != consent.AccountCandidate {
		t.Errorf("stored %+v", account)
	}
	if _, err := w.accounts.CreateCandidate(t.Context(), "alice@EXAMPLE.org", "Other", testHash, consent.AgeRule); !errors.Is(err, consent.ErrEmailTaken) {
		t.Errorf("second account with the address: %v, want ErrEmailTaken", err)
	}
	if _, err := w.accounts.Credentials(t.Context(), "nobody@example.org"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("unknown address: %v, want ErrNotFound", err)
	}
	found, err = w.accounts.Credentials(t.Context(), "hr@acme.example")
	if employer := found.Account; err != nil || employer.Org != w.acme.ID || employer.OrgName != "Acme" {
		t.Errorf("employer = %+v, %v", found.Account, err)
	}
}

func TestLoginRoleMakesCandidatesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const add = `INSERT INTO accounts (id, kind, email, display_name, password_hash, age_rule) VALUES ($1, $2, $3, 'x', $4, 'r')`
	for _, kind := range []string{"employer", "ops"} {
		_, err := w.database.Pool(RoleLogin).Exec(t.Context(), add, consent.NewID[consent.AccountID](), kind, kind+"@example.org", testHash.Hash)
		if !hasCode(err, policyViolation) {
			t.Errorf("login role made an account of kind %s: %v", kind, err)
		}
	}
	if _, err := w.accounts.CreateCandidate(t.Context(), "plain@example.org", "Plain", consent.PasswordHash{Hash: "hunter2"}, consent.AgeRule); err == nil {
		t.Error("a password that is not an argon2id hash was stored")
	}
}

func TestPasswordIsReplacedWithItsPepper(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := consent.PasswordHash{Hash: testHash.Hash + "2", Pepper: "p1"}
	if err := w.accounts.SetPassword(t.Context(), w.alice.ID, want); err != nil {
		t.Fatal(err)
	}
	if found, err := w.accounts.Credentials(t.Context(), w.alice.Email); err != nil || found.Password != want {
		t.Errorf("stored %+v, %v; want %+v", found.Password, err, want)
	}
	if found, err := w.accounts.Credentials(t.Context(), w.bob.Email); err != nil || found.Password != testHash {
		t.Errorf("somebody else's is %+v, %v", found.Password, err)
	}
	if err := w.accounts.SetPassword(t.Context(), w.alice.ID, consent.PasswordHash{Hash: "hunter2"}); err == nil {
		t.Error("a password that is not a hash was stored")
	}
	if err := w.accounts.SetPassword(t.Context(), consent.NewID[consent.AccountID](), want); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("of nobody: %v, want ErrNotFound", err)
	}
}

func TestAdminMakesAccountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := openTestAdmin(t, w.database)
	ctx := t.Context()
	again, err := admin.CreateOrganization(ctx, "Acme")
	if err != nil || again != w.acme {
		t.Errorf("second Acme = %+v, %v; want %+v", again, err, w.acme)
	}
	ops, err := admin.CreateAccount(ctx, consent.AccountOps, "Ops@example.org", "Ops", testHash, "")
	if err != nil || ops.Kind != consent.AccountOps || ops.Email != "ops@example.org" {
		t.Errorf("ops account = %+v, %v", ops, err)
	}
	same, err := admin.CreateAccount(ctx, consent.AccountOps, "ops@example.org", "Other", testHash, "")
	if !errors.Is(err, consent.ErrEmailTaken) || same != ops {
		t.Errorf("second account = %+v, %v; want %+v and ErrEmailTaken", same, err, ops)
	}
	if _, err := admin.CreateAccount(ctx, consent.AccountEmployer, "e@example.org", "E", testHash, ""); err == nil {
		t.Error("an employer without an organization was made")
	}
	if _, err := admin.CreateAccount(ctx, consent.AccountCandidate, "c@example.org", "C", testHash, w.acme.ID); err == nil {
		t.Error("a candidate with an organization was made")
	}
}

func TestRenameChangesOneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.accounts.Rename(t.Context(), w.alice.ID, "Alicia"); err != nil {
		t.Fatal(err)
	}
	for email, want := range map[string]string{w.alice.Email: "Alicia", w.bob.Email: "Bob"} {
		if found, err := w.accounts.Credentials(t.Context(), email); err != nil || found.Account.DisplayName != want {
			t.Errorf("%s is called %q, %v; want %q", email, found.Account.DisplayName, err, want)
		}
	}
}
