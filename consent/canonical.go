package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errNotCanonical = errors.New("it is not spelled the one way it is written")

// parseCanonical decodes JSON from outside into a value, and refuses it unless writing the value gives
// the same bytes again: a field twice, an unknown one, another order or other white space would let two
// readers see two things in what was signed once.
func parseCanonical(text []byte, most int, into any) error {
	if err := parseStrict(text, most, into); err != nil {
		return err
	}
	again, err := json.Marshal(into)
	if err != nil {
		return fmt.Errorf("write it again: %w", err)
	}
	if !bytes.Equal(text, again) {
		return errNotCanonical
	}
	return nil
}

// parseStrict decodes one JSON value of at most so many bytes, without unknown fields.
func parseStrict(text []byte, most int, into any) error {
	if len(text) > most {
		return fmt.Errorf("it has %d bytes, at most %d are read", len(text), most)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("it is not the JSON that was expected: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}
