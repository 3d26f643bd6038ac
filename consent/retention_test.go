package consent

import (
	"strings"
	"testing"
	"time"
)

func TestPeriodsEndByTheCalendar(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, c := range []struct {
		period      Period
		begin, want string
		iso         string
	}{
		{Period{Years: 2}, "2026-11-22 10:00:00", "2028-11-22 10:00:00", "P2Y"},
		{Period{Years: 2}, "2024-02-29 10:00:00", "2026-02-28 10:00:00", "P2Y"},
		{Period{Months: 24}, "2026-01-31 00:00:01", "2028-01-31 00:00:01", "P24M"},
		{Period{Months: 1}, "2026-01-31 00:00:00", "2026-02-28 00:00:00", "P1M"},
		{Period{Days: 30}, "2026-02-01 00:00:00", "2026-03-03 00:00:00", "P30D"},
		{Period{Hours: 24}, "2026-12-31 23:59:59", "2027-01-01 23:59:59", "PT24H"},
		{Period{Years: 1, Days: 1, Hours: 2}, "2027-12-31 23:00:00", "2029-01-02 01:00:00", "P1Y1DT2H"},
		{Period{}, "2026-01-01 00:00:00", "2026-01-01 00:00:00", ""},
	} {
		if got := c.period.After(at(c.begin)); !got.Equal(at(c.want)) {
			t.Errorf("%+v from %s ends %s, want %s", c.period, c.begin, got.Format(time.DateTime), c.want)
		}
		if got := c.period.ISO(); got != c.iso {
			t.Errorf("%+v is %q, want %q", c.period, got, c.iso)
		}
	}
}

// The numbers that people were promised.
func TestRetentionKeepsThePromisedPeriods(t *testing.T) {
	t.Parallel()
	want := map[Class]Period{
		ClassInterview: {Years: 2}, ClassAccount: {Days: 30}, ClassUsage: {Years: 1}, ClassLeftovers: {Hours: 24},
		ClassConsent: {Years: 3}, ClassAudit: {Years: 1}, ClassBackup: {Days: 21}, ClassLedger: {}, ClassService: {},
	}
	seen := map[Class]bool{}
	for _, rule := range Retention() {
		if seen[rule.Class] {
			t.Errorf("class %s has two rules", rule.Class)
		}
		seen[rule.Class] = true
		if kept, known := want[rule.Class]; !known || kept != rule.Kept {
			t.Errorf("class %s is kept for %+v, want %+v", rule.Class, rule.Kept, kept)
		}
		for name, text := range map[string]string{
			"holds": rule.Holds, "from": rule.From, "trigger": rule.Trigger, "mechanism": rule.Mechanism, "evidence": rule.Evidence,
		} {
			if text == "" {
				t.Errorf("class %s does not say its %s", rule.Class, name)
			}
		}
	}
	for class := range want {
		if !seen[class] {
			t.Errorf("class %s has no rule", class)
		}
	}
	if days := RuleOf(ClassBackup).Kept.Days; time.Duration(days)*24*time.Hour != KeyEpochLife {
		t.Errorf("keys of an epoch live %v, the page says %d days", KeyEpochLife, days)
	}
	if days := RuleOf(ClassAccount).Kept.Days; time.Duration(days)*24*time.Hour != CloseUndo {
		t.Errorf("closing can be undone for %v, the page says %d days", CloseUndo, days)
	}
}

func TestCatalogueNamesEachPlaceOnceUnderAKnownRule(t *testing.T) {
	t.Parallel()
	rules := map[Class]bool{}
	for _, rule := range Retention() {
		rules[rule.Class] = true
	}
	seen := map[string]bool{}
	for _, place := range Catalogue() {
		if seen[place.Name] {
			t.Errorf("%s is named twice", place.Name)
		}
		seen[place.Name] = true
		if !rules[place.Class] {
			t.Errorf("%s is of class %q, which has no rule", place.Name, place.Class)
		}
		if place.Nature == NaturePersonal && place.Class == ClassService && !strings.HasPrefix(place.Name, "file:") {
			t.Errorf("%s is personal and kept for ever", place.Name)
		}
	}
}
