package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"greenroom/consent"
)

// T59: a whole life of accounts and an interview with real speech, at the most talkative log level, and
// nothing of it in the log: no name, address, password, code, secret, token, ticket, id of a person, nor
// what was said.
func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	speech, _ := realSpeech(t)
	p := startProgram(t, t.TempDir(), "GREENROOM_LOG_LEVEL=debug", "GREENROOM_DEMO=off")
	canaries := map[string]string{
		"name": "Canarina Kanarienvogel", "organization": "Zeisig Holdings", "address": "canarina@zeisig.example",
		"password": "seven yellow birds sing loudly", "wrong password": "eight yellow birds sing loudly",
		"employer's address": "stieglitz@zeisig.example",
	}

	// Somebody signs up, mistypes, logs in.
	candidate := &browser{address: p.address}
	me := candidate.post(t, "/api/v1/accounts", fmt.Sprintf(`{"birth_date":"1990-01-01","email":%q,"display_name":%q,"password":%q}`,
		canaries["address"], canaries["name"], canaries["password"]), http.StatusCreated)
	var account struct{ ID string }
	decode(t, me, &account)
	canaries["account"], canaries["token"] = account.ID, strings.TrimPrefix(candidate.cookie, "__Host-sid=")
	wrong := fmt.Sprintf(`{"email":%q,"password":%q}`, canaries["address"], canaries["wrong password"])
	(&browser{address: p.address}).post(t, "/api/v1/log-in", wrong, http.StatusUnauthorized)
	candidate.post(t, "/api/v1/log-in/confirm", `{"password":"`+canaries["wrong password"]+`"}`, http.StatusUnprocessableEntity)
	candidate.call(t, http.MethodPut, "/api/v1/me/name", `{"display_name":"`+canaries["name"]+`"}`, http.StatusOK)

	// An interview, which an employer then opens.
	printed := p.admin(true, "account", "--kind", "employer", "--organization", canaries["organization"], canaries["employer's address"])
	result := p.rehearse("--email", canaries["address"], "--password", canaries["password"], "--speech", speech, "--answers", "1",
		"--share", canaries["organization"])
	if len(result.Lines) == 0 {
		t.Fatal("nothing was heard: the log cannot be looked through for it")
	}
	employer := p.logIn(demoAccount{Email: canaries["employer's address"], Password: strings.Fields(printed)[4]})
	secret := employer.setUpFactor(t, p.dataDir)
	canaries["employer's password"], canaries["employer's secret"] = strings.Fields(printed)[4], string(secret)
	employer.get(t, "/api/v1/shared/"+result.Session+"/report", http.StatusOK)

	// A second factor, with a wrong code, then a right one.
	canaries["secret"] = string(candidate.setUpFactor(t, p.dataDir))
	good := demoAccount{Email: canaries["address"], Password: canaries["password"], SecondFactor: consent.CodeSecret(canaries["secret"])}
	(&browser{address: p.address}).post(t, "/api/v1/log-in", fmt.Sprintf(`{"email":%q,"password":%q,"code":"918273"}`, good.Email, good.Password), http.StatusUnauthorized)
	canaries["wrong code"] = "918273"
	p.logIn(good)

	// Damaged and hostile requests, whose refusals may be tempted to repeat them.
	candidate.post(t, "/api/v1/log-in", `{"email":"`+canaries["address"]+`","password":`, http.StatusBadRequest)
	candidate.post(t, "/api/v1/log-in", `{"email":"`+canaries["address"]+`","password":["`+canaries["password"]+`"]}`, http.StatusUnprocessableEntity)
	p.admin(true, "reset-second-factor", canaries["address"])
	p.stop()

	for n, line := range result.Lines {
		words := strings.Fields(line)
		for i := 0; i+3 < len(words); i++ {
			canaries[fmt.Sprintf("words %d.%d", n, i)] = strings.Join(words[i:i+4], " ")
		}
	}
	log := strings.ToLower(p.output.String())
	if strings.Count(log, "\n") < 50 || !strings.Contains(log, "level=debug") {
		t.Errorf("the log is too short to prove anything:\n%s", log)
	}
	for what, canary := range canaries {
		if strings.Contains(log, strings.ToLower(canary)) {
			t.Errorf("the log has the %s: %q", what, canary)
		}
	}
}

// setUpFactor switches a second factor on and returns its secret.
func (b *browser) setUpFactor(t *testing.T, database string) consent.CodeSecret {
	t.Helper()
	var offer struct{ Secret consent.CodeSecret }
	decode(t, b.post(t, "/api/v1/me/second-factor", "", http.StatusOK), &offer)
	b.post(t, "/api/v1/me/second-factor/confirm", `{"code":"`+unusedCode(t, database, offer.Secret)+`"}`, http.StatusOK)
	return offer.Secret
}
