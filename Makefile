# One command for each thing. `make` alone lists them.
.PHONY: help setup dev test sim sim-big sim-scale check attack fuzz bench crowd soak cost verify-draw deploy secret clean
help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13
setup: ## install what is missing
	@tools/setup.sh
dev: ## a waiting room in front of a demo shop, on this machine
	@tools/dev.sh
test: setup ## every test: native, workerd, browser
	@tools/test.sh
sim: ## a thousand seeds and a fresh one; SEED=7 for one, ARGS="--seeds 9 --first 1" for others
	@tools/sim.sh $(ARGS)
sim-big: ## a million visitors at noon: figures, and a chart in target/sim-big.svg
	@tools/sim.sh --big
sim-scale: ## ten million visitors from 300 data centers; figures and a chart in target/bench
	@tools/sim.sh --scale
check: ## format, lints, docs, dependencies
	@tools/check.sh
attack: ## what attackers try, against a running Anteroom; a table of what was stopped
	@tools/setup.sh build && tools/build.sh && PATH="$(CURDIR)/tests/node_modules/.bin:$$PATH" node tests/attack/run.mjs
fuzz: ## make up inputs for every reader of bytes; TIME=60 seconds for each, TARGETS="token batch" for some
	@tools/fuzz.sh run $(or $(TIME),60) $(TARGETS)
bench: ## time the gate, polls, joins and the core; report in target/bench/report.json
	@tools/setup.sh build && tools/build.sh && tests/bench/hello.sh && \
		PATH="$(CURDIR)/tests/node_modules/.bin:$$PATH" node tests/bench/run.mjs
crowd: ## a crowd for the room of `make dev`; ARGS="--visitors 500" for another
	@cargo run --quiet --release -p anteroom-crowd -- --url http://localhost:8787/ --visitors 100 --limit 20 \
		--shop-stats http://127.0.0.1:8788/stats $(ARGS)
soak: ## a crowd while the machine is switched off again and again; TIME=120 seconds of it, SEED=7 for the same moments
	@tools/setup.sh build && tools/build.sh && \
		PATH="$(CURDIR)/tests/node_modules/.bin:$$PATH" TIME=$(TIME) SEED=$(SEED) node tests/soak/run.mjs
cost: ## what an hour costs, by line item, in target/bench/cost.json; ARGS="--visitors 50000 --seats 500" for another, ARGS=--help for more
	@mkdir -p target/bench && cargo run --quiet --profile sim -p anteroom-cost -- --json target/bench/cost.json $(ARGS)
verify-draw: ## check a finished draw; FILE=draw.json or an address, COMMITMENT=what was promised, EVENT=, RANK=17 for one place
	@python3 tools/verify_draw.py "$(FILE)" $(if $(RANK),"--rank=$(RANK)") $(if $(EVENT),"--event=$(EVENT)") $(if $(COMMITMENT),"--commitment=$(COMMITMENT)")
deploy: ## build and upload to your account
	@tools/setup.sh build && PATH="$(CURDIR)/tests/node_modules/.bin:$$PATH" wrangler deploy
secret: ## make a random key, keep it in your account, and show it once: NAME=KEY_CURRENT (docs/keys.md)
	@[ -n "$(NAME)" ] || { echo "say which secret: make secret NAME=KEY_CURRENT. To change a key that is in use see docs/keys.md" >&2; exit 1; }
	@tools/setup.sh build && key=$$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n') && \
		printf %s "$$key" | PATH="$(CURDIR)/tests/node_modules/.bin:$$PATH" wrangler secret put $(NAME) && \
		echo "$(NAME) is $$key" && echo "Keep it where you keep passwords: it cannot be read back, and whoever changes it needs it (docs/keys.md)."
clean: ## remove what was built here
	@rm -rf build target .wrangler tests/node_modules
