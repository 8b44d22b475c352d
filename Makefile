# Two commands do all the set-up on a fresh machine with Rust and a C compiler: `make run` and `make test`.

TARGET := $(or $(CARGO_TARGET_DIR),target)
SHELL := /bin/sh

.PHONY: help run test build fmt clippy tidy unit planted process conformance specs tapes deny soak bench-decode

help:
	@echo "make run    build Outrigger and start it beside a simulated exchange, on http://127.0.0.1:7373"
	@echo "make test   install what the tests need, then run every check and every test"
	@echo "make soak   millions of random lives of orders, a hundred million changes of books, a million schedules of the rate budget, 10,000 power"
	@echo "            cuts, a million damaged ledgers, ten minutes of the busy market (an hour and a half)"
	@echo "parts of make test: fmt clippy build tidy unit planted process conformance specs deny"
	@echo "make bench-decode   measure decode and book apply beside the alternatives"

run:
	@echo "Building Outrigger (a few minutes the first time), then starting it beside a simulated exchange."
	@echo "No account, key or network is needed. Ctrl-C stops it. It says what to try once it is ready."
	cargo build --release --locked -p outrigger
	"$(TARGET)/release/outrigger" run

test: fmt clippy build tidy unit planted process conformance specs deny
	@echo "make test: everything passed"

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --locked -- -D warnings

# One build for everything below. With --all-targets the binary gets the same features as the tests, so nothing is built twice.
build:
	cargo build --workspace --all-targets --locked

# Every selection below is made within the whole workspace: with -p the features would differ and all would be built again.
tidy: build
	cargo test --locked --workspace --test tidy

unit: build tapes
	OUTRIGGER_EXCHANGE_TAPES="$(TAPES)" cargo test --locked --workspace --lib --bins $(UNIT_TESTS)

# The engine once more, with bugs planted on purpose: each must be found, by the seed written down and from scratch. Nothing but
# this one test is built with them, and the product refuses to be.
planted: build
	cargo test --locked --workspace --features outrigger-engine/planted-bugs --test desk_simulation planted

# Whole-process tests start the built binary themselves and want the machine: one test file after the other.
process: build tapes
	OUTRIGGER_EXCHANGE_TAPES="$(TAPES)" OUTRIGGER_BIN="$(abspath $(TARGET))/debug/outrigger" cargo test --locked --workspace $(PROCESS_TESTS)

named = $(foreach file,$(1),--test $(notdir $(basename $(patsubst %/main.rs,%.rs,$(file)))))
UNIT_TESTS = $(call named,$(filter-out tests/tests/%,$(wildcard */tests/*.rs */tests/*/main.rs)))
PROCESS_TESTS = $(call named,$(filter-out tests/tests/tidy.rs tests/tests/venue_conformance.rs,$(wildcard tests/tests/*.rs)))

# Exchanges of the tests leave their tapes here; `specs` holds them to the published specifications.
TAPES = $(abspath $(TARGET))/tapes

# What takes too long for every change: many more lives of orders and random changes than the unit tests make (OUTRIGGER_SEED begins
# elsewhere), the planted bugs sought from another seed on, and the busy market through a whole sidecar.
soak:
	OUTRIGGER_SEEDS="$(or $(SEEDS),3000000)" OUTRIGGER_SEED="$(or $(OUTRIGGER_SEED),100001)" cargo test --locked --workspace --test desk_simulation every_seed -- --nocapture
	OUTRIGGER_SEED="$(or $(OUTRIGGER_SEED),100001)" cargo test --locked --workspace --features outrigger-engine/planted-bugs --test desk_simulation from_scratch -- --nocapture
	OUTRIGGER_POWER_CUTS=10000 OUTRIGGER_CORRUPTIONS=1000000 cargo test --locked --workspace --lib -- --nocapture \
		a_power_cut_loses_nothing_that_was_acknowledged no_damage_is_used_silently
	OUTRIGGER_BOOK_DELTAS="$(or $(DELTAS),100000000)" cargo test --locked --workspace --test book_differential -- --nocapture
	OUTRIGGER_BUDGET_SCHEDULES="$(or $(SCHEDULES),1000000)" cargo test --locked --workspace --lib -- random_schedules --nocapture
	cargo build --release --locked -p outrigger
	OUTRIGGER_BIN="$(abspath $(TARGET))/release/outrigger" cargo run --release --locked -p outrigger-tests --bin soak_busy -- 10

# The official SDKs, Python and TypeScript, against the simulated exchange.
conformance: build tapes
	OUTRIGGER_EXCHANGE_TAPES="$(TAPES)" OUTRIGGER_BIN="$(abspath $(TARGET))/debug/outrigger" tests/conformance/run

# What the exchanges of all tests before it said, against the published specifications.
specs: build
	OUTRIGGER_EXCHANGE_TAPES="$(TAPES)" cargo test --locked --workspace --test venue_conformance

# Tapes of this run alone.
tapes:
	rm -rf "$(TAPES)" && mkdir -p "$(TAPES)"

# Advisories, bans, licences and sources of the dependencies.
deny:
	CARGO_TARGET_DIR="$(abspath $(TARGET))" tests/deny/run

# Frame to book beside the alternatives, in a workspace of its own (benchmarks/): its heavy peers are built here only.
bench-decode:
	cd benchmarks && CARGO_TARGET_DIR="$(abspath $(TARGET))" cargo run --release --locked --bin decode
	cd benchmarks && CARGO_TARGET_DIR="$(abspath $(TARGET))" cargo run --release --locked --bin allocations
