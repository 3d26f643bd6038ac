// Package judge is for tests. It makes source clips with ffmpeg and judges recordings of them with
// ffmpeg and ffprobe only, so that nothing of ours is believed about what is in a file.
//
//	Video.Frames, Sound.Frames ─► whoever publishes ─► a recording as WebM ─► Open ─► Pictures, Packets,
//	         │                                                                        Offsets, Duration
//	         └─ Reference: what each picture decodes to
//
// Every picture of a [Video] and every packet of a [Sound] is unlike all others, so that what a file
// holds says which of the source's it is. A picture that was decoded from the wrong ones before it is
// none of the source's: bit-exact comparison sees what decodes without an error to a wrong picture.
//
// Both clips are marked at each whole second: the picture flashes, the sound beeps. How far apart the
// two lie in a recording is how far sound and picture are out of step.
//
// The package imports nothing of ours: tests of every package that has to do with media may use it.
// What was made is kept for the life of the process, may be used from several tests at once, and must
// not be changed.
package judge
