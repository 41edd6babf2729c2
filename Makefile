# libcaption.  `make help` lists the targets and what can be set.
# Only what GNU make 3.81 knows is used here: no $(file), no !=, no grouped targets.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
FORCE:
.PHONY: FORCE

# ---- where things go --------------------------------------------------------
BUILD      ?= build
PREFIX     ?= /usr/local
DESTDIR    ?=
bindir     ?= $(PREFIX)/bin
libdir     ?= $(PREFIX)/lib
includedir ?= $(PREFIX)/include
datadir    ?= $(PREFIX)/share
mandir     ?= $(datadir)/man
docdir     ?= $(datadir)/doc/libcaption
INSTALL    ?= install
NM         ?= nm

override BUILD := $(patsubst %/,%,$(BUILD))
ifneq (,$(filter $(abspath $(BUILD)) $(abspath $(BUILD))/%,$(CURDIR)))
$(error BUILD=$(BUILD) is a folder that holds the sources: `make clean` would remove them)
endif

# ---- the configuration ------------------------------------------------------
# A setting has the value that the command line or the environment gives it; else the one that BUILD was configured
# with, which $(BUILD)/config.mk remembers as WAS_NAME; else its default.
SETTINGS := CC AR CFLAGS CPPFLAGS LDFLAGS PKG_CONFIG JPEG PNG OPENBLAS ZLIB SIMD FILES THREADS MALLOC WEBP HEIF GIF \
	TIFF BMP ARCHIVE HTTP SECCOMP WERROR EXTRA_DEFS BUNDLED
ifeq (,$(filter clean,$(MAKECMDGOALS)))
-include $(BUILD)/config.mk
endif
$(BUILD)/config.mk: ;

given = $(filter command environment,$(firstword $(origin $(1))))
known = $(filter-out undefined,$(origin WAS_$(1)))
$(foreach s,$(SETTINGS),$(if $(call given,$(s)),,$(if $(call known,$(s)),$(eval $(s) = $$(WAS_$(s))))))

CC       ?= cc
AR       ?= ar
CFLAGS   ?= -O2 -g
PKG_CONFIG ?= pkg-config
BUNDLED  ?= weights/scenes.capw# the model inside the tools; nothing: none
# what is built in: 0 leaves it out
JPEG     ?= 1# libjpeg
PNG      ?= 1# libpng
OPENBLAS ?= 1# without it: a plain C matrix product
ZLIB     ?= 1# without it: our own CRC-32; the tools always need zlib
SIMD     ?= 1# kernels for the instruction sets of the machine; without them: plain C
FILES    ?= 1# opening models and images by name
THREADS  ?= 1# more than one thread a session
MALLOC   ?= 1# objects that the library allocates itself
# the same for the tools alone
WEBP     ?= 1# libwebp
HEIF     ?= 1# libheif: HEIC and AVIF
GIF      ?= 1# giflib
TIFF     ?= 1# libtiff
BMP      ?= 1# leptonica
ARCHIVE  ?= 1# libarchive: without it capbatch reads no tars
HTTP     ?= 1# libmicrohttpd: without it there is no capserve
ifeq (,$(SECCOMP))
SECCOMP  := $(if $(filter Linux,$(shell uname -s)),1,0)# libseccomp: the tools give up rights that they don't need
endif
WERROR   ?= 0# 1 makes warnings errors (continuous integration)
TOOL_PARTS := WEBP HEIF GIF TIFF BMP ARCHIVE HTTP SECCOMP
BUILD_PARTS := JPEG PNG OPENBLAS ZLIB SIMD FILES THREADS MALLOC $(TOOL_PARTS)

$(foreach s,$(BUILD_PARTS) WERROR,$(if $(filter-out 0 1,$(or $($(s)),empty)),$(error $(s)=$($(s)): 0 and 1 are its values)))

# `make install` installs what was built: a setting that differs from it is refused
INSTALLING := $(if $(MAKECMDGOALS),$(if $(filter-out install uninstall,$(MAKECMDGOALS)),,1))
ifneq (,$(INSTALLING))
other = $(subst =$(strip $(WAS_$(1)))=,,=$(strip $($(1)))=)
CHANGED := $(strip $(foreach s,$(SETTINGS),$(if $(call known,$(s)),$(if $(call other,$(s)),$(s)))))
ifneq (,$(CHANGED))
shown = $(1)=$(if $(filter 1,$(words $(2))),$(2),'$(2)')
$(error $(BUILD)/ was configured with $(foreach s,$(CHANGED),$(call shown,$(s),$(WAS_$(s)))): run `make \
	$(foreach s,$(CHANGED),$(call shown,$(s),$($(s))))` first, or name another BUILD)
endif
endif

# `make deps all`: what is built waits until everything that it needs is there
FIRST := $(filter deps,$(MAKECMDGOALS))

# ---- machine ----------------------------------------------------------------
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null || uname -m -s | sed 's/\(.*\) \(.*\)/\2-\1/' | tr 'D' 'd')
ifeq (0,$(SIMD))
ISAS :=
FEW_ISAS :=
else ifneq (,$(filter x86_64-%,$(MACHINE)))
ISAS := avx2 avx512
FEW_ISAS := avx2vnni avx512vnni
else ifneq (,$(filter aarch64-% arm64-%,$(MACHINE)))
ISAS := neon
FEW_ISAS := neondot
else ifneq (,$(filter wasm32-%,$(MACHINE)))
ISAS := simd128
FEW_ISAS := $(if $(filter 1,$(RELAXED)),relaxed)
else ifneq (,$(filter arm-none-%,$(MACHINE)))
ISAS :=
# Helium with floats, of the core that the compiler is told
FEW_ISAS := $(if $(filter 3,$(shell $(CC) $(CFLAGS) -dM -E -x c /dev/null 2>/dev/null | sed -n 's/^.*_FEATURE_MVE //p')),mve)
else
ISAS :=
FEW_ISAS :=
endif
FLAGS_avx2   := -mavx2 -mfma
FLAGS_avx2vnni := $(FLAGS_avx2) -mavxvnni
FLAGS_avx512 := -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512
FLAGS_avx512vnni := $(FLAGS_avx512) -mavx512vnni
FLAGS_neon   :=
FLAGS_neondot := -march=armv8.2-a+dotprod
# Loop strength reduction would replace the constant offsets of loads, which cost nothing, by additions.
FLAGS_simd128 := -O2 -msimd128 -mllvm -disable-lsr
FLAGS_relaxed := $(FLAGS_simd128) -mrelaxed-simd
FLAGS_mve    :=
# the old floating-point unit of x86 does not round every operation to float or double
MACHINE_FLAGS := $(if $(filter i386-% i486-% i586-% i686-%,$(MACHINE)),-msse2 -mfpmath=sse)
# bodies for which the sets of FEW_ISAS have something of their own
BODIES_avx2vnni   := int16 int8
BODIES_avx512vnni := int16 int8
BODIES_neondot    := int8
BODIES_relaxed    := tile maps
BODIES_mve        := cells int16 reduce

# ---- version ----------------------------------------------------------------
VERSION := $(shell awk '$$2 ~ /^CAPTION_VERSION_(MAJOR|MINOR|PATCH)$$/ { printf "%s%s", dot, $$3; dot = "." }' \
	include/caption.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))
ifneq (,$(findstring darwin,$(MACHINE)))
SHARED_NAME := libcaption.$(VERSION).dylib
SONAME      := libcaption.$(SOVERSION).dylib
SHARED_LINK := libcaption.dylib
SHARED_FLAGS = -dynamiclib -install_name $(libdir)/$(SONAME) -current_version $(VERSION) \
	-compatibility_version $(SOVERSION)
else
SHARED_NAME := libcaption.so.$(VERSION)
SONAME      := libcaption.so.$(SOVERSION)
SHARED_LINK := libcaption.so
SYMBOL_MAP  := tools/packaging/libcaption.map
SHARED_FLAGS = -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(SYMBOL_MAP)
endif

# ---- flags ------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
ifeq ($(WERROR),1)
WARN += -Werror
endif
LIB_PKGS  := $(if $(filter 1,$(JPEG)),libjpeg) $(if $(filter 1,$(ZLIB)),zlib) $(if $(filter 1,$(PNG)),libpng)
BLAS_PKG  := $(if $(filter 1,$(OPENBLAS)),openblas)# its header alone: it is loaded when it is needed, not linked
TOOL_PKGS := zlib jansson $(if $(filter 1,$(WEBP)),libwebp libwebpdemux) \
	$(if $(filter 1,$(ARCHIVE)),libarchive) $(if $(filter 1,$(SECCOMP)),libseccomp)
HTTP_PKG  := $(if $(filter 1,$(HTTP)),libmicrohttpd)# linked to capserve alone
LOADED_PKGS := $(if $(filter 1,$(HEIF)),libheif) $(if $(filter 1,$(TIFF)),libtiff-4) $(if $(filter 1,$(BMP)),lept)# not linked: tools/common/loaded.h
TOOL_DEFS := $(foreach p,$(TOOL_PARTS),-DTOOL_WITH_$(p)=$($(p)))
TEST_PKGS := cmocka
DEFS := -D_XOPEN_SOURCE=700 \
	$(foreach p,JPEG PNG OPENBLAS ZLIB,-DCAPTION_WITH_$(p)=$($(p))) -DCAPTION_WITH_SIMD=$(if $(ISAS)$(FEW_ISAS),1,0) \
	$(if $(filter relaxed,$(FEW_ISAS)),-DCAPTION_WITH_RELAXED=1) \
	$(foreach p,FILES THREADS MALLOC,$(if $(filter 0,$($(p))),-DCAPTION_NO_$(p)=1)) $(EXTRA_DEFS)

# What pkg-config says is asked once and not before it is needed, so that `make deps all` asks after the packages
# were installed.  `make install` takes what the build found: it may run as another user, with another environment.
FOUND := LIB_PKG_CFLAGS LIB_PKG_LIBS TOOL_PKG_CFLAGS TOOL_PKG_LIBS HTTP_PKG_LIBS TEST_PKG_LIBS
ask  = $(shell $(PKG_CONFIG) $(1) 2>/dev/null)
once = $(eval $(1) := $$(call ask,$(2)))$($(1))
LIB_PKG_CFLAGS  = $(call once,LIB_PKG_CFLAGS,--cflags $(LIB_PKGS) $(BLAS_PKG))
LIB_PKG_LIBS    = $(call once,LIB_PKG_LIBS,--libs $(LIB_PKGS))
TOOL_PKG_CFLAGS = $(call once,TOOL_PKG_CFLAGS,--cflags $(TOOL_PKGS) $(HTTP_PKG) $(LOADED_PKGS))
TOOL_PKG_LIBS   = $(call once,TOOL_PKG_LIBS,--libs $(TOOL_PKGS))
HTTP_PKG_LIBS   = $(call once,HTTP_PKG_LIBS,$(if $(HTTP_PKG),--libs $(HTTP_PKG)))
TEST_PKG_LIBS   = $(call once,TEST_PKG_LIBS,--libs $(TEST_PKGS))
ifneq (,$(INSTALLING))
$(foreach f,$(FOUND),$(if $(call known,$(f)),$(eval $(f) = $$(WAS_$(f)))))
endif

PTHREAD := $(if $(filter 1,$(THREADS)),-pthread)
SYSTEM_LIBS := -lm $(if $(filter 1,$(OPENBLAS)),-ldl) $(PTHREAD)
PIC := $(if $(findstring -none-,$(MACHINE))$(findstring wasm32,$(MACHINE)),,-fPIC)# without an operating system nothing loads shared objects
LIBS = $(LIB_PKG_LIBS) $(SYSTEM_LIBS)
TOOL_LIBS = $(LIBS) $(TOOL_PKG_LIBS) $(if $(filter 1,$(GIF)),-lgif) $(if $(LOADED_PKGS),-ldl) -pthread
CPPFLAGS_ALL = -Iinclude -I. $(DEFS) $(LIB_PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL = -std=c11 $(PIC) -fvisibility=hidden $(PTHREAD) -ffp-contract=off $(MACHINE_FLAGS) $(WARN) $(CFLAGS)

# The configuration is written where it changed, and then everything is made again: all objects depend on
# $(BUILD)/configured, which this rule touches.
HASH := \#
quote = '$(subst ','\'',$(1))'
assign = $(call quote,WAS_$(1) := $(subst $(HASH),\$(HASH),$(subst $$,$$$$,$(strip $($(1))))))
ISA_FLAGS := $(foreach i,$(ISAS) $(FEW_ISAS),FLAGS_$(i))
CONFIG = printf '%s\n' $(foreach s,$(SETTINGS) $(FOUND) VERSION $(ISA_FLAGS),$(call assign,$(s)))
$(BUILD)/configured: FORCE $(FIRST)
	@$(if $(INSTALLING),,$(call need,$(LIB_PKGS) $(BLAS_PKG)))
	@if [ ! -f $@ ] || ! $(CONFIG) | cmp -s - $(BUILD)/config.mk; then \
		mkdir -p $(BUILD) && $(CONFIG) >$(BUILD)/config.mk && : >$@ && \
		echo '  CONF $(BUILD)/config.mk  $(strip $(CC) $(foreach p,$(BUILD_PARTS),$(if $(filter 0,$($(p))),$(p)=0)))'; fi

# a missing library is named before the compiler trips over it
need = CC='$(CC)' CPPFLAGS=$(call quote,$(CPPFLAGS)) PKG_CONFIG='$(PKG_CONFIG)' sh tools/packaging/need.sh $(1)
.PHONY: need-tools need-tests
need-tools need-tests: $(FIRST)
need-tools: ; @$(if $(INSTALLING),,$(call need,$(TOOL_PKGS) $(HTTP_PKG) $(LOADED_PKGS) $(if $(filter 1,$(GIF)),giflib)))
need-tests: ; @$(call need,$(TEST_PKGS))

# ---- what there is ----------------------------------------------------------
LIB_SRC    := $(sort $(wildcard lib/*.c lib/*/*.c kernels/*.c kernels/ref/*.c kernels/gemm/*.c) \
	$(if $(filter mve,$(FEW_ISAS)),$(wildcard kernels/mve/*.c)))
BODY_SRC   := $(sort $(wildcard kernels/simd/*.c))
LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/%.o) $(foreach i,$(ISAS),$(BODY_SRC:%.c=$(BUILD)/%_$(i).o)) \
	$(foreach i,$(FEW_ISAS),$(BODIES_$(i):%=$(BUILD)/kernels/simd/%_$(i).o))
LEFT_OUT   := $(if $(filter 0,$(HTTP)),$(wildcard tools/capserve.c tools/serve/http*.c))
MODULE_SRC := $(filter-out $(LEFT_OUT) tools/web/%,$(sort $(wildcard tools/*/*.c)))
MODULE_OBJ := $(MODULE_SRC:%.c=$(BUILD)/%.o) $(BUILD)/tools/serve/files_data.o $(BUILD)/tools/page/page_data.o
TOOLS      := $(patsubst tools/%.c,%,$(filter-out $(LEFT_OUT),$(sort $(wildcard tools/cap*.c))))
# tests that make or read JPEG and PNG images
PICTURE_TESTS := $(addprefix lib/test_,alloc api bad_images errors explain golden image image_hostile two_threads) \
	$(addprefix tools/test_,calibrate capbatch convert_int8 draw heif manner memory pictures serve \
	surroundings tools)
TESTS      := $(filter-out $(if $(filter 11,$(JPEG)$(PNG)),,$(PICTURE_TESTS)), \
	$(patsubst test/%.c,%,$(sort $(wildcard test/*/test_*.c))))
TEST_HELP  := $(sort $(wildcard test/*.c) $(wildcard test/kernels/check_*.c))
TEST_PROGS := $(patsubst test/programs/%.c,%,$(sort $(wildcard test/programs/*.c)))
CHECKS     := $(sort $(wildcard test/scripts/check_*.sh))
SCRIPTS    := $(CHECKS) $(sort $(wildcard test/scripts/test_*.sh)) test/scripts/neon.sh
BENCHES    := $(patsubst bench/%.c,%,$(sort $(wildcard bench/bench_*.c)))

STATIC := $(BUILD)/libcaption.a
SHARED := $(BUILD)/$(SHARED_NAME)
MODULES := $(BUILD)/libtools.a

.PHONY: all lib objects tools benches man
all: lib tools man
lib: $(STATIC) $(SHARED)
objects: $(LIB_OBJ)
tools: $(TOOLS:%=$(BUILD)/%)
benches: $(BENCHES:%=$(BUILD)/bench/%)
man: $(BUILD)/man/made

# ---- rules ------------------------------------------------------------------
# one short line a file; V=1 shows the commands
say = $(if $(filter 1,$(V)),,@echo '  $(1)  $@' && )

$(BUILD)/%.o: %.c $(BUILD)/configured
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(MORE_FLAGS) -MMD -MP -c $< -o $@

# how much stack each function of the library uses, for test/scripts/check_stack.sh
$(BUILD)/lib/%.o $(BUILD)/kernels/%.o: MORE_FLAGS = -fstack-usage
$(BUILD)/kernels/mve/%.o: MORE_FLAGS = -fstack-usage -O2 -DCPTK_ISA=mve
$(BUILD)/tools/%.o $(BUILD)/test/%.o $(BUILD)/bench/%.o: MORE_FLAGS = -pthread $(TOOL_PKG_CFLAGS) $(TOOL_DEFS)
$(BUILD)/test/%.o: MORE_FLAGS += $(TEST_FLAGS)

# bodies: one source, one object per instruction set
define body_rule
$(BUILD)/kernels/simd/%_$(1).o: kernels/simd/%.c $(BUILD)/configured
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(FLAGS_$(1)) -fstack-usage -DCPTK_ISA=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach i,$(ISAS) $(FEW_ISAS),$(eval $(call body_rule,$(i))))

$(STATIC): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(SHARED): $(LIB_OBJ) $(SYMBOL_MAP)
	$(call say,LD)$(CC) $(SHARED_FLAGS) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LIBS)
	@ln -sf $(SHARED_NAME) $(BUILD)/$(SONAME)
	@ln -sf $(SONAME) $(BUILD)/$(SHARED_LINK)

# the model inside the tools, where there is one
ifneq (,$(wildcard $(BUNDLED)))
MODULE_OBJ += $(BUILD)/tools/common/bundled_data.o
$(BUILD)/tools/common/bundled.o: CPPFLAGS_ALL += -DTOOL_BUNDLED=1
$(BUILD)/tools/common/bundled.o: $(BUNDLED)
$(BUILD)/tools/common/bundled_data.o: tools/common/bundled_data.S $(BUNDLED) $(BUILD)/configured
	@mkdir -p $(@D)
	$(call say,AS)$(CC) $(CPPFLAGS) $(CFLAGS) -DTOOL_BUNDLED_FILE='"$(BUNDLED)"' -c $< -o $@
endif

# pages, and the files inside capserve
$(BUILD)/tools/page/page_data.o: tools/page/page_data.S tools/common/embed.inc tools/page/report.html $(wildcard tools/page/look.*) \
		$(BUILD)/configured
	@mkdir -p $(@D)
	$(call say,AS)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@
$(BUILD)/tools/serve/files_data.o: tools/serve/files_data.S tools/common/embed.inc \
		$(wildcard tools/serve/*.html tools/serve/*.js* tools/page/page.* tools/page/look.* weights/scenes/demo/*.jpg) \
		$(BUILD)/configured
	@mkdir -p $(@D)
	$(call say,AS)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(MODULE_OBJ) $(TOOLS:%=$(BUILD)/tools/%.o): | need-tools
$(MODULES): $(MODULE_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(TOOLS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tools/%.o $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(if $(filter %/capserve,$@),$(HTTP_PKG_LIBS)) $(TOOL_LIBS)

$(BENCHES:%=$(BUILD)/bench/%): $(BUILD)/bench/%: $(BUILD)/bench/%.o $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)

$(BUILD)/libtest.a: $(TEST_HELP:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(TESTS:%=$(BUILD)/test/%.o): | need-tests
$(TESTS:%=$(BUILD)/test/%): $(BUILD)/test/%: $(BUILD)/test/%.o $(BUILD)/libtest.a $(MODULES) $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(TOOL_LIBS) $(TEST_PKG_LIBS)

# every tool's main(), under another name, inside one test; not the service, which doesn't end by itself
MAINS := $(patsubst %,$(BUILD)/test/mains/%.o,$(filter-out capserve,$(TOOLS)))
$(MAINS): $(BUILD)/test/mains/%.o: tools/%.c $(BUILD)/configured | need-tools
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS_ALL) $(TOOL_PKG_CFLAGS) $(CFLAGS_ALL) -Dmain=$*_main -Wno-missing-prototypes -MMD -MP -c $< -o $@
$(BUILD)/test/tools/test_memory: $(MAINS)

# the kernels and their check alone, for test/scripts/neon.sh
ALONE_OBJ := $(patsubst %.c,$(BUILD)/%.o,test/kernels/test_kernels.c $(sort $(wildcard test/kernels/check_*.c)) \
	lib/platform/cpu.c) $(filter $(BUILD)/kernels/%,$(LIB_OBJ))
$(BUILD)/test/alone/test_kernels: $(ALONE_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(TEST_PROGS:%=$(BUILD)/test/programs/%): $(BUILD)/test/programs/%: $(BUILD)/test/programs/%.o \
		$(BUILD)/libtest.a $(STATIC)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(foreach t,test_tools test_manner test_surroundings test_capbatch,$(BUILD)/test/tools/$(t)): | $(TOOLS:%=$(BUILD)/%)

# one page of the manual for each public function
MAN_AWK := tools/packaging/man.awk
$(BUILD)/man/made: include/caption.h $(MAN_AWK) $(BUILD)/configured
	@mkdir -p $(@D) && rm -f $(@D)/*.3
	$(call say,MAN)awk -f $(MAN_AWK) -v folder=$(@D) include/caption.h && : >$@

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# ---- targets ----------------------------------------------------------------
.PHONY: help deps demo serve weights test unit check asan tsan valgrind analyse fuzz attack firmware bench bench-peers roofline pictures check-reference \
	check-int8 check-pillow check-neon check-i686 check-musl check-cortex-m wasm check-wasm web serve-web check-web deps-cross install uninstall clean

help:
	@echo 'make [all]            the library, the tools and their manual, into $(BUILD)/'
	@echo 'make lib, tools, man  one of them alone'
	@echo 'make deps             install what the build and the tests need (Debian, Ubuntu; else names it)'
	@echo 'make deps-cross       install what check-neon, check-cortex-m and check-wasm need (Debian, Ubuntu; else names it)'
	@echo 'make demo             caption the bundled pictures; IMAGE=photo.jpg: yours too'
	@echo 'make serve            answer on http://127.0.0.1:8000/; MODEL=FILE: with your model'
	@echo 'make weights          download the published weights and convert them; IMAGE=photo.jpg: caption it'
	@echo 'make test             every test; V=1 shows all they print'
	@echo 'make unit             the C tests alone; SUITES="test_api test_conv": only these'
	@echo 'make check            static checks: symbols, includes, headers, formatting, dialect, stack'
	@echo 'make asan, tsan       the C tests under AddressSanitizer + UBSan, under ThreadSanitizer'
	@echo 'make ubsan            the C tests under UBSan with implicit conversions (clang)'
	@echo 'make msan             the C tests under MemorySanitizer, without JPEG, PNG and vector kernels (clang)'
	@echo 'make valgrind         the C tests under valgrind'
	@echo 'make coverage         the lines and branches that the tests reach, per file, into $(BUILD)-coverage/ (gcovr)'
	@echo 'make analyse          gcc -fanalyzer, cppcheck and clang-tidy; ANALYSERS="gcc cppcheck": only these'
	@echo 'make fuzz             fuzzers (clang); SECONDS_EACH=60 TARGET="model image" FUZZ_SEED=1'
	@echo 'make attack           hostile files of every kind and faults of the system, against every tool;'
	@echo '                      SEED=1 COUNT=5000'
	@echo 'make firmware         the library without files, threads, malloc and other libraries; TARGET=cortex-m4,'
	@echo '                      cortex-m7 or cortex-m55: for that core'
	@echo 'make bench            speed, stage by stage; MODEL=FILE: of your model'
	@echo 'make bench-peers      speed beside other runtimes'
	@echo 'make costs            what the worst files that we know cost each tool, in time and memory'
	@echo 'make roofline         measures every layer and draws docs/roofline.svg'
	@echo 'make pictures         the pictures of the README: docs/words.png, docs/report.png (Chromium)'
	@echo 'make benches          the programs that measure, without running them'
	@echo 'make check-reference  compare with the PyTorch reference (needs python3-torch)'
	@echo 'make check-int8       compare int8 models with a simulation in NumPy (needs python3-torch)'
	@echo 'make check-pillow     compare decoding and resizing with Pillow (needs python3-pil)'
	@echo 'make check-neon       the AArch64 kernels under qemu-user'
	@echo 'make check-i686       the C tests on 32-bit x86; make check-musl: with musl'
	@echo 'make wasm             the library for browsers and Node, into $(BUILD)/web/; make check-wasm: captions in Node; FAST=1'
	@echo 'make web              the page that captions in the browser itself, into $(BUILD)/web-page/, for any host of files;'
	@echo '                      make serve-web: on http://127.0.0.1:8080/; make check-web: in Chromium'
	@echo 'make check-cortex-m   captions on Cortex-M4, M7 and M55 under QEMU; TARGET=cortex-m55: one; FAST=1'
	@echo 'make install          into PREFIX=$(PREFIX), below DESTDIR; uninstall takes it away'
	@echo 'make clean            remove $(BUILD)/ and its like, and with it the configuration'
	@echo
	@echo 'Settings, which $(BUILD)/config.mk remembers from one make to the next:'
	@echo '  $(foreach p,$(BUILD_PARTS),$(p)=0)'
	@echo '                      leave a part out; 1 takes it back in'
	@echo '  CC, AR, PKG_CONFIG, CFLAGS, CPPFLAGS, LDFLAGS'
	@echo '                      the usual'
	@echo '  BUNDLED=FILE        the model inside the tools; BUNDLED= leaves it out'
	@echo '  WERROR=1            warnings are errors'
	@echo 'BUILD=FOLDER builds there, with a configuration of its own.'

deps:
	@CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' JPEG=$(JPEG) PNG=$(PNG) OPENBLAS=$(OPENBLAS) \
		$(foreach p,$(TOOL_PARTS),$(p)=$($(p))) sh tools/deps.sh

deps-cross:
	@sh tools/deps_cross.sh

demo: tools $(BUILD)/test/programs/make_demo
	@BUILD='$(BUILD)' IMAGE=$(call quote,$(IMAGE)) sh tools/demo.sh

ifeq (0,$(HTTP))
serve:
	@echo 'serve: this build has HTTP=0; `make HTTP=1 serve` builds capserve, which needs libmicrohttpd'; false
else
serve: $(BUILD)/capserve
	@$(BUILD)/capserve $(if $(filter command environment,$(firstword $(origin MODEL))),-m $(call quote,$(MODEL))) \
		$(LISTEN:%=--listen %)
endif

# the published weights: WEIGHTS_URL says from where, WEIGHTS_DIR into which folder, FETCH with curl or wget
weights: tools
	@BUILD='$(BUILD)' IMAGE=$(call quote,$(IMAGE)) WEIGHTS_URL='$(WEIGHTS_URL)' WEIGHTS_DIR='$(WEIGHTS_DIR)' FETCH='$(FETCH)' \
		sh tools/fetch.sh

# ---- tests ------------------------------------------------------------------
SCRIPT_ENV = BUILD='$(BUILD)' CC='$(CC)' MAKE='$(MAKE)' NM='$(NM)' PKG_CONFIG='$(PKG_CONFIG)' VERSION='$(VERSION)' \
	CPPFLAGS_ALL=$(call quote,$(CPPFLAGS_ALL) $(TOOL_PKG_CFLAGS))
SUITES ?= $(TESTS)
SUITE_PROGS = $(foreach s,$(SUITES),$(BUILD)/test/$(or $(filter $(s) %/$(s),$(TESTS)),$(s)))
# the settings of this build, for another folder
SAME = $(foreach s,$(SETTINGS),$(s)=$(call quote,$($(s))))

# one test by hand: make build/test/lib/test_NAME && build/test/lib/test_NAME
unit: $(SUITE_PROGS)
	@$(SCRIPT_ENV) sh test/scripts/run.sh $^

test: all $(TESTS:%=$(BUILD)/test/%) $(TEST_PROGS:%=$(BUILD)/test/programs/%) replays attackers
	@$(SCRIPT_ENV) sh test/scripts/run.sh $(TESTS:%=$(BUILD)/test/%) $(SCRIPTS)

check: all
	@$(SCRIPT_ENV) sh test/scripts/run.sh $(CHECKS)

ASAN_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# a size that no machine can allocate is refused in words, and the tests see to that
asan:
	@ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) --no-print-directory $(SAME) \
		BUILD='$(BUILD)-asan' unit \
		CFLAGS='$(ASAN_CFLAGS)'

# What UBSan has beyond the standard: conversions that change a value.  Unsigned sums may wrap: hashes, checksums,
# generators of test data and loops that count down rely on it.  The vector kernels as in fuzz-build.
UBSAN_CFLAGS := -O1 -g -fsanitize=undefined,implicit-conversion -fno-sanitize-recover=all
.PHONY: ubsan
ubsan:
	@UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) --no-print-directory $(SAME) BUILD='$(BUILD)-ubsan' CC='$(FUZZ_CC)' \
		CFLAGS='$(UBSAN_CFLAGS)' $(foreach i,$(ISAS) $(FEW_ISAS),FLAGS_$(i)='$(FLAGS_$(i)) -fno-sanitize=all') unit

tsan:
	@TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1 $(MAKE) --no-print-directory $(SAME) BUILD='$(BUILD)-tsan' unit \
		CFLAGS='-O1 -g -fsanitize=thread' SUITES='$(filter %/test_two_threads %/test_threads,$(TESTS))'

# without libjpeg's vector code, whose reads past the ends of rows valgrind can't follow
valgrind: $(SUITE_PROGS)
	@$(SCRIPT_ENV) JSIMD_FORCENONE=1 RUNNER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite' \
		sh test/scripts/run.sh $(SUITE_PROGS)

# Which lines and branches the tests reach.  Nothing is optimised but the vector kernels, so that a line stays a line.
# Kernels of a set that the machine may lack are built without counters, and so are the tests themselves.
COVERAGE_FLAGS := -O0 -g -fprofile-arcs -ftest-coverage -fprofile-update=atomic
COUNTED_ISAS := avx2 neon
.PHONY: coverage covered
coverage:
	@SETUP="$$(CC='$(CC)' sh test/coverage/run.sh can)"; if [ -n "$$SETUP" ]; then echo "coverage: skipped, $$SETUP"; else \
	$(MAKE) --no-print-directory $(SAME) BUILD='$(BUILD)-coverage' CFLAGS='$(COVERAGE_FLAGS)' SECCOMP=0 \
		TEST_FLAGS='-O2 -fno-profile-arcs -fno-test-coverage -w' \
		WERROR=0 LDFLAGS='$(LDFLAGS) -Wl,--wrap=_exit,--wrap=raise $(BUILD)-coverage/test/coverage/ends.o' \
		$(foreach i,$(ISAS) $(FEW_ISAS),FLAGS_$(i)='$(FLAGS_$(i)) $(if $(filter $(i),$(COUNTED_ISAS)),-O1,-fno-profile-arcs -fno-test-coverage -w)') \
		covered; fi
covered: $(BUILD)/test/coverage/ends.o
	@$(MAKE) --no-print-directory tools replays $(SUITE_PROGS)
	@$(SCRIPT_ENV) sh test/coverage/run.sh $(SUITE_PROGS)

# what they report and is no mistake: test/analyse/accepted.txt
ANALYSERS ?= gcc cppcheck tidy
analyse: need-tools
	@FLAGS=$(call quote,$(CPPFLAGS_ALL) $(TOOL_PKG_CFLAGS) $(TOOL_DEFS)) sh test/analyse/run.sh $(ANALYSERS)

CORES := cortex-m4 cortex-m7 cortex-m55
# the pictures of the README
pictures: $(BUILD)/capdemo
	@BUILD='$(BUILD)' sh docs/pictures.sh

firmware:
	@$(SCRIPT_ENV) TARGET='$(TARGET)' sh test/scripts/test_firmware.sh

# Each target is one program with libFuzzer, and one without that runs the inputs of test/fuzz/corpus (replay.c).
FUZZ_NAMES := $(patsubst test/fuzz/fuzz_%.c,%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
FUZZERS := $(FUZZ_NAMES:%=$(BUILD)/test/fuzz/fuzz_%)
REPLAYS := $(FUZZ_NAMES:%=$(BUILD)/test/fuzz/replay_%)
FUZZ_WITH = $(BUILD)/test/fuzz/fuzz.o $(BUILD)/libtest.a $(MODULES) $(STATIC)
FUZZ_ENGINE ?= -fsanitize=fuzzer
$(FUZZERS): %: %.o $(FUZZ_WITH)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(FUZZ_ENGINE) $(TOOL_LIBS)
$(REPLAYS): $(BUILD)/test/fuzz/replay_%: $(BUILD)/test/fuzz/fuzz_%.o $(BUILD)/test/fuzz/replay.o $(FUZZ_WITH)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)
$(BUILD)/test/fuzz/seeds: $(BUILD)/test/fuzz/seeds.o $(FUZZ_WITH)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)
.PHONY: fuzzers replays
fuzzers: $(FUZZERS) $(BUILD)/test/fuzz/seeds
replays: $(REPLAYS) $(BUILD)/test/fuzz/seeds
# the vector kernels, which no input steers, take clang minutes to instrument; `make asan` has them
FUZZ_CC ?= clang
FUZZ_CFLAGS ?= -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
.PHONY: fuzz-build
fuzz-build:
	@$(MAKE) --no-print-directory $(SAME) BUILD='$(BUILD)-fuzz' CC='$(FUZZ_CC)' CFLAGS='$(FUZZ_CFLAGS)' fuzzers \
		FUZZ_ENGINE='$(FUZZ_ENGINE)' $(foreach i,$(ISAS) $(FEW_ISAS),FLAGS_$(i)='$(FLAGS_$(i)) -fno-sanitize=all')
FUZZ_SEED ?= 0
fuzz: fuzz-build
	@BUILD='$(BUILD)-fuzz' SECONDS_EACH='$(SECONDS_EACH)' SEED='$(FUZZ_SEED)' sh test/fuzz/run.sh $(or $(TARGET),$(FUZZ_NAMES))

# Hostile files of every kind, and each tool over them: the plain build for its memory, then one with sanitizers.
# corpus FOLDER SEED COUNT makes the files, drive [-a] [-j JOBS] TOOLS CORPUS runs the tools.
ATTACK := $(BUILD)/test/attack
MAKERS := bytes models images pickles texts archives
$(ATTACK)/corpus: $(ATTACK)/corpus.o $(MAKERS:%=$(ATTACK)/%.o)
$(ATTACK)/drive: $(ATTACK)/drive.o $(ATTACK)/launch.o $(ATTACK)/page.o
$(ATTACK)/faults: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard test/attack/faults*.c))) $(ATTACK)/launch.o
ATTACKERS := $(ATTACK)/corpus $(ATTACK)/drive $(ATTACK)/faults
$(ATTACKERS): $(FUZZ_WITH)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(TOOL_LIBS)
.PHONY: attackers
attackers: $(ATTACKERS)
SEED ?= 1
COUNT ?= 5000
attack: tools attackers
	@$(MAKE) --no-print-directory $(SAME) BUILD='$(BUILD)-asan' CFLAGS='$(ASAN_CFLAGS)' tools
	@BUILD='$(BUILD)' SEED='$(SEED)' COUNT='$(COUNT)' sh test/attack/run.sh

check-neon:
	@$(SCRIPT_ENV) sh test/scripts/neon.sh || test $$? = 77

# the C tests on a machine of 32 bits, with another C library, and under MemorySanitizer
.PHONY: msan
check-i686 check-musl msan:
	@$(SCRIPT_ENV) WERROR=$(WERROR) sh test/scripts/foreign.sh $(@:check-%=%) $(filter-out $(TESTS),$(SUITES)) || \
		test $$? = 77

# into build/web; WASM_CC: another clang
wasm:
	@$(SCRIPT_ENV) WERROR=$(WERROR) WASM_CC='$(WASM_CC)' sh tools/web/build.sh || test $$? = 77

# the page that captions in the visitor's browser, into build/web-page; MODEL=FILE: with another model than the bundled one
WEB_MODEL = $(if $(filter command environment,$(firstword $(origin MODEL))),$(MODEL))
web: tools
	@$(SCRIPT_ENV) WERROR=$(WERROR) WASM_CC='$(WASM_CC)' MODEL=$(call quote,$(WEB_MODEL)) sh tools/web/site.sh || test $$? = 77

WEB_PORT ?= 8080
serve-web: web
	@if [ -d $(BUILD)/web-page ]; then echo 'http://127.0.0.1:$(WEB_PORT)/'; \
		python3 -m http.server --bind 127.0.0.1 --directory $(BUILD)/web-page $(WEB_PORT); fi

check-web: tools
	@$(SCRIPT_ENV) WERROR=$(WERROR) WASM_CC='$(WASM_CC)' sh test/scripts/web.sh

check-wasm: tools $(BUILD)/test/programs/raw_pictures
	@$(SCRIPT_ENV) WERROR=$(WERROR) WASM_CC='$(WASM_CC)' FAST='$(FAST)' sh test/scripts/wasm.sh

check-cortex-m: tools $(BUILD)/test/programs/raw_pictures
	@$(SCRIPT_ENV) TARGET='$(TARGET)' FAST='$(FAST)' sh test/scripts/cortex_m.sh

# more pictures than the project's own, where there are any
PHOTOS ?= $(wildcard ../shared/photos)
check-reference: tools
	@p=python3; $$p -c 'import torch' 2>/dev/null || p=/usr/bin/python3; \
	if $$p -c 'import torch' 2>/dev/null; then \
	$$p test/reference/check_safetensors.py --build $(BUILD) && \
	$$p test/reference/check_reference.py --build $(BUILD) $(if $(FAST),--fast) $(if $(LIMIT),--limit $(LIMIT)) \
	$(PHOTOS:%=--photos %); \
	else echo 'check-reference: skipped, there is no python3-torch (test/reference/README.md)'; fi

check-int8: tools
	@p=python3; $$p -c 'import torch' 2>/dev/null || p=/usr/bin/python3; \
	$$p test/reference/check_int8.py --build $(BUILD) $(if $(FAST),--fast) $(if $(LIMIT),--limit $(LIMIT)) \
	$(MODEL_INT8:%=--model %) $(PHOTOS:%=--photos %)

# SEED=N makes other images
check-pillow: $(BUILD)/test/programs/resize_image
	@p=python3; $$p -c 'import PIL' 2>/dev/null || p=/usr/bin/python3; \
	if $$p -c 'import PIL' 2>/dev/null; then \
	$$p test/scripts/check_pillow.py $< $(SEED) $(PHOTOS); \
	else echo 'check-pillow: skipped, there is no python3-pil'; fi

# ---- measurements -----------------------------------------------------------
# MODEL=FILE, or the published sizes with random weights
MODEL ?= $(BUILD)/full.capw
$(BUILD)/full.capw: $(BUILD)/test/programs/make_full
	$< $@
bench: benches $(MODEL)
	$(BUILD)/bench/bench_caption -m $(MODEL) --beams 5 --steps 20
	$(BUILD)/bench/bench_caption -m $(MODEL) --beams 5 --steps 20 --threads 2 --batch 8

bench-peers: benches tools
	@BUILD='$(BUILD)' PHOTOS='$(PHOTOS)' sh bench/peers/peers.sh

# the table of docs/security.md; NAMES="TIFF PNG": of these files alone
.PHONY: costs
costs: tools attackers
	@p=python3; $$p -c 'import PIL' 2>/dev/null || p=/usr/bin/python3; $$p bench/costs/run.py --build $(BUILD) $(NAMES)

roofline: benches tools $(MODEL)
	@BUILD='$(BUILD)' MODEL='$(MODEL)' sh bench/roofline.sh

# ---- installation -----------------------------------------------------------
# The one list that install and uninstall go by: HOW:SOURCE:PLACE, where HOW is the file's mode, `link` for a
# symbolic link to SOURCE, or `fill` for a template whose @names@ are filled in.
installed_under = $(foreach f,$(3),$(1):$(f):$(2)/$(notdir $(f)))
completions = $(foreach f,$(wildcard tools/completions/$(1)/*),644:$(f):$(2)/$(3)$(basename $(patsubst \
	_%,%,$(notdir $(f))))$(4))
FUNCTIONS = $(shell awk -f $(MAN_AWK) -v list=1 include/caption.h)
INSTALLED = \
	$(call installed_under,644,$(includedir),include/caption.h include/capw.h) \
	$(call installed_under,644,$(libdir),$(STATIC) $(SHARED)) \
	link:$(SHARED_NAME):$(libdir)/$(SONAME) \
	link:$(SONAME):$(libdir)/$(SHARED_LINK) \
	fill:tools/packaging/libcaption.pc.in:$(libdir)/pkgconfig/libcaption.pc \
	fill:tools/packaging/libcaption-config.cmake.in:$(libdir)/cmake/libcaption/libcaption-config.cmake \
	fill:tools/packaging/libcaption-config-version.cmake.in:$(libdir)/cmake/libcaption/libcaption-config-version.cmake \
	$(call installed_under,755,$(bindir),$(TOOLS:%=$(BUILD)/%)) \
	$(call installed_under,644,$(datadir)/libcaption,weights/scenes.capw) \
	$(call installed_under,644,$(datadir)/libcaption,tools/cluster/caption.sbatch tools/packaging/capserve.service) \
	$(call installed_under,644,$(mandir)/man1,$(wildcard docs/man/*.1)) \
	$(call installed_under,644,$(mandir)/man3,$(wildcard docs/man/*.3) $(FUNCTIONS:%=$(BUILD)/man/%.3)) \
	$(call installed_under,644,$(docdir),README.md LICENSE NEWS $(wildcard docs/*.md docs/*.svg)) \
	$(foreach f,$(wildcard docs/examples/*.* docs/examples/boards/*.* docs/examples/boards/*/*.*),644:$(f):$(f:docs/%=$(docdir)/%)) \
	$(call completions,bash,$(datadir)/bash-completion/completions) \
	$(call completions,zsh,$(datadir)/zsh/site-functions,_) \
	$(call completions,fish,$(datadir)/fish/vendor_completions.d,,.fish)
INSTALL_ENV = V='$(V)' DESTDIR='$(DESTDIR)' INSTALL='$(INSTALL)' prefix='$(PREFIX)' libdir='$(libdir)' \
	includedir='$(includedir)' version='$(VERSION)' soname='$(SONAME)' shared='$(SHARED_NAME)' \
	requires='$(strip $(LIB_PKGS))' libs='$(strip $(SYSTEM_LIBS))' static_libs='$(strip $(LIBS))'

install: all
	@$(INSTALL_ENV) sh tools/packaging/install.sh install $(INSTALLED)

uninstall:
	@$(INSTALL_ENV) sh tools/packaging/install.sh uninstall $(INSTALLED)

clean:
	rm -rf $(foreach f,asan tsan coverage fuzz clang neon i686 musl msan foreign ubsan firmware wasm $(CORES:%=firmware-%),$(BUILD)-$(f)) $(BUILD)
