/* Tests of tools/source/torch_pickle: what every opcode builds, and what hostile pickles meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/tools/torch_maker.h"
#include "tools/source/torch_pickle.h"

#define S(text) text, sizeof(text) - 1

static torch_pickle pickle;
static tool_error err;

static bool parse(const void *data, size_t size)
{
    unsigned char *copy = malloc(size + 1);
    torch_pickle_free(&pickle);
    err.message[0] = '\0';
    if (!copy) abort();
    memcpy(copy, data, size);
    return torch_pickle_parse(&pickle, copy, size, "f", &err);
}

static const torch_value *parsed(const void *data, size_t size)
{
    if (!parse(data, size)) fail_msg("%s", err.message);
    return pickle.root;
}

static void assert_refused(const void *data, size_t size, const char *message)
{
    if (parse(data, size)) fail_msg("read, instead of \"%s\"", message);
    if (!strstr(err.message, message)) fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    assert_int_equal(strncmp(err.message, "f: byte ", 8), 0);
}

static void integers(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        int64_t value;
    } cases[] = {
        {S("\x80\2K\xFF."), 255},
        {S("\x80\2M\x39\x30."), 12345},
        {S("\x80\2J\x15\xCD\x5B\x07."), 123456789},
        {S("\x80\2J\xFF\xFF\xFF\xFF."), -1},
        {S("\x80\2J\0\0\0\x80."), -2147483648LL},
        {S("\x80\2\x8a\0."), 0},
        {S("\x80\2\x8a\1\xFE."), -2},
        {S("\x80\2\x8a\2\xFF\0."), 255},
        {S("\x80\2\x8a\5\0\0\0\0\1."), 4294967296LL},
        {S("\x80\2\x8a\x08\0\0\0\0\0\0\0\x80."), INT64_MIN},
        {S("\x80\2\x8b\x08\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F."), INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const torch_value *v = parsed(cases[i].data, cases[i].size);
        assert_int_equal(v->kind, TORCH_INT);
        assert_true(v->as.integer == cases[i].value);
    }
    assert_refused(S("\x80\2\x8a\x09\0\0\0\0\0\0\0\0\1."), "more than 64 bits");
}

static void texts_and_constants(void **state)
{
    (void)state;
    const torch_value *v = parsed(S("\x80\2N."));
    assert_int_equal(v->kind, TORCH_NONE);
    v = parsed(S("\x80\2\x88."));
    assert_true(v->kind == TORCH_BOOL && v->as.truth);
    v = parsed(S("\x80\2\x89."));
    assert_true(v->kind == TORCH_BOOL && !v->as.truth);
    v = parsed(S("\x80\2G\x3F\xF8\0\0\0\0\0\0."));
    assert_true(v->kind == TORCH_FLOAT && v->as.real == 1.5);
    v = parsed(S("\x80\4\x95\6\0\0\0\0\0\0\0\x8c\3xyz."));
    assert_true(torch_text_is(v, "xyz"));
    assert_false(torch_text_is(v, "xy"));
    assert_false(torch_text_is(v, "xyzz"));
    v = parsed(S("\x80\2X\0\0\0\0."));
    assert_true(torch_text_is(v, ""));
    v = parsed(S("\x80\4\x8d\2\0\0\0\0\0\0\0hi."));
    assert_true(torch_text_is(v, "hi"));
    v = parsed(S("\x80\3C\2\0\1."));
    assert_true(v->kind == TORCH_BYTES && v->as.text.size == 2);
}

static void containers(void **state)
{
    (void)state;
    const torch_value *v = parsed(S("\x80\2(K\1K\2K\3K\4t."));
    assert_true(v->kind == TORCH_TUPLE && v->as.items.count == 4 && v->as.items.at[3]->as.integer == 4);
    v = parsed(S("\x80\2K\1K\2K\3\x87."));
    assert_true(v->kind == TORCH_TUPLE && v->as.items.count == 3 && v->as.items.at[0]->as.integer == 1);
    v = parsed(S("\x80\2](K\1K\2eK\3a."));
    assert_true(v->kind == TORCH_LIST && v->as.items.count == 3 && v->as.items.at[2]->as.integer == 3);
    v = parsed(S("\x80\4\x8f(K\7\x90."));
    assert_true(v->kind == TORCH_SET && v->as.items.count == 1);
    /* {a: 1, b: 2}, then a set anew: Python would find the last one */
    v = parsed(S("\x80\2}(X\1\0\0\0aK\1X\1\0\0\0bK\2uX\1\0\0\0aK\3s."));
    assert_int_equal(v->kind, TORCH_DICT);
    assert_int_equal(torch_dict_get(v, "a")->as.integer, 3);
    assert_int_equal(torch_dict_get(v, "b")->as.integer, 2);
    assert_null(torch_dict_get(v, "c"));
    assert_null(torch_dict_get(NULL, "c"));
    v = parsed(S("\x80\2(K\1K\2l."));
    assert_true(v->kind == TORCH_LIST && v->as.items.count == 2);
    v = parsed(S("\x80\2(K\1K\2d."));
    assert_true(v->kind == TORCH_DICT && v->as.items.count == 2);
}

static void memo_and_stack(void **state)
{
    (void)state;
    const torch_value *v = parsed(S("\x80\2(X\1\0\0\0aq\0h\0r\1\0\0\0j\1\0\0\0t."));
    assert_int_equal(v->as.items.count, 3);
    assert_ptr_equal(v->as.items.at[0], v->as.items.at[2]);
    v = parsed(S("\x80\4(K\1\x94K\2\x94h\0h\1t."));
    assert_int_equal(v->as.items.at[2]->as.integer, 1);
    assert_int_equal(v->as.items.at[3]->as.integer, 2);
    v = parsed(S("\x80\2K\1K\2"
                 "0."));
    assert_int_equal(v->as.integer, 1);
    v = parsed(S("\x80\2K\1(K\2K\3"
                 "1."));
    assert_int_equal(v->as.integer, 1);
    v = parsed(S("\x80\2K\5"
                 "2\x86."));
    assert_ptr_equal(v->as.items.at[0], v->as.items.at[1]);
    v = parsed(S("\x80\2]q\0h\0a.")); /* a list that contains itself */
    assert_ptr_equal(v->as.items.at[0], v);
}

static void known_globals(void **state)
{
    (void)state;
    const torch_value *v = parsed(S("\x80\2ccollections\nOrderedDict\n)RX\1\0\0\0aK\1s}X\1\0\0\0mNsb."));
    assert_int_equal(v->kind, TORCH_DICT);
    assert_int_equal(v->as.items.count, 2); /* the attribute m is no item */
    v = parsed(S("\x80\2ccollections\nCounter\n}X\1\0\0\0aK\1s\x85R."));
    assert_int_equal(torch_dict_get(v, "a")->as.integer, 1);
    v = parsed(S("\x80\4\x8c\x0Esrc.vocabulary\x8c\nVocabulary\x93)\x81}\x8c\1nK\5sb."));
    assert_int_equal(v->kind, TORCH_OBJECT);
    assert_int_equal(torch_dict_get(v->as.object.state, "n")->as.integer, 5);
}

/* A Counter made from a dict takes over its items; what either gets later is its own. */
static void counter_is_a_copy(void **state)
{
    /* d = {1: 1}; c = Counter(d); c[2] = 2; d[3] = 3; (d, c) */
    const torch_value *v = parsed(S("\x80\2}q\0K\1K\1sccollections\nCounter\nh\0\x85RK\2K\2sq\1"
                                    "0h\0K\3K\3s0h\1\x86."));
    (void)state;
    assert_int_equal(v->as.items.at[0]->as.items.count, 4);
    assert_int_equal(v->as.items.at[1]->as.items.count, 4);
    assert_int_equal(v->as.items.at[0]->as.items.at[2]->as.integer, 3);
    assert_int_equal(v->as.items.at[1]->as.items.at[2]->as.integer, 2);
}

static const torch_value *scalar(const char *type, const char *order, const void *data, size_t size)
{
    bytes b = {0};
    pk_begin(&b);
    pk_scalar(&b, type, order, data, size);
    put_op(&b, '.');
    const bool ok = parse(b.at, b.size);
    free_bytes(&b);
    return ok ? pickle.root : NULL;
}

/* NumPy's numbers, in pickles of protocol 2 and, written out by NumPy 1.24, 4; NumPy 2 only changed a name.
 */
static void numpy_numbers(void **state)
{
    (void)state;
    const torch_value *v = scalar("f8", "<", S("\0\0\0\0\0\0\xF8\x3F"));
    assert_true(v && v->kind == TORCH_FLOAT && v->as.real == 1.5);
    v = scalar("f4", "<", S("\0\0\x20\xC1"));
    assert_true(v && v->kind == TORCH_FLOAT && v->as.real == -10);
    v = scalar("i8", "<", S("\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
    assert_true(v && v->kind == TORCH_INT && v->as.integer == -2);
    v = scalar("i8", "<", S("\x80\0\0\0\0\0\0\x7F"));
    assert_true(v && v->kind == TORCH_INT && v->as.integer == 0x7F00000000000080);
    v = scalar("i4", "<", S("\0\0\0\x80"));
    assert_true(v && v->kind == TORCH_INT && v->as.integer == INT32_MIN);
    v = scalar("i4", "<", S("\x39\x30\0\0"));
    assert_true(v && v->kind == TORCH_INT && v->as.integer == 12345);
    v = scalar("b1", "|", S("\1"));
    assert_true(v && v->kind == TORCH_BOOL && v->as.truth);
    v = scalar("b1", "|", S("\0"));
    assert_true(v && v->kind == TORCH_BOOL && !v->as.truth);
    v = parsed(S(
        "\x80\4\x95\x65\0\0\0\0\0\0\0\x8c\x15numpy.core.multiarray\x94\x8c\6scalar\x94\x93\x94\x8c\5numpy\x94"
        "\x8c\5dtype\x94\x93\x94\x8c\2i4\x94\x89\x88\x87\x94R\x94(K\3\x8c\1<"
        "\x94NNNJ\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK"
        "\0t\x94"
        "bC\4\xFD\xFF\xFF\xFF\x94\x86\x94R\x94."));
    assert_true(v->kind == TORCH_INT && v->as.integer == -3);
    v = parsed(
        S("\x80\2cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\2\0\0\0b1\x89\x88\x87R(K\3X\1\0\0\0|NNN"
          "J\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\0tbC\1\1\x86R."));
    assert_true(v->kind == TORCH_BOOL && v->as.truth);
}

static void assert_no_scalar(const char *type, const char *order, const void *data, size_t size,
                             const char *message)
{
    if (scalar(type, order, data, size)) fail_msg("read, instead of \"%s\"", message);
    if (!strstr(err.message, message)) fail_msg("\"%s\" does not say \"%s\"", err.message, message);
}

#define DTYPE "cnumpy\ndtype\nX\2\0\0\0f8\x89\x88\x87R"
#define STATE "(K\3X\1\0\0\0<NNNJ\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\0tb"
#define SCALAR "cnumpy.core.multiarray\nscalar\n"
#define ENCODE "c_codecs\nencode\n"

static void hostile_numpy(void **state)
{
    (void)state;
    assert_no_scalar("f8", "<", S("\0\0\0\0\0\0\xF8"), "the wrong number of bytes");
    assert_no_scalar("f4", "<", S("\0\0\0\0\0\0\xF8\x3F"), "the wrong number of bytes");
    assert_no_scalar("f8", "<", S(""), "the wrong number of bytes");
    assert_no_scalar("f8", "<", S("\0\0\0\0\0\0\xF8\x3F\0"), "more bytes than a number has");
    assert_no_scalar("b1", "|", S("\2"), "not 0 or 1");
    assert_no_scalar("O8", "|", S("\0\0\0\0\0\0\0\0"), "a NumPy type other than");
    assert_no_scalar("f2", "<", S("\0\0"), "a NumPy type other than");
    assert_no_scalar("f80", "<", S("\0\0\0\0\0\0\0\0"), "a NumPy type other than");
    assert_no_scalar("", "<", S(""), "a NumPy type other than");
    assert_no_scalar("f8", ">", S("\0\0\0\0\0\0\xF8\x3F"), "not little-endian");
    assert_no_scalar("f8", "|", S("\0\0\0\0\0\0\xF8\x3F"), "not little-endian");

    assert_refused(S("\x80\2cnumpy\ndtype\n)R."), "type's description is malformed");
    assert_refused(S("\x80\2cnumpy\ndtype\nX\2\0\0\0f8\x88\x88\x87R."), "type's description is malformed");
    assert_refused(S("\x80\2cnumpy\ndtype\nK\1\x89\x88\x87R."), "type's description is malformed");
    assert_refused(S("\x80\2cnumpy\ndtype\n)\x81."), "no class");
    assert_refused(S("\x80\2" DTYPE "}b."), "type's state is malformed");
    assert_refused(S("\x80\2" DTYPE ")b."), "type's state is malformed");
    assert_refused(S("\x80\2" DTYPE "(K\3X\1\0\0\0<NN)J\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\0tb."),
                   "of more than a number");
    assert_refused(S("\x80\2" DTYPE "(K\4X\1\0\0\0<NNNJ\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\0tb."),
                   "state is malformed");
    assert_refused(S("\x80\2" SCALAR ")R."), "number's description is malformed");
    assert_refused(S("\x80\2" SCALAR ")\x81."), "no class");
    assert_refused(S("\x80\2" SCALAR DTYPE "C\x08\0\0\0\0\0\0\0\0\x86R."),
                   "number's description is malformed");
    assert_refused(S("\x80\2" SCALAR DTYPE STATE "K\1\x86R."), "number's description is malformed");
    assert_refused(S("\x80\2" SCALAR "K\1C\x08\0\0\0\0\0\0\0\0\x86R."), "number's description is malformed");
    assert_refused(S("\x80\2" ENCODE ")R."), "something other than a text in latin1");
    assert_refused(S("\x80\2" ENCODE "X\1\0\0\0aX\3\0\0\0hex\x86R."),
                   "something other than a text in latin1");
    assert_refused(S("\x80\2" ENCODE "X\2\0\0\0\xC4\x80X\6\0\0\0latin1\x86R."), "no latin1");
    assert_refused(S("\x80\2" ENCODE "X\1\0\0\0\xC3X\6\0\0\0latin1\x86R."), "no latin1");
    assert_refused(S("\x80\2" ENCODE "X\2\0\0\0\xC3\x28X\6\0\0\0latin1\x86R."), "no latin1");
    /* nothing else of NumPy's or of the codecs' */
    assert_refused(S("\x80\2cnumpy.core.multiarray\n_reconstruct\n."),
                   "names numpy.core.multiarray._reconstruct");
    assert_refused(S("\x80\2cnumpy\nndarray\n."), "names numpy.ndarray");
    assert_refused(S("\x80\2cnumpy._core.multiarray\nfromfile\n."), "names numpy._core.multiarray.fromfile");
    assert_refused(S("\x80\2c_codecs\ndecode\n."), "names _codecs.decode");
}

static void unknown_globals(void **state)
{
    (void)state;
    assert_refused(S("\x80\2cposix\nsystem\nX\2\0\0\0ls\x85R."),
                   "f: byte 2: names posix.system, which is not on the list");
    assert_refused(S("\x80\4\x8c\2os\x8c\6system\x93."), "names os.system");
    assert_refused(S("\x80\4\x8c\x08"
                     "builtins\x8c\4eval\x93."),
                   "names builtins.eval");
    assert_refused(S("\x80\2ccollections\nOrderedDict.x\n."), "names collections.OrderedDict.x");
    assert_refused(S("\x80\2ca\x1B[2J\nb\n."), "names a\\x1b[2J.b");
    assert_refused(S("\x80\4\x8c\3src\x8c\x15vocabulary.Vocabulary\x93."), "names src.vocabulary.Vocabulary");
    assert_refused(S("\x80\4K\1K\2\x93."), "by what is no text");
    assert_refused(S("\x80\2ctorch\n."), "truncated");
}

static void wrong_calls(void **state)
{
    (void)state;
    assert_refused(S("\x80\2K\1)R."), "calls something that is no function");
    assert_refused(S("\x80\2ccollections\nOrderedDict\nK\1R."), "no function");
    assert_refused(S("\x80\2ccollections\nOrderedDict\nK\1\x85R."), "from something other than a dictionary");
    assert_refused(S("\x80\2ctorch\nFloatStorage\n)R."), "makes a storage outside of a tensor");
    assert_refused(S("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)R."), "a tensor's description is malformed");
    assert_refused(S("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)\x81."), "no class");
    assert_refused(S("\x80\2ctorch._utils\n_rebuild_parameter\n)R."),
                   "a parameter's description is malformed");
    assert_refused(S("\x80\2c__main__\nVocabulary\nK\1\x85\x81."), "made with arguments");
    assert_refused(S("\x80\2c__main__\nVocabulary\n)\x81K\1b."), "state is no dictionary");
    assert_refused(S("\x80\2K\1}b."), "gives a state to something that is no object");
    assert_refused(S("\x80\2K\1Q."), "a storage's description is malformed");
    assert_refused(S("\x80\2(X\7\0\0\0storagectorch\nFloatStorage\nX\4\0\0\0../xX\3\0\0\0cpuK\1tQ."),
                   "a storage's key is malformed");
}

static void broken_programs(void **state)
{
    (void)state;
    assert_refused(S(""), "it is empty");
    assert_refused(S("K\1."), "no pickle of protocol 2 to 5");
    assert_refused(S("\x80\6K\1."), "a pickle protocol other than 2 to 5");
    assert_refused(S("\x80\1K\1."), "a pickle protocol other than 2 to 5");
    assert_refused(S("\x80\2."), "ends with values left over");
    assert_refused(S("\x80\2K\1K\2."), "ends with values left over");
    assert_refused(S("\x80\2(K\1."), "ends with values left over");
    assert_refused(S("\x80\2K\1.x"), "something follows");
    assert_refused(S("\x80\2K\1"), "truncated");
    assert_refused(S("\x80\2\x82\1."), "opcode 0x82 is not supported");
    assert_refused(S("\x80\2i__main__\nx\n."), "opcode 0x69 is not supported");
    assert_refused(S("\x80\2X\xFF\xFF\xFF\xFFx."), "truncated");
    assert_refused(S("\x80\4\x8d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFx."), "truncated");
    assert_refused(S("\x80\2\x8b\xFF\xFF\xFF\x7Fx."), "truncated");
    assert_refused(S("\x80\4\x95\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7FN."), "truncated");
    assert_refused(S("\x80\2t."), "takes a mark where there is none");
    assert_refused(S("\x80\2\x85."), "takes a value where there is none");
    assert_refused(S("\x80\2K\1(\x85."), "takes a value where there is none"); /* not below the mark */
    assert_refused(S("\x80\2K\1(a."), "takes a value where there is none");
    assert_refused(S("\x80\2"
                     "0."),
                   "takes a value where there is none");
    assert_refused(S("\x80\2q\0."), "takes a value where there is none");
    assert_refused(S("\x80\2h\0."), "memo that was never set");
    assert_refused(S("\x80\2j\xFF\xFF\xFF\xFF."), "memo that was never set");
    assert_refused(S("\x80\2Nr\xFF\xFF\xFF\xFF."), "an absurd memo index");
    assert_refused(S("\x80\2K\1K\2a."), "of another kind");
    assert_refused(S("\x80\2}(K\1u."), "a key without a value");
    assert_refused(S("\x80\2(K\1d."), "a key without a value");
}

static void deep_nesting(void **state)
{
    bytes b = {0};
    (void)state;
    pk_begin(&b);
    for (int i = 0; i < 1000; i++) put_op(&b, '(');
    for (int i = 0; i < 1000; i++) put_op(&b, 't');
    put_op(&b, '.');
    (void)parsed(b.at, b.size);
    b.size = 2;
    for (int i = 0; i < 1001; i++) put_op(&b, '(');
    assert_refused(b.at, b.size, "nested too deeply");
    /* nesting without marks needs no stack of the reader: a million lists in lists */
    b.size = 2;
    for (int i = 0; i < 1000000; i++) put_op(&b, ']');
    for (int i = 0; i < 999999; i++) put_op(&b, 'a');
    put_op(&b, '.');
    (void)parsed(b.at, b.size);
    free_bytes(&b);
}

static void memory_is_bounded(void **state)
{
    bytes b = {0};
    (void)state;
    pk_begin(&b);
    for (int i = 0; i < (1 << 22) + 1; i++) put_op(&b, 'N'); /* no memory but the stack's */
    assert_refused(b.at, b.size, "it takes too much memory");
    free_bytes(&b);
}

/* ---- tensors ---- */

static bool parse_tensor(tensor_spec spec)
{
    bytes b = {0};
    pk_begin(&b);
    pk_tensor(&b, &spec);
    put_op(&b, '.');
    const bool ok = parse(b.at, b.size);
    free_bytes(&b);
    return ok;
}

static void tensors(void **state)
{
    const tensor_spec good = {.type = "HalfStorage",
                              .key = "7",
                              .count = 100,
                              .offset = 4,
                              .rank = 2,
                              .dims = {3, 8},
                              .strides = {32, 4}};
    tensor_spec spec = good;
    (void)state;
    /* the last element: 4 + 2 * 32 + 7 * 4 = 96 */
    if (!parse_tensor(spec)) fail_msg("%s", err.message);
    const torch_tensor *t = pickle.root->as.tensor;
    assert_int_equal(pickle.root->kind, TORCH_TENSOR);
    assert_true(t->rank == 2 && t->dims[0] == 3 && t->dims[1] == 8 && t->count == 24 && t->offset == 4);
    assert_int_equal(t->storage->dtype, SOURCE_FLOAT16);
    spec.count = 97;
    assert_true(parse_tensor(spec));
    spec.count = 96;
    assert_false(parse_tensor(spec));
    assert_non_null(strstr(err.message, "a tensor reaches outside its storage"));
    spec = good;
    spec.offset = -1;
    assert_false(parse_tensor(spec));
    assert_non_null(strstr(err.message, "malformed"));
    spec = good;
    spec.strides[0] = INT64_MAX;
    assert_false(parse_tensor(spec));
    spec = good;
    spec.dims[0] = INT64_MAX;
    spec.strides[0] = 0; /* more elements than the storage holds */
    assert_false(parse_tensor(spec));
    spec = good;
    spec.dims[0] = spec.dims[1] = 11; /* 121 of 100, all inside */
    spec.strides[0] = spec.strides[1] = 1;
    assert_false(parse_tensor(spec));
    spec = good;
    spec.count = 0;
    spec.offset = 0;
    spec.rank = 0;
    assert_false(parse_tensor(spec));
    spec.count = 1;
    assert_true(parse_tensor(spec));
    assert_int_equal(pickle.root->as.tensor->count, 1);
    spec = good;
    spec.dims[1] = 0;
    assert_true(parse_tensor(spec));
    assert_int_equal(pickle.root->as.tensor->count, 0);
    spec = good;
    spec.type = "QInt8Storage";
    assert_false(parse_tensor(spec));
    assert_non_null(strstr(err.message, "names torch.QInt8Storage"));
}

/* Every prefix is refused; every flipped byte is refused or read, without harm. */
static void damaged_anywhere(void **state)
{
    const tensor_spec spec = {.type = "FloatStorage",
                              .key = "7",
                              .count = 100,
                              .offset = 4,
                              .rank = 2,
                              .dims = {3, 8},
                              .strides = {32, 4}};
    bytes b = {0};
    (void)state;
    pk_begin(&b);
    put_op(&b, '(');
    pk_tensor(&b, &spec);
    put(&b, "q\3h\3", 4);
    pk_text(&b, "text");
    pk_float(&b, 0.5);
    pk_scalar(&b, "f8", "<", "\0\0\0\0\0\0\xF8\x3F", 8);
    put(&b, "}(K\1K\2ut.", 9);
    (void)parsed(b.at, b.size);
    for (size_t i = 0; i < b.size; i++) assert_false(parse(b.at, i));
    for (size_t i = 0; i < b.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            b.at[i] ^= (unsigned char)(1 << bit);
            if (!parse(b.at, b.size)) assert_true(err.message[0] != '\0');
            b.at[i] ^= (unsigned char)(1 << bit);
        }
    }
    free_bytes(&b);
}

static int clean(void **state)
{
    (void)state;
    torch_pickle_free(&pickle);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),          cmocka_unit_test(texts_and_constants),
        cmocka_unit_test(containers),        cmocka_unit_test(memo_and_stack),
        cmocka_unit_test(known_globals),     cmocka_unit_test(counter_is_a_copy),
        cmocka_unit_test(unknown_globals),   cmocka_unit_test(wrong_calls),
        cmocka_unit_test(broken_programs),   cmocka_unit_test(deep_nesting),
        cmocka_unit_test(memory_is_bounded), cmocka_unit_test(tensors),
        cmocka_unit_test(damaged_anywhere),  cmocka_unit_test(numpy_numbers),
        cmocka_unit_test(hostile_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
