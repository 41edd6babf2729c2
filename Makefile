# libcaption.  `make help` lists the targets; variables a packager sets come first.
CC       ?= cc
AR       ?= ar
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
INSTALL  ?= install
NM       ?= nm
PKG_CONFIG ?= pkg-config
bindir     ?= $(PREFIX)/bin
libdir     ?= $(PREFIX)/lib
includedir ?= $(PREFIX)/include
datadir    ?= $(PREFIX)/share
mandir     ?= $(datadir)/man
# what is built in: 0 leaves it out
JPEG     ?= 1# libjpeg
PNG      ?= 1# libpng
OPENBLAS ?= 1# without it: a plain C matrix product
ZLIB     ?= 1# without it: our own CRC-32; the tools always need zlib
FILES    ?= 1# opening models and images by name
THREADS  ?= 1# more than one thread a session
MALLOC   ?= 1# objects that the library allocates itself
WERROR   ?= 0# 1 makes warnings errors (continuous integration)

VERSION := 0.1.0
SOVERSION := 0

# `make deps demo`: deps runs first and the rest in a make of its own, which sees what was installed
ifneq (,$(filter deps,$(MAKECMDGOALS)))
LATER := $(filter-out deps,$(MAKECMDGOALS))
.PHONY: deps $(LATER)
deps:
	@CC="$(CC)" PKG_CONFIG="$(PKG_CONFIG)" PNG="$(PNG)" OPENBLAS="$(OPENBLAS)" sh tools/deps.sh
	@$(if $(LATER),$(MAKE) --no-print-directory $(LATER))
$(LATER): deps
	@:
else

# ---- machine ----------------------------------------------------------------
MACHINE := $(shell $(CC) -dumpmachine)
ifneq (,$(filter x86_64-%,$(MACHINE)))
ISAS := avx2 avx512
FEW_ISAS := avx512vnni
else ifneq (,$(filter aarch64-%,$(MACHINE)))
ISAS := neon
FEW_ISAS :=
else
ISAS :=
FEW_ISAS :=
endif
FLAGS_avx2   := -mavx2 -mfma
FLAGS_avx512 := -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512
FLAGS_avx512vnni := $(FLAGS_avx512) -mavx512vnni
FLAGS_neon   :=
# bodies for which the sets of FEW_ISAS have something of their own
FEW_BODIES   := int16

# ---- flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
ifeq ($(WERROR),1)
WARN += -Werror
endif
with = $(if $(filter 1,$($(1))),1,0)
PKGS := $(if $(filter 1,$(JPEG)),libjpeg) $(if $(filter 1,$(ZLIB)),zlib) $(if $(filter 1,$(PNG)),libpng) \
	$(if $(filter 1,$(OPENBLAS)),openblas)
DEFS := -D_POSIX_C_SOURCE=200809L -DCAPTION_VERSION_STRING='"$(VERSION)"' $(foreach w,JPEG PNG OPENBLAS \
	ZLIB,-DCAPTION_WITH_$(w)=$(call with,$(w))) $(foreach w,FILES THREADS MALLOC,$(if $(filter 0,$(call \
	with,$(w))),-DCAPTION_NO_$(w)=1)) $(EXTRA_DEFS)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lm $(if $(filter 1,$(THREADS)),-pthread)
TOOL_LIBS := -ljansson
CPPFLAGS_ALL := -Iinclude -I. $(DEFS) $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=c11 -fPIC -fvisibility=hidden -pthread -ffp-contract=off $(WARN) $(CFLAGS)

# ---- what there is ----------------------------------------------------------
LIB_SRC    := $(wildcard lib/*.c lib/*/*.c kernels/*.c kernels/ref/*.c kernels/gemm/*.c)
BODY_SRC   := $(wildcard kernels/simd/*.c)
LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/%.o) $(foreach i,$(ISAS),$(BODY_SRC:%.c=$(BUILD)/%_$(i).o)) \
	$(foreach i,$(FEW_ISAS),$(FEW_BODIES:%=$(BUILD)/kernels/simd/%_$(i).o))
MODULE_SRC := $(wildcard tools/*/*.c)
MODULE_OBJ := $(MODULE_SRC:%.c=$(BUILD)/%.o)
TOOLS      := $(patsubst tools/%.c,%,$(wildcard tools/cap*.c))
TESTS      := $(patsubst test/%.c,%,$(wildcard test/*/test_*.c))
TEST_HELP  := $(wildcard test/*.c) $(wildcard test/kernels/check_*.c)
TEST_PROGS := $(patsubst test/programs/%.c,%,$(wildcard test/programs/*.c))
SCRIPTS    := $(filter-out test/scripts/run.sh,$(wildcard test/scripts/*.sh))
BENCHES    := $(patsubst bench/%.c,%,$(wildcard bench/bench_*.c))

STATIC := $(BUILD)/libcaption.a
SHARED := $(BUILD)/libcaption.so.$(VERSION)
MODULES := $(BUILD)/libtools.a

.PHONY: all lib tools benches
all: lib tools
lib: $(STATIC) $(SHARED)
tools: $(TOOLS:%=$(BUILD)/%)
benches: $(BENCHES:%=$(BUILD)/bench/%)

# the flags of the last build: when they change, everything is made again
FLAGS_NOW := $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)
ifeq (,$(filter clean help,$(MAKECMDGOALS)))
ifneq ($(file <$(BUILD)/flags),$(FLAGS_NOW))
$(shell mkdir -p $(BUILD))$(file >$(BUILD)/flags,$(FLAGS_NOW))
endif
endif
FLAGS_FILE := $(wildcard $(BUILD)/flags)

# one short line a file; V=1 shows the commands
say = $(if $(filter 1,$(V)),,@echo '  $(1)  $@' && )

# ---- rules ------------------------------------------------------------------
$(BUILD)/%.o: %.c Makefile $(FLAGS_FILE)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(STACK_FLAGS) -MMD -MP -c $< -o $@

# how much stack each function of the library uses, for test/scripts/check_stack.sh
$(BUILD)/lib/%.o $(BUILD)/kernels/%.o: STACK_FLAGS = -fstack-usage

# bodies: one source, one object per instruction set
define body_rule
$(BUILD)/kernels/simd/%_$(1).o: kernels/simd/%.c Makefile $(FLAGS_FILE)
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(FLAGS_$(1)) -fstack-usage -DCPTK_ISA=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach i,$(ISAS) $(FEW_ISAS),$(eval $(call body_rule,$(i))))

$(STATIC): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(SHARED): $(LIB_OBJ)
	$(call say,LD)$(CC) -shared -Wl,-soname,libcaption.so.$(SOVERSION) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
	@ln -sf libcaption.so.$(VERSION) $(BUILD)/libcaption.so.$(SOVERSION)
	@ln -sf libcaption.so.$(SOVERSION) $(BUILD)/libcaption.so

# the model inside capdemo, where there is one
BUNDLED ?= weights/scenes.capw
ifneq (,$(wildcard $(BUNDLED)))
MODULE_OBJ += $(BUILD)/tools/common/bundled_data.o
$(BUILD)/tools/common/bundled.o: CPPFLAGS_ALL += -DTOOL_BUNDLED=1
$(BUILD)/tools/common/bundled.o: $(BUNDLED)
$(BUILD)/tools/common/bundled_data.o: tools/common/bundled_data.S $(BUNDLED)
	@mkdir -p $(@D)
	$(CC) -DTOOL_BUNDLED_FILE='"$(BUNDLED)"' -c $< -o $@
endif

$(MODULES): $(MODULE_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(TOOLS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tools/%.o $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(MODULES) $(STATIC) $(LIBS) $(TOOL_LIBS)

$(BENCHES:%=$(BUILD)/bench/%): $(BUILD)/bench/%: $(BUILD)/bench/%.o $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(MODULES) $(STATIC) $(LIBS) $(TOOL_LIBS)

$(BUILD)/libtest.a: $(TEST_HELP:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(TESTS:%=$(BUILD)/test/%): $(BUILD)/test/%: $(BUILD)/test/%.o $(BUILD)/libtest.a $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS) $(TOOL_LIBS) -lcmocka

# the kernels and their check alone, for test/scripts/neon.sh
$(BUILD)/test/alone/test_kernels: $(patsubst %.c,$(BUILD)/%.o,test/kernels/test_kernels.c \
		$(wildcard test/kernels/check_*.c) lib/platform/cpu.c) $(filter $(BUILD)/kernels/%,$(LIB_OBJ))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(TEST_PROGS:%=$(BUILD)/test/programs/%): $(BUILD)/test/programs/%: $(BUILD)/test/programs/%.o \
		$(BUILD)/libtest.a $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/test/tools/test_tools $(BUILD)/test/tools/test_manner: | $(TOOLS:%=$(BUILD)/%)

# ---- targets ----------------------------------------------------------------
.PHONY: help demo test unit check asan tsan valgrind fuzz firmware bench bench-peers roofline check-reference check-pillow \
	check-neon install uninstall clean

help:
	@echo 'make [all]            the library and the tools, into $(BUILD)/'
	@echo 'make deps             install what the build and the tests need (Debian, Ubuntu; else names it)'
	@echo 'make demo             caption the bundled pictures; IMAGE=photo.jpg: yours too'
	@echo 'make test             every test; V=1 shows all they print'
	@echo 'make unit             the C tests alone; SUITES="test_api test_vocab": only these'
	@echo 'make check            static checks: symbols, includes, headers, formatting, stack'
	@echo 'make asan, tsan       the C tests under AddressSanitizer + UBSan, under ThreadSanitizer'
	@echo 'make valgrind         the C tests under valgrind'
	@echo 'make fuzz             fuzzers (clang); SECONDS_EACH=60'
	@echo 'make firmware         the library without files, threads, malloc and other libraries'
	@echo 'make bench            speed, stage by stage; bench-peers: beside other runtimes'
	@echo 'make roofline         measures every layer and draws docs/roofline.svg'
	@echo 'make check-reference  compare with the PyTorch reference (needs python3-torch)'
	@echo 'make check-pillow     compare decoding and resizing with Pillow (needs python3-pil)'
	@echo 'make check-neon       the AArch64 kernels under qemu-user'
	@echo 'make install          into PREFIX=$(PREFIX), below DESTDIR; uninstall takes it away'
	@echo 'make clean            remove $(BUILD)/ and its like'
	@echo 'Leave parts out with JPEG=0 PNG=0 OPENBLAS=0 THREADS=0 FILES=0; WERROR=1: warnings are errors'

SCRIPT_ENV = BUILD="$(BUILD)" CC="$(CC)" MAKE="$(MAKE)" NM="$(NM)" PKG_CONFIG="$(PKG_CONFIG)" \
	CPPFLAGS_ALL='$(CPPFLAGS_ALL)'
SUITES ?= $(TESTS)
SUITE_PROGS = $(foreach s,$(SUITES),$(BUILD)/test/$(or $(filter $(s) %/$(s),$(TESTS)),$(s)))

demo: tools $(BUILD)/test/programs/make_demo
	@BUILD="$(BUILD)" IMAGE="$(IMAGE)" sh tools/demo.sh

# one test by hand: make build/test/lib/test_NAME && build/test/lib/test_NAME
unit: $(SUITE_PROGS)
	@$(SCRIPT_ENV) sh test/scripts/run.sh $^

test: all $(TESTS:%=$(BUILD)/test/%) $(TEST_PROGS:%=$(BUILD)/test/programs/%)
	@$(SCRIPT_ENV) sh test/scripts/run.sh $(TESTS:%=$(BUILD)/test/%) $(SCRIPTS)

check: lib
	@$(SCRIPT_ENV) sh test/scripts/run.sh $(wildcard test/scripts/check_*.sh)

SANITIZE = $(MAKE) --no-print-directory BUILD=$(BUILD)-$@ LDFLAGS="$(LDFLAGS)"
asan:
	@ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 $(SANITIZE) unit \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'

tsan:
	@TSAN_OPTIONS=halt_on_error=1 $(SANITIZE) unit CFLAGS='-O1 -g -fsanitize=thread' \
		SUITES='$(filter %/test_two_threads %/test_threads,$(TESTS))'

firmware:
	@$(SCRIPT_ENV) sh test/scripts/test_firmware.sh

FUZZERS := $(patsubst test/fuzz/%.c,$(BUILD)/test/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
$(FUZZERS): %: %.o $(BUILD)/libtest.a $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS) $(TOOL_LIBS)
.PHONY: fuzzers
fuzzers: $(FUZZERS) $(BUILD)/test/programs/make_demo
# the vector kernels, which no input steers, take clang minutes to instrument; `make asan` has them
fuzz:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz CC=clang fuzzers \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
		$(foreach i,$(ISAS) $(FEW_ISAS),FLAGS_$(i)='$(FLAGS_$(i)) -fno-sanitize=all')
	@BUILD=$(BUILD)-fuzz SECONDS_EACH=$(SECONDS_EACH) sh test/fuzz/run.sh

# without libjpeg's vector code, whose reads past the ends of rows valgrind can't follow
valgrind: $(SUITE_PROGS)
	@$(SCRIPT_ENV) JSIMD_FORCENONE=1 RUNNER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite' \
		sh test/scripts/run.sh $(SUITE_PROGS)

# speed: MODEL=FILE, or the published sizes with random weights
MODEL ?= $(BUILD)/full.capw
$(BUILD)/full.capw: $(BUILD)/test/programs/make_full
	$< $@
bench: benches $(MODEL)
	$(BUILD)/bench/bench_caption -m $(MODEL) --beams 5 --steps 20
	$(BUILD)/bench/bench_caption -m $(MODEL) --beams 5 --steps 20 --threads 2 --batch 8

bench-peers: benches tools
	@BUILD="$(BUILD)" sh bench/peers/peers.sh

roofline: benches tools $(MODEL)
	@BUILD="$(BUILD)" MODEL="$(MODEL)" sh bench/roofline.sh

check-neon:
	@$(SCRIPT_ENV) sh test/scripts/neon.sh || test $$? = 77

check-reference: tools
	@p=python3; $$p -c 'import torch' 2>/dev/null || p=/usr/bin/python3; \
	if $$p -c 'import torch' 2>/dev/null; then \
	$$p test/reference/check_reference.py --build $(BUILD) $(if $(FAST),--fast) $(if $(LIMIT),--limit $(LIMIT)); \
	else echo 'check-reference: skipped, there is no python3-torch'; fi

# SEED=N makes other images; photos are compared too where there are any
check-pillow: $(BUILD)/test/programs/resize_image
	@p=python3; $$p -c 'import PIL' 2>/dev/null || p=/usr/bin/python3; \
	if $$p -c 'import PIL' 2>/dev/null; then \
	$$p test/scripts/check_pillow.py $< $(or $(SEED),1) $(wildcard ../shared/photos); \
	else echo 'check-pillow: skipped, there is no python3-pil'; fi

install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir) \
		$(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man3
	$(INSTALL) -m 644 include/caption.h include/capw.h $(DESTDIR)$(includedir)
	$(INSTALL) -m 644 $(STATIC) $(DESTDIR)$(libdir)
	$(INSTALL) -m 755 $(SHARED) $(DESTDIR)$(libdir)
	ln -sf libcaption.so.$(VERSION) $(DESTDIR)$(libdir)/libcaption.so.$(SOVERSION)
	ln -sf libcaption.so.$(SOVERSION) $(DESTDIR)$(libdir)/libcaption.so
	sed -e 's|@prefix@|$(PREFIX)|; s|@libdir@|$(libdir)|; s|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|; s|@requires@|$(strip $(PKGS))|' \
		-e 's|@libs@|-lm$(if $(filter 1,$(THREADS)), -pthread)|' libcaption.pc.in \
		>$(DESTDIR)$(libdir)/pkgconfig/libcaption.pc
	chmod 644 $(DESTDIR)$(libdir)/pkgconfig/libcaption.pc
ifneq (,$(TOOLS))
	$(INSTALL) -m 755 $(TOOLS:%=$(BUILD)/%) $(DESTDIR)$(bindir)
endif
ifneq (,$(wildcard docs/man/*.1))
	$(INSTALL) -m 644 $(wildcard docs/man/*.1) $(DESTDIR)$(mandir)/man1
endif
	$(INSTALL) -m 644 $(wildcard docs/man/*.3) $(DESTDIR)$(mandir)/man3
ifneq (,$(wildcard weights/scenes.capw))
	$(INSTALL) -d $(DESTDIR)$(datadir)/libcaption
	$(INSTALL) -m 644 weights/scenes.capw $(DESTDIR)$(datadir)/libcaption
endif

uninstall:
	rm -f $(addprefix $(DESTDIR)$(includedir)/,caption.h capw.h) $(DESTDIR)$(libdir)/libcaption.a \
		$(DESTDIR)$(libdir)/libcaption.so $(DESTDIR)$(libdir)/libcaption.so.$(SOVERSION) \
		$(DESTDIR)$(libdir)/libcaption.so.$(VERSION) $(DESTDIR)$(libdir)/pkgconfig/libcaption.pc \
		$(TOOLS:%=$(DESTDIR)$(bindir)/%) $(patsubst docs/man/%,$(DESTDIR)$(mandir)/man1/%,$(wildcard \
		docs/man/*.1)) $(patsubst docs/man/%,$(DESTDIR)$(mandir)/man3/%,$(wildcard docs/man/*.3)) \
		$(DESTDIR)$(datadir)/libcaption/scenes.capw
	-rmdir $(DESTDIR)$(datadir)/libcaption 2>/dev/null

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-firmware $(BUILD)-clang

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

endif # deps
