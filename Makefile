# Everything a person or CI does with this repository. `make test` needs no cluster and no network beyond a crates
# registry and Debian's; it gathers its tools itself (scripts/).

BUILD := $(or $(CARGO_TARGET_DIR),target)
IMAGE_TRUST := $(abspath $(BUILD)/release/image-trust)
XTASK := $(abspath $(BUILD)/release/xtask)
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock .cargo/config.toml Makefile
# One set of features and one profile for everything native: nothing heavy is built twice.
NATIVE := --release --workspace --no-default-features
GUEST := --profile guest --lib --target wasm32-wasip1
# Panic messages name source files. Those of dependencies lie in cargo's home, whose path would make the module of each machine another one.
HOME_OF_CARGO := $(or $(CARGO_HOME),$(HOME)/.cargo)
SAME_PATHS := --config 'target.wasm32-wasip1.rustflags=["--remap-path-prefix=$(HOME_OF_CARGO)/registry/src=/rust/deps"]'

export IMAGE_TRUST_TOOLS := $(abspath $(or $(IMAGE_TRUST_TOOLS),target/test-tools))
# What is compiled for one test serves the next, and the user's own cache stays as it is.
export XDG_CACHE_HOME := $(abspath $(BUILD))/cache
# kwctl where there is one, since it is the judge; our own command takes the same flags.
KWCTL ?= $(or $(shell command -v kwctl),$(IMAGE_TRUST))
export KWCTL
export XTASK

.PHONY: all
all: policy.wasm

policy.wasm: $(SOURCES)
	scripts/wasm-target
	cargo rustc $(GUEST) $(SAME_PATHS) --crate-type cdylib
	scripts/wasm-opt $(BUILD)/wasm32-wasip1/guest/image_trust.wasm $@

# The native command is built for it only where there is no kwctl.
annotated-policy.wasm: policy.wasm metadata.yml README.md | $(if $(filter $(IMAGE_TRUST),$(KWCTL)),image-trust)
	$(KWCTL) annotate -m metadata.yml -u README.md -o $@ policy.wasm

# The native command. cargo knows best whether there is anything to do.
.PHONY: image-trust
image-trust:
	cargo build $(NATIVE) --bins

.PHONY: demo
demo: policy.wasm image-trust
	$(IMAGE_TRUST) demo policy.wasm

.PHONY: bench
bench: policy.wasm image-trust
	$(XTASK) bench policy.wasm

# In this order also under `make -j`: one cargo at a time, and the counts last.
.PHONY: test
test:
	$(MAKE) lint
	$(MAKE) deny
	scripts/test-tools
	$(MAKE) policy.wasm
	$(MAKE) unit-tests
	@cat $(IMAGE_TRUST_TOOLS)/skipped.txt
	$(MAKE) e2e-tests
	$(MAKE) site-tests

# The live tests among them, as far as the third-party tools are there; they say what they skip.
.PHONY: unit-tests
unit-tests: policy.wasm
	cargo test $(NATIVE) --no-fail-fast

# Only those that run third-party tools, after gathering these.
.PHONY: live-tests
live-tests: policy.wasm
	scripts/test-tools
	cargo test $(NATIVE) --test live

.PHONY: e2e-tests
e2e-tests: annotated-policy.wasm image-trust
	scripts/e2e

# What is long: every fault at every question through the module, which takes a minute or two, and for SECONDS beside building load with
# images that are really signed, and what libFuzzer and cargo-mutants find in their part of the time. The last one needs some
# minutes to build before it begins.
SECONDS := 1800
.PHONY: torture
torture: policy.wasm image-trust
	IMAGE_TRUST_TORTURE=1 cargo test $(NATIVE) --test hostile_hosts
	$(XTASK) bench policy.wasm --load $$(($(SECONDS) / 20 + 1))
	scripts/fuzz all $$(($(SECONDS) / 2))
	scripts/mutants $$(($(SECONDS) * 9 / 20))

# The site in target/site: the book of docs/ and the playground. Needs Node with npm.
.PHONY: site
site: policy.wasm image-trust
	IMAGE_TRUST=$(IMAGE_TRUST) scripts/playground
	scripts/book

# The playground in headless Chromium, which is Debian's unless there is one. Without Node 20, npm's registry or Chromium it says so, and tests nothing.
.PHONY: site-tests
site-tests: policy.wasm image-trust
	IMAGE_TRUST=$(IMAGE_TRUST) scripts/site-tests

.PHONY: lint
lint:
	cargo fmt --all --check
	cargo clippy $(NATIVE) --all-targets -- -D warnings
	scripts/wasm-target
	cargo clippy $(GUEST) -- -D warnings
	cargo check --release --no-default-features
	RUSTDOCFLAGS='-D warnings' cargo doc $(NATIVE) --lib --no-deps

# Whether two builds of the committed sources in different folders give the same bytes. It compiles the module twice, so it is no part of `make test`.
.PHONY: reproducible
reproducible:
	scripts/reproducible

# The workflows of GitHub and the scripts, by actionlint and shellcheck. What is not there is named and skipped.
.PHONY: workflows
workflows:
	scripts/workflows

# Licenses, sources and advisories of everything that is built (deny.toml).
.PHONY: deny
deny:
	scripts/deny

.PHONY: clean
clean:
	cargo clean
	rm -f policy.wasm annotated-policy.wasm
