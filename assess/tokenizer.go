package assess

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The vocabulary of Moonshine is the one of Llama: 32,000 pieces, of which the first three mean
// "unknown", "begin" and "end". The model's output is wider (32,768); the rest are not text.
const (
	vocabularySize    = 32000
	firstTextToken    = 3
	maxVocabularySize = 1 << 20 // bytes of the file
)

// wordMark is how the vocabulary writes a space: U+2581, LOWER ONE EIGHTH BLOCK.
const wordMark = "\u2581"

// vocabulary turns token ids into text. It never changes once read.
type vocabulary struct {
	pieces []string
}

// readVocabulary reads a vocabulary of one piece a line.
func readVocabulary(path string) (*vocabulary, error) {
	file, err := os.Open(path) // the path is the operator's own setting
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	raw, err := io.ReadAll(io.LimitReader(file, maxVocabularySize+1))
	if err != nil {
		return nil, fmt.Errorf("read vocabulary %s: %w", path, err)
	}
	v, err := parseVocabulary(raw)
	if err != nil {
		return nil, fmt.Errorf("read vocabulary %s: %w", path, err)
	}
	return v, nil
}

func parseVocabulary(raw []byte) (*vocabulary, error) {
	if len(raw) > maxVocabularySize {
		return nil, errors.New("file is too large")
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if len(lines) != vocabularySize {
		return nil, fmt.Errorf("file has %d lines, want %d", len(lines), vocabularySize)
	}
	pieces := make([]string, len(lines))
	for id, line := range lines {
		pieces[id] = textOf(line)
	}
	return &vocabulary{pieces: pieces}, nil
}

// textOf returns what a piece stands for: "<0xE2>" is one byte, U+2581 is a space.
func textOf(piece string) string {
	if len(piece) == len("<0x00>") && strings.HasPrefix(piece, "<0x") && piece[5] == '>' {
		if b, err := strconv.ParseUint(piece[3:5], 16, 8); err == nil {
			return string([]byte{byte(b)})
		}
	}
	return strings.ReplaceAll(piece, wordMark, " ")
}

// heardToken is a token that a model chose, and how probable it found it.
type heardToken struct {
	id          int64
	probability float32
}

// words joins the pieces of the tokens; ids that are not text are skipped. The words have no times yet. The
// confidence of a word is that of its least probable piece: a word is wrong if any part of it is.
func (v *vocabulary) words(tokens []heardToken) []Word {
	var joined strings.Builder
	var ends []int // of each token's text
	for _, token := range tokens {
		if token.id >= firstTextToken && token.id < int64(len(v.pieces)) {
			joined.WriteString(v.pieces[token.id])
		}
		ends = append(ends, joined.Len())
	}
	text := joined.String()
	var words []Word
	token := 0
	for begin := 0; begin < len(text); {
		size := strings.IndexFunc(text[begin:], isGap)
		if size < 0 {
			size = len(text) - begin
		}
		if size == 0 {
			_, width := utf8.DecodeRuneInString(text[begin:])
			begin += width
			continue
		}
		end := begin + size
		for ends[token] <= begin {
			token++
		}
		word := Word{Text: strings.ToValidUTF8(text[begin:end], "\uFFFD"), Confidence: 1}
		for i := token; i < len(ends) && (i == token || ends[i-1] < end); i++ {
			word.Confidence = min(word.Confidence, tokens[i].probability)
		}
		words = append(words, word)
		begin = end
	}
	return words
}

// isGap: nothing of a word, see [cleanText].
func isGap(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
