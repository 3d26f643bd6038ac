// Package eval measures how well a rater rates: it walks answers with known levels through the real
// pipeline of assess, and compares what comes out.
//
//	gold set, attacks, swaps ─► Item ─► Runner: assess.Assessor over memory ─► Rated ─► Report ─► criteria, card
//
// Answers are text; they become lines as speech does, with word times that are spread. There is no
// database: a sitting holds what the assessor reads and writes, and asks for Permits as storage does. Raw
// replies of the model are looked at before the pipeline checks them, so that what it makes up is counted
// although none of it is kept.
//
// # What is measured
//
// Agreement with the set's levels (quadratic weighted kappa, ICC, bias), always beside a rater that says 3
// and one that counts words, with bootstrap intervals that are the same each time; twins of which one is
// better; levels that attacks gain; levels that another name or grammar makes; agreement with itself; what
// it costs. A level is of the set, by construction, or of people: never the one under the other's name.
//
// # Stored sessions
//
// [Replay] rates sessions again that models rated before, where the gate lets it, and compares old levels with
// new ones. What it reads from ([Stored]) has no way to write.
//
// # Goroutines
//
// [Runner.Rate] starts as many workers as it may rate answers at the same time, and waits for them. All
// else works in the goroutine that calls it.
package eval
