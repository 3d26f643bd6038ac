// Package rehearse is a scripted candidate: it joins a server over the real protocol, gives consent,
// plays speech and video files through a real peer connection, and checks what comes back.
//
// Data in: a server's address, an account or none (then it signs up), Ogg Opus and IVF VP8 files. Data
// out: progress lines and a [Result]. One goroutine sends audio and one sends video while [Run] reads
// the room; all three end before Run returns.
package rehearse
