package web

import (
	"slices"
	"strings"
)

// common are passwords that head every published count of leaked ones, by their root: what people add
// to a root (a digit, a year, a mark) is not worth a line of its own, since too little is left of it.
const common = `
password passwort passwd contraseña motdepasse wachtwoord parola senha kennwort p@ssw0rd p@ssword passw0rd
welcome willkommen bienvenue letmein iloveyou loveyou ihateyou trustno1 whatever changeme changeit default
secret secure access master admin administrator superuser root toor guest test testing temp temporary login
logon signin user username demo sample example qwerty qwertz azerty qazwsx qazxsw wsxedc zaqxsw 1q2w3e4r 1q2w3e
q1w2e3 zaq12wsx asdf asdfgh asdfghjkl zxcvbn zxcvbnm qweasd qwe123 abc123 abcd1234 a1b2c3 123abc 123qwe 1qaz
2wsx 3edc
monkey dragon football baseball basketball soccer hockey superman batman spiderman pokemon starwars princess
sunshine shadow michael jennifer jordan michelle jessica ashley daniel thomas charlie george andrew matthew
joshua hunter ranger tigger summer winter spring autumn january february march april june july august september
october november december monday tuesday wednesday thursday friday saturday sunday freedom liverpool arsenal
chelsea barcelona mustang corvette ferrari mercedes porsche harley maggie ginger pepper cookie buster bailey
killer computer internet google facebook twitter instagram linkedin microsoft windows apple samsung android
hello flower lovely angel babygirl blessed jesus christ qwer1234 696969 112233 121212 131313 123123 123321
654321 666666 777777 888888 999999 159753 147258 123654 789456 987654 102030 000000 111111 555555
correcthorsebatterystaple correct horse battery staple thisisapassword thisismypassword mypassword nopassword
interview candidate employer recruiter
`

// commonPasswords returns them with the longest first, so that a root inside a root does not hide it.
func commonPasswords() []string {
	list := strings.Fields(common)
	slices.SortStableFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}
