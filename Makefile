# Greenroom. `make run` sets everything up and serves http://localhost:8080; `make test` sets everything
# up and runs the tests. Everything that is fetched or built lands in .greenroom/ and web/node_modules.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

STATE := .greenroom
BIN   := $(STATE)/bin/greenroom
TOOLS := $(STATE)/tools
LIB   := $(STATE)/lib

GO_SOURCES   := $(shell git ls-files -co --exclude-standard '*.go' '*.sql' '*.json' go.mod go.sum 2>/dev/null | grep -v -e '^web/node_modules' -e '^\.ci/')
PAGE_SOURCES := $(shell git ls-files -co --exclude-standard web 2>/dev/null | grep -v -e '\.go$$' -e '^web/dist' -e '^web/testdata')

.PHONY: help run setup build page test test-go test-page e2e e2e-and-fuzz lint check eval bench fuzz fuzz-some crash soak mutate sbom vuln reproduce up down clean tools need fetch

help: ## what can be made
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

run: build ## set everything up and serve http://localhost:8080
	@exec $(BIN) serve

setup: need $(LIB)/.ready web/node_modules/.ready ## fetch what running needs: Go modules, page packages, speech model, ONNX Runtime, Postgres

build: setup $(BIN) ## build the page and the program

need:
	@.ci/need

$(LIB)/.ready: .ci/runtime.json .ci/setup-runtime.mjs
	@node .ci/setup-runtime.mjs $(LIB)
	@touch $@

web/node_modules/.ready: web/package.json web/package-lock.json
	@echo "set-up: page packages"
	@cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

page: web/dist/index.html ## build the page

web/dist/index.html: web/node_modules/.ready $(PAGE_SOURCES)
	@echo "set-up: building the page"
	@cd web && npm run --silent types && npm run --silent build
	@touch $@

$(BIN): $(GO_SOURCES) web/dist/index.html
	@echo "set-up: building greenroom (the first time takes some minutes)"
	@mkdir -p $(@D)
	@go build -trimpath -o $@ ./cmd/greenroom

# --- tests -----------------------------------------------------------------------------------------

test: test-go test-page e2e ## set everything up and run all tests

tools: need
	@.ci/tools-install $(TOOLS)

# Packages begin in the order they are named in: those that take longest first, so that none of them ends alone.
LONG_TESTS := ./cmd/greenroom ./storage ./assess ./media ./signaling ./web

# Arithmetic over thousands of texts, eight times slower under the race detector; what runs at the same time in it
# runs under the detector in other tests. What is killed at random is the built program: nobody hears what a detector
# in it would have said. The linters have vetted already.
ARITHMETIC := ^Test(TenThousandRequestsHoldNothingThatNamesAnybody|HonestTextsAreNotFlagged|OrdinaryTextIsLeftAlone)$$
test-go: setup tools build ## Go tests with the race detector, on real Postgres, versitygw and MinIO
	GREENROOM_TEST_PROGRAM=$(abspath $(BIN)) go test -race -vet=off -timeout 40m -parallel 4 -skip '$(ARITHMETIC)' $(LONG_TESTS) \
		$$(go list ./... | grep -v /assess/eval$$) # most tests wait: for speech in real time, for a database
	go test -trimpath -vet=off -run '$(ARITHMETIC)' ./assess
	go test -trimpath -vet=off ./assess/eval

test-page: web/dist/index.html ## types and unit tests of the page
	cd web && npm run --silent typecheck && npm run --silent test

e2e: build tools ## the whole program in Chromium with fake devices that play real speech
	cd web && node --test --test-concurrency=2 --test-reporter=spec e2e/ # speech takes its time: one waits, one works

# Pages wait for speech most of the time: what they leave is for the fuzzer, which gives way to them.
e2e-and-fuzz: build tools
	@nice -n 19 .ci/fuzz 5s $(FUZZED) > $(STATE)/fuzz.log 2>&1 & fuzz=$$!; \
	$(MAKE) --no-print-directory e2e; pages=$$?; \
	wait $$fuzz; found=$$?; cat $(STATE)/fuzz.log; exit $$((pages | found))

lint: need web/node_modules/.ready web/dist/index.html ## every linter
	@.ci/lint $(TOOLS)

# What comes over the network and what is compiled, at the same time.
fetch:
	@$(MAKE) --no-print-directory -j 3 --output-sync=target $(LIB)/.ready tools page

check: fetch lint test-go test-page e2e-and-fuzz ## exactly what CI runs: the linters, all that `make test` runs, and some fuzzing
	@if [ -n "$$GOVULNDB" ]; then .ci/vuln $(TOOLS) $(BIN); else echo 'vuln: not checked: GOVULNDB names no copy of the data'; fi

eval: build tools ## measure how well the configured model rates, or without one the built-in raters; then say twenty attacks aloud
	@if [ -n "$$GREENROOM_AI_CHAT_MODEL" ]; then $(BIN) eval --attacks --counterfactuals --repeat 1; \
	else for rater in reference noisy constant length gullible quote-inventing; do \
		$(BIN) eval --parallel 4 --attacks --counterfactuals --repeat 1 --rater $$rater; done; true; fi
	GREENROOM_EVAL_SPOKEN=20 go test -count=1 -v -timeout 60m -run TestSpokenAttacks ./cmd/greenroom

bench: build ## what recording costs beside floors and other recorders, and the Go benchmarks; docs/benchmarks.md says what was seen
	go run ./cmd/bench
	go test -timeout 60m -run '^$$' -bench . -benchmem ./media ./assess ./cmd/greenroom

fuzz: setup ## ten minutes of fuzzing for each target
	@.ci/fuzz 10m

# What a hostile sender, a damaged object or a stranger's offer reaches first.
FUZZED := FuzzOpusDepacketizer FuzzVP8Depacketizer FuzzVP9Depacketizer FuzzJitterBuffer FuzzParseChunk FuzzHear \
	FuzzScanSegment FuzzSegmentReader FuzzCheckOffer FuzzWHIP FuzzDatagram

fuzz-some: web/dist/index.html
	@.ci/fuzz 20s $(FUZZED)

soak: setup ## the cases of a bad network for a minute each with three seeds, clocks over two hours, a thousand half-open connections, two hundred sessions, ten minutes without the object store
	GREENROOM_SOAK=1 go test -count=1 -v -p 1 -timeout 60m -run 'Test(NetworkCases|HalfOpenConnectionsLeaveNothing|SessionsThatComeAndGoLeaveNothing|ClockSkewInTheFile)$$' ./media ./signaling
	GREENROOM_SOAK=1 go test -count=1 -v -timeout 30m -run TestBadObjectStoreDuringAnInterview ./cmd/greenroom

crash: setup tools web/dist/index.html ## kill the whole program at 200 random moments, and between each two steps of keeping a segment
	GREENROOM_CRASHES=$${GREENROOM_CRASHES:-200} go test -count=1 -v -timeout 120m -run 'TestServerKilledAtRandomMoments|TestKilled|TestPowerCut' ./storage ./cmd/greenroom

mutate: setup ## take every condition of the walls out once, and compare long random histories; takes a while
	go test -count=1 -v -run 'TestEveryConditionOf(Decide|EveryPolicy|TheKeyService)IsNoticed' ./consent ./storage
	GREENROOM_HISTORIES=60 go test -count=1 -v -timeout 60m -run TestThreeModelsAgreeOnEveryHistory ./storage

# --- supply chain ----------------------------------------------------------------------------------

sbom: build ## list what the program and its page are made of, as CycloneDX, in .greenroom/sbom
	@.ci/sbom $(TOOLS) $(BIN) $(STATE)/sbom

vuln: build ## look for known vulnerabilities in what is linked in; its data come from the network or from GOVULNDB
	@.ci/vuln $(TOOLS) $(BIN)

reproduce: page ## build twice in different folders, from nothing, and compare; takes a while
	@.ci/reproduce --cold

# --- compose ---------------------------------------------------------------------------------------

up: ## start everything in containers
	docker compose up --build --detach

down: ## stop the containers; the data stays
	docker compose down

clean: ## remove what was built and fetched; the data of `make run` stays in .greenroom/data
	rm -rf $(STATE)/bin $(TOOLS) $(LIB) web/dist web/node_modules
