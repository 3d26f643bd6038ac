package assess

import "testing"

func TestWordErrors(t *testing.T) {
	tests := []struct {
		said, got string
		want      WordErrors
	}{
		{"", "", WordErrors{0, 0}},
		{"one two three", "One, two: three!", WordErrors{0, 3}},
		{"mister john", "Mr. John", WordErrors{0, 2}},
		{"ill disposed", "ill-disposed", WordErrors{0, 2}},
		{"don't stop", "don't 'stop'", WordErrors{0, 2}},
		{"one two three", "one three", WordErrors{1, 3}},
		{"one two three", "one two two three", WordErrors{1, 3}},
		{"one two three", "one too three", WordErrors{1, 3}},
		{"one two three", "", WordErrors{3, 3}},
		{"", "made up words", WordErrors{3, 0}},
		{"a b c d", "d c b a", WordErrors{4, 4}},
		{"a b", "x y z", WordErrors{3, 2}},
		{"der Käse", "Der käse", WordErrors{0, 2}},
	}
	for _, test := range tests {
		if got := CountWordErrors(test.said, test.got); got != test.want {
			t.Errorf("CountWordErrors(%q, %q) = %+v, want %+v", test.said, test.got, got, test.want)
		}
	}
}

func TestWordErrorRate(t *testing.T) {
	tests := []struct {
		count WordErrors
		want  float64
	}{
		{WordErrors{}, 0},
		{WordErrors{Errors: 1, Words: 4}, 0.25},
		{WordErrors{Errors: 6, Words: 4}, 1.5},
		{WordErrors{Errors: 2}, 2},
		{WordErrors{1, 4}.Plus(WordErrors{2, 8}), 0.25},
	}
	for _, test := range tests {
		if got := test.count.Rate(); got != test.want {
			t.Errorf("%+v: rate %v, want %v", test.count, got, test.want)
		}
	}
}
