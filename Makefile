# libcaption.  `make help` lists the targets; variables a packager sets come first.
CC       ?= cc
AR       ?= ar
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
PNG      ?= 1# 0 leaves PNG decoding (and libpng) out
OPENBLAS ?= 1# 0 replaces OpenBLAS's GEMM by plain C
WERROR   ?= 0# 1 makes warnings errors (continuous integration)

VERSION := 0.1.0
SOVERSION := 0

# ---- machine ----------------------------------------------------------------
MACHINE := $(shell $(CC) -dumpmachine)
ifneq (,$(filter x86_64-%,$(MACHINE)))
ARCH_DIR := x86
ISAS := avx2 avx512
else ifneq (,$(filter aarch64-%,$(MACHINE)))
ARCH_DIR := arm
ISAS := neon
else
ARCH_DIR :=
ISAS :=
endif
FLAGS_avx2   := -mavx2 -mfma
FLAGS_avx512 := -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512
FLAGS_neon   :=

# ---- flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
ifeq ($(WERROR),1)
WARN += -Werror
endif
PKGS := libjpeg zlib
DEFS := -D_POSIX_C_SOURCE=200809L -DCAPTION_VERSION_STRING='"$(VERSION)"' -DCAPTION_WITH_ZLIB=1 $(EXTRA_DEFS)
ifeq ($(PNG),1)
PKGS += libpng
DEFS += -DCAPTION_WITH_PNG=1
else
DEFS += -DCAPTION_WITH_PNG=0
endif
ifeq ($(OPENBLAS),1)
PKGS += openblas
DEFS += -DCAPTION_WITH_OPENBLAS=1
else
DEFS += -DCAPTION_WITH_OPENBLAS=0
endif
PKG_CONFIG ?= pkg-config
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lm -pthread
TOOL_LIBS := -ljansson
CPPFLAGS_ALL := -Iinclude -I. $(DEFS) $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=c11 -fPIC -fvisibility=hidden -pthread -ffp-contract=off $(WARN) $(CFLAGS)

# ---- what there is ----------------------------------------------------------
LIB_SRC    := $(wildcard lib/*.c lib/*/*.c kernels/*.c kernels/ref/*.c $(if $(ARCH_DIR),kernels/$(ARCH_DIR)/*.c))
BODY_SRC   := $(wildcard kernels/body/*.c)
LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/%.o) $(foreach i,$(ISAS),$(BODY_SRC:%.c=$(BUILD)/%_$(i).o))
MODULE_SRC := $(wildcard tools/*/*.c)
MODULE_OBJ := $(MODULE_SRC:%.c=$(BUILD)/%.o)
TOOLS      := $(patsubst tools/%.c,%,$(wildcard tools/cap*.c))
TESTS      := $(patsubst test/%.c,%,$(wildcard test/test_*.c))
BENCHES    := $(patsubst bench/%.c,%,$(wildcard bench/bench_*.c))

STATIC := $(BUILD)/libcaption.a
SHARED := $(BUILD)/libcaption.so.$(VERSION)
MODULES := $(BUILD)/libtools.a

.PHONY: all lib tools benches deps test clean help
all: lib tools

help:
	@echo 'make [all]        the library and the tools, into $(BUILD)/'
	@echo 'make deps         install what the build and the tests need (Debian, Ubuntu)'
	@echo 'make test         every test'
	@echo 'make clean        remove $(BUILD)/'

lib: $(STATIC) $(SHARED)
tools: $(TOOLS:%=$(BUILD)/%)
benches: $(BENCHES:%=$(BUILD)/bench/%)

# ---- rules ------------------------------------------------------------------
$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(ISA_FLAGS) -MMD -MP -c $< -o $@

# one instruction set per file name: NAME_avx2.c, NAME_avx512.c, NAME_neon.c
$(BUILD)/kernels/%_avx2.o: ISA_FLAGS = $(FLAGS_avx2)
$(BUILD)/kernels/%_avx512.o: ISA_FLAGS = $(FLAGS_avx512)
$(BUILD)/kernels/%_neon.o: ISA_FLAGS = $(FLAGS_neon)

# bodies: one source, one object per instruction set
define body_rule
$(BUILD)/kernels/body/%_$(1).o: kernels/body/%.c Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(FLAGS_$(1)) -DCPTK_ISA=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach i,$(ISAS),$(eval $(call body_rule,$(i))))

$(STATIC): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(SHARED): $(LIB_OBJ)
	$(CC) -shared -Wl,-soname,libcaption.so.$(SOVERSION) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
	ln -sf libcaption.so.$(VERSION) $(BUILD)/libcaption.so.$(SOVERSION)
	ln -sf libcaption.so.$(SOVERSION) $(BUILD)/libcaption.so

$(MODULES): $(MODULE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(TOOLS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tools/%.o $(MODULES) $(STATIC)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(MODULES) $(STATIC) $(LIBS) $(TOOL_LIBS)

$(BENCHES:%=$(BUILD)/bench/%): $(BUILD)/bench/%: $(BUILD)/bench/%.o $(MODULES) $(STATIC)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(MODULES) $(STATIC) $(LIBS) $(TOOL_LIBS)

CHECK_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/check_kernels*.c))
$(BUILD)/test/test_kernels: $(CHECK_OBJ)
$(TESTS:%=$(BUILD)/test/%): $(BUILD)/test/%: $(BUILD)/test/%.o $(MODULES) $(STATIC)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(filter %.o,$^) $(MODULES) $(STATIC) $(LIBS) $(TOOL_LIBS) -lcmocka

# one test by hand: make build/test/test_NAME && build/test/test_NAME
test: all $(TESTS:%=$(BUILD)/test/%)
	@failed=; for t in $(TESTS); do echo "== $$t"; $(BUILD)/test/$$t || failed="$$failed $$t"; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
