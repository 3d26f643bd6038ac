package assess

import "strings"

// private reports whether a question is about what an interview may not ask anybody: age, family, pregnancy,
// religion, origin, race, health, disability, sexuality, politics, unions, pay, and a criminal record.
//
// What is told of other people's lives is part of many jobs, of a nurse's most of all. Therefore words that may be
// about others count only where they are about the candidate.
func private(question string) bool {
	text := " " + strings.Join(foldedPieces(question), " ") + " "
	for _, pattern := range privatePatterns {
		if pattern.MatchString(text) {
			return true
		}
	}
	return false
}

// The parts that the patterns are made of.
const (
	yours = ` your (?:\S+ ){0,2}?`
	areu  = ` (?:are|were|was|been|being|be|feel|felt|get|got|become) (?:you )?(?:\S+ )?`
)

var privatePatterns = rules(
	// Age.
	` how old | years old | age | aged | birth ?day | date of birth | year of birth | (?:you|when) (?:\S+ )?born | too (?:young|old) | retire(?:d|ment)? `,
	` (?:what|which) year (?:did )?you (?:\S+ )?(?:graduate|finish|leave|start) | when did you (?:graduate|finish (?:your )?(?:school|college|university)|leave school) | generation are you `,
	` (?:are|were) you (?:\S+ ){0,2}?(?:over|under|past|above|below|in your) (?:twenty|thirty|forty|fifty|sixty|seventy|twenties|thirties|forties|fifties|sixties|\d\d) `,
	// Family.
	` (?:are|were) you (?:\S+ ){0,2}?(?:mother|father|mum|mom|dad|parent|single|engaged|husband|wife) `,
	yours+`(?:famil(?:y|ies)|parents?|mother|father|mum|mom|dad|brothers?|sisters?|siblings|grandm\S+|grandf\S+|in laws|relatives|husband|wife|spouse|partner|girlfriend|boyfriend|fiancee?|child|children|kids?|sons?|daughters?|baby|babies|surname) `,
	` (?:married|marriage|marry|marital|divorced?|widow(?:ed|er)?|fiancee?|maiden name|single parent) `,
	` family (?:status|plans?|planning|background|situation|life|name|commitments) | (?:start|starting|have|having|raise|raising|own) a? ?family `,
	` you (?:\S+ ){0,3}?(?:have|having|want|wanting|expect|expecting|raise|raising|plan for|planning for) (?:\S+ ){0,2}?(?:child|children|kids?|bab(?:y|ies)|sons?|daughters?|husband|wife|spouse|girlfriend|boyfriend) `,
	` child ?care | school run | look after (?:\S+ ){0,2}?at home | (?:home|private|personal|love) life | you (?:\S+ )?live (?:alone|with) `,
	` pregnan\S* | maternity | paternity | parental leave | breast ?feed\S* | expecting a (?:child|baby) `,
	// Religion.
	` religio\S* | church(?:es)? | mosques? | synagogues? | temples? | faith | pray(?:s|ed|ing|ers?)? | god | muslims? | christian(?:s|ity)? | jew(?:s|ish)? | hindu\S* | buddhis\S* | atheis\S* | catholic\S* | protestants? | islam\S* | bible | quran | koran | ramadan | sabbath | worship\S* `,
	// Origin and race.
	` (?:are|were) you (?:\S+ )?from | native (?:\S+ )?(?:language|tongue|speaker) `,
	` where (?:are|were) you (?:\S+ ){0,2}?from | where do you (?:\S+ ){0,2}?come from | (?:country|city|place) (?:are|were|do) you (?:\S+ )?(?:from|come) | you (?:\S+ )?(?:grow|grew|grown) up | you (?:\S+ )?raised `,
	` nationality | nationalities | citizens?(?:hip)? | ethnic\S* | immigra\S* | migrants? | refugees? | foreigners? | mother tongue | (?:native|first) (?:language|tongue|speaker|country) | ancest\S* | heritage | home country | birth ?place | passports? | visas? | residence permit | accents? `,
	yours+`(?:origins?|roots|homeland|tribe|caste|skin) `,
	` race | races | racial\S* | racis\S* | skin colou?r | you (?:\S+ )?(?:black|white|asian|african|arab|latin[ao]|hispanic|indian|chinese|european|american) `,
	// Health and disability.
	` (?:do|did|have|had) you (?:\S+ ){0,3}?(?:health (?:problems?|issues?|conditions?|troubles?)|illness\S*|diseases?|medical|chronic\S*|diabetes|cancer|asthma|epilepsy|migraines?|hiv|allerg\S+|injur\S+) `,
	yours+`(?:health|illness|disease|condition|medications?|diagnosis|therapy|therapist|doctor|impairment|weight|height|surgery|body) `,
	areu+`(?:ill|sick|unwell|disabled|depressed|addicted|hospitali[sz]ed|diagnosed|pregnant|blind|deaf) `,
	` disab\S+ | sick (?:leave|days?) | days? off sick | mental (?:health|illness) | burn ?out | handicap\S* | wheelchairs? | you (?:\S+ )?suffer\S* | you (?:\S+ )?(?:smoke|drink|take (?:\S+ )?(?:drugs|medications?)) | medications? (?:do|did|are) you | neurodiver\S* | autis\S* | adhd | dyslexi\S* `,
	// Sexuality.
	` sex(?:es|ual\S*)? | (?:homo|hetero|bi|trans)sexual\S* | gay | lesbian | queer | lgbt\S* | transgender | gender\S* | pronouns | orientation `,
	// Politics and unions.
	` which (?:political )?party (?:do|did|would) you (?:\S+ )?(?:support|vote|belong|join|like|prefer) `,
	` politic\S* | voted? for | you (?:\S+ )?vote | your vote | elections? | democrats? | republicans? | (?:left|right) wing | activis\S* | party (?:member\S*|support\S*) | trump | brexit `,
	` trade unions? | labou?r unions? | unioni[sz]\S* | (?:a|any|your|join|joined|joining) unions? | (?:in|of|to|join|joined|joining) the unions? | union (?:members?|membership|reps?|representatives?|dues|fees) | works council | go on strike | on strike `,
	// Pay.
	` salar(?:y|ies) | wages? | payslips? | you (?:\S+ )?paid | paid you | pay rise | pay you | (?:hourly|daily|day) rate | how much (?:\S+ ){0,4}?(?:earn(?:ed|ing)?|paid|pay) | how much do you make | what do you earn `,
	yours+`(?:pay|income|compensation|earnings|bonus|debts?|rent|mortgage) `,
	// A criminal record.
	` you (?:\S+ ){0,4}?(?:with|by) the police `,
	` crim(?:e|es|inal\S*) | convict\S* | arrest\S* | prisons? | jail\S* | probation | felon\S* | misdemeano\S* | police record | offen[cs]es? | charged with | in court `,
)
