package rehearse

import (
	"bytes"
	"errors"
	"fmt"
)

var errNotOgg = errors.New("not an Ogg file")

// oggPackets splits an Ogg file with one logical stream (RFC 3533) into its packets. A packet ends with
// the first lacing value below 255 and may go on over pages.
func oggPackets(file []byte) ([][]byte, error) {
	const header = 27
	var packets [][]byte
	var packet []byte
	for len(file) > 0 {
		if len(file) < header || !bytes.HasPrefix(file, []byte("OggS")) {
			return nil, fmt.Errorf("%w: no page where one should begin", errNotOgg)
		}
		lacing := int(file[26])
		if len(file) < header+lacing {
			return nil, fmt.Errorf("%w: a page is cut off", errNotOgg)
		}
		table, body := file[header:header+lacing], file[header+lacing:]
		for _, n := range table {
			if len(body) < int(n) {
				return nil, fmt.Errorf("%w: a page is cut off", errNotOgg)
			}
			packet = append(packet, body[:n]...)
			body = body[n:]
			if n < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
		file = body
	}
	return packets, nil
}
