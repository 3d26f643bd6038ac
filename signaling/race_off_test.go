//go:build !race

package signaling

const raceDetector = false
