package assess

import "strings"

// The words that masking goes by. They are English, as the questions are.

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

var (
	// ordinaryWords are names, or parts of mail addresses, that are said in every interview for what
	// they mean. They are masked where they stand like a name.
	ordinaryWords = wordSet(`able about account admin all an and angel any app art as ash at baker bank banks bar be bell
		berry best bill billing bishop black blue bloom bond book brook brooks brown buck burns bush business but butler
		by can candidate care career carpenter carter case cash chance chase christian church clay cliff clients coach
		code cole company contact cook cooper corn cross day days dean demo design dev dick do dollar drew earl earnest
		east email employer engineer ever example eve even faith farmer field fields finance first fisher flowers for ford
		forest foster fox frank free freeman friend gardener general gold good grace grant gray green group guy hall happy
		hardy he hello help her him hill him his home hope hops house how hunt hunter i if in info is it jack jan job jobs
		join joy judge june just justice keen key king knight lab labs lake lane last law lead league lee legal let light
		lily little long love low mail major man mark marks marsh marshall mason may me media mercy merry mid mike miller
		mine miles moon moss my name near new news nice nick noble noon norm north not now of office old olive on one ops
		or our owner page pages park parks patience pat paul people person piper pitt play poole pope porter post potter
		price prince private pro product project quick rain ran ray read real reed rich right rivers rob robin rock rod
		rose royal ruby rush sage sales sam sandy school self service sharp shop short sky skip small smart so son song
		south sports spring staff star stone storm street strong studio sue summer support swift system tab tanner team
		tech test tester the they thing to todd too town training true tuck turner up us user van vice walker wall ward
		was water way we web welcome wells west what white wild will win winner winter wise with wolf wood woods word
		work world would wright yes you young your`)

	mailProviders = wordSet(`gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com
		me.com mac.com aol.com proton.me protonmail.com pm.me gmx.com gmx.de gmx.net web.de t-online.de mail.com mail.ru
		yandex.ru yandex.com zoho.com fastmail.com hey.com tutanota.com tuta.com qq.com 163.com 126.com orange.fr free.fr
		libero.it comcast.net verizon.net`)

	ownWords      = wordSet(`my our`)
	callWords     = wordSet(`call called calls`)
	nameNouns     = wordSet(`name names surname nickname firstname lastname fullname username`)
	handleNouns   = wordSet(`handle username nickname github gitlab bitbucket linkedin twitter instagram facebook tiktok telegram signal whatsapp skype discord slack mastodon bluesky email mail profile account id user`)
	speakingWords = wordSet(`speaking here calling`)
	nameParticles = wordSet(`van von de der den del della da dos di du la le bin bint ibn al el ter ten zu zum y e st`)
	fillers       = wordSet(`uh um uhm er erm ah hmm like well actually just simply basically so yeah`)

	// titles stand before a name and nothing else.
	titles      = wordSet(`mr mrs ms miss dr prof professor sir madam mister`)
	shortTitles = wordSet(`mr mrs ms dr prof`) // with or without a full stop
	selfWords   = wordSet(`i im ive id ill`)
	// relations stand before a name or before nothing.
	relations = wordSet(`manager boss supervisor colleague coworker teammate lead director ceo cto founder cofounder mentor
		friend partner wife husband brother sister mother father son daughter client customer recruiter interviewer
		teacher named`)

	// notNames end what could be a name, and begin none.
	notNames = wordSet(`i im ive id ill a an the and or but so because as at by for from in into is of on to with was were are
		am be been being do did does done have had has not no yes we you he she it they my your our their this that these
		those who whom which what when where why how then than if after before since until while about also very really
		currently now today here there working worked work born based living live calling speaking going looking trying
		glad happy excited interested responsible sorry sure afraid good great fine its me us him her them can could will
		would should may might must one two three four five six seven eight nine ten more most some any all both each
		other another such only own same just well let lets thanks thank hello hi hey`)

	schoolWords     = wordSet(`university universität université universidad università universitat universita college school institute institut academy polytechnic hochschule uni`)
	schoolParticles = wordSet(`of for the and at in de di la le der des del`)

	software       = wordSet(`asp.net vb.net ado.net ml.net socket.io draw.io next.io node.io`)
	joints         = wordSet(`dot underscore dash hyphen slash period plus minus`)
	betweenDigits  = wordSet(`uh um er dash hyphen plus minus space dot then extension ext`)
	spokenEndings  = wordSet(`com org edu gov io dev info biz app ai uk de fr es nl eu ca ch se pl pt cz dk cn jp br au ru tv`)
	domainEndings  = `com|org|net|edu|gov|mil|int|io|dev|ai|app|info|biz|me|co|uk|de|fr|es|it|nl|eu|us|ca|ch|at|be|se|no|dk|fi|pl|pt|cz|gr|ie|in|cn|jp|kr|br|mx|au|nz|za|ru|ua|tr|tv|xyz|online|site|page|tech|cloud|example|test|invalid`
	digitWordsOnly = `zero oh o nought naught one two three four five six seven eight nine`
)

// spokenDigits is how many digits a word stands for. "Double" and "triple" stand for those that they
// add to the next one.
var spokenDigits = func() map[string]int {
	digits := map[string]int{"double": 1, "triple": 2}
	for word := range strings.FieldsSeq(digitWordsOnly) {
		digits[word] = 1
	}
	for word := range strings.FieldsSeq(`ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
		twenty thirty forty fifty sixty seventy eighty ninety`) {
		digits[word] = 2
	}
	return digits
}()
