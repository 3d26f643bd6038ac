package assess

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// PromptsSHA256 names all instructions and schemas that bear on a level, for an agreement card: with
// another word in one of them the card is about another rater.
func PromptsSHA256() string {
	hash := sha256.New()
	for _, sum := range LevelPrompts() {
		_, _ = fmt.Fprintln(hash, sum) // a hash takes everything
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// LevelPrompts returns the hashes of the prompts on which a level depends.
func LevelPrompts() []string {
	return []string{raterSHA256(evidenceSystem, evidenceSchema), ratingSHA256(ratingSystem), ratingSHA256(ratingAgainSystem)}
}

// RubricsSHA256 names the competencies of a bank with the anchors that hold for each of its questions.
func RubricsSHA256(bank Bank) string {
	hash := sha256.New()
	for _, role := range bank.Roles {
		for _, q := range role.Questions {
			for _, id := range q.Competencies {
				_, _ = fmt.Fprintln(hash, q.ID, rubricSHA256(bank.Competencies[id].For(q)))
			}
		}
	}
	// The encoding of maps of strings cannot fail, and sorts their keys.
	all, _ := json.Marshal(bank.Competencies)
	hash.Write(all)
	return hex.EncodeToString(hash.Sum(nil))
}

func isLevelPrompt(sum string) bool { return slices.Contains(LevelPrompts(), sum) }
