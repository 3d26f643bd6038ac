package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rules are NIST 800-63B-4's (3.1.1.2): length, and nothing that is guessed first; no rule about
// kinds of characters.
const (
	minPassword       = 15 // code points, for a password that stands alone
	minWithSecondStep = 8  // with a second factor
	maxPassword       = 128
	leastUnguessed    = 6 // letters and digits that are left once everything guessable is taken away
	leastDifferent    = 4 // different ones among them
	shortestWord      = 3 // of the words about a person that a password may not be made of
)

// checkPassword says why a new password cannot be used. about are the words that somebody who knows the
// person tries first: the address and the name.
func checkPassword(password string, least int, about ...string) error {
	if err := checkLength(password, least); err != nil {
		return err
	}
	if guessable(password, about) {
		return newProblem(http.StatusUnprocessableEntity, "The password is among the first that somebody would try.",
			"Leave out your name, your address and this site's name, rows of keys and repeated parts; a few words that have nothing to do with each other are good.")
	}
	return nil
}

func checkLength(password string, least int) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return newProblem(http.StatusUnprocessableEntity, "The password is not valid text.", "Choose another one.")
	case n < least:
		return newProblem(http.StatusUnprocessableEntity,
			fmt.Sprintf("The password has %d characters; it needs at least %d.", n, least),
			"A few words in a row are easy to remember and long enough.")
	case n > maxPassword:
		return newProblem(http.StatusUnprocessableEntity,
			fmt.Sprintf("The password has %d characters; at most %d are possible.", n, maxPassword), "Choose a shorter one.")
	default:
		return nil
	}
}

// guessable takes away what is tried first (words about the person, common passwords, rows of keys,
// sequences, repetitions) and reports whether too little is left to guess. So a passphrase may have a
// common word in it, and a common password does not become a good one by a digit at its end.
func guessable(password string, about []string) bool {
	left := []rune(strings.ToLower(password))
	for _, word := range append(wordsAbout(about), commonPasswords()...) {
		left = []rune(strings.ReplaceAll(string(left), word, " "))
	}
	left = dropRepeats(dropRows(left))
	left = slices.DeleteFunc(left, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	different := map[rune]bool{}
	for _, r := range left {
		different[r] = true
	}
	return len(left) < leastUnguessed || len(different) < leastDifferent
}

// wordsAbout splits addresses and names into words, the longest first.
func wordsAbout(about []string) []string {
	words := []string{"greenroom"}
	for _, text := range about {
		text = strings.ToLower(text)
		parts := append(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), text)
		for _, word := range parts {
			if utf8.RuneCountInString(word) >= shortestWord {
				words = append(words, word)
			}
		}
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

// keyRows are the rows of a keyboard, on which a finger slides.
func keyRows() []string {
	return []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "1234567890"}
}

// dropRows takes away runs of four and more that go up or down by one (abcd, 9876), stay on one
// character (aaaa), or slide along a row of keys (qwer, poiu).
func dropRows(text []rune) []rune {
	const shortestRun = 4
	var left []rune
	for at := 0; at < len(text); {
		end := at + 1
		for end < len(text) && follows(text[at], text[at+1], text[end-1], text[end]) {
			end++
		}
		if end-at < shortestRun {
			end = at + 1
			left = append(left, text[at])
		}
		at = end
	}
	return left
}

// follows reports whether the step from a to b continues the step that a run began with.
func follows(first, second, a, b rune) bool {
	if step := second - first; step >= -1 && step <= 1 && b-a == step {
		return true
	}
	for _, row := range keyRows() {
		forward, backward := string(a)+string(b), string(b)+string(a)
		began, beganBack := string(first)+string(second), string(second)+string(first)
		if (strings.Contains(row, began) && strings.Contains(row, forward)) ||
			(strings.Contains(row, beganBack) && strings.Contains(row, backward)) {
			return true
		}
	}
	return false
}

// dropRepeats cuts text that is one part over and over (abcabcabc) down to that part.
func dropRepeats(text []rune) []rune {
	for size := 1; size <= len(text)/2; size++ {
		if isRepeated(text, size) {
			return text[:size]
		}
	}
	return text
}

func isRepeated(text []rune, size int) bool {
	for i := size; i < len(text); i++ {
		if text[i] != text[i-size] {
			return false
		}
	}
	return true
}
