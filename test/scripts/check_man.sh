#!/bin/sh
# The manual: a page for each public function, made from a comment in caption.h; every page as mandoc likes it.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
awk -f tools/packaging/man.awk -v list=1 include/caption.h | sort >"$dir/functions"
find "$BUILD/man" -name '*.3' | sed 's|.*/||; s|\.3$||' | sort >"$dir/pages"
try 'caption.h has functions' grep -qx caption_file "$dir/functions"
none 'each function of caption.h has a page, and nothing else has' "$(diff "$dir/functions" "$dir/pages")"
none 'each function is described' "$(grep -l '^No description\.$' "$BUILD"/man/*.3)"
for section in NAME SYNOPSIS DESCRIPTION 'SEE ALSO'; do
    none "each page has $section" "$(grep -L "^\\.Sh $section\$" "$BUILD"/man/*.3)"
done

# a header of our own: what becomes of paragraphs, lists, examples, parameters and errors
cat >"$dir/one.h" <<'HEADER'
typedef enum caption_status {
    CAPTION_OK = 0,
    CAPTION_ERROR_IO = -3,       /* a file can't be opened
                                  * or read */
    CAPTION_ERROR_MODEL = -4, /* damaged */
} caption_status;
/* ---- group ---- */

/* Opens a \ thing (see caption_two).  It is `name` or NULL.
 *
 *     caption_one("x");
 *
 * - one
 * - two,
 *   on two lines
 *
 * Errors: IO, MODEL (no thing, or
 * another; or two).  Then nothing is done. */
CAPTION_API caption_status caption_one(const char *name,
                                       int (*call)(int a, int b));
/* Second.
 *
 * Errors: as caption_one; IO.
 *
 * Returns: nothing. */
static inline void caption_two(void)
{
}
HEADER
mkdir "$dir/man"
awk -f tools/packaging/man.awk -v folder="$dir/man" "$dir/one.h"
cat >"$dir/expected" <<'PAGE'
.Sh NAME
.Nm caption_one
.Nd opens a \e thing (see caption_two)
.Sh SYNOPSIS
.In caption.h
.Ft caption_status
.Fn caption_one "const char *name" "int (*call)(int a, int b)"
.Sh DESCRIPTION
Opens a \e thing (see
.Xr caption_two 3 ) .
It is
.Fa name
or
.Dv NULL .
.Bd -literal -offset indent
\&caption_one("x");
.Ed
.Bl -bullet -compact
.It
one
.It
two,
on two lines
.El
.Sh RETURN VALUES
.Dv CAPTION_OK ,
which is 0, or a negative
.Vt caption_status ;
.Xr libcaption 3
describes them all.
.Sh ERRORS
.Bl -tag -width Ds
.It Dv CAPTION_ERROR_IO
a file can't be opened or read
.It Dv CAPTION_ERROR_MODEL
no thing, or another; or two
.El
.Pp
Then nothing is done.
.Sh SEE ALSO
.Xr caption_two 3 ,
.Xr libcaption 3
PAGE
sed '1,/^\.Os/d' "$dir/man/caption_one.3" >"$dir/made"
none 'a comment becomes a page' "$(diff "$dir/expected" "$dir/made")"

cat >"$dir/expected" <<'PAGE'
Second.
.Sh RETURN VALUES
Nothing.
.Sh ERRORS
As
.Xr caption_one 3 :
.Bl -tag -width Ds
.It Dv CAPTION_ERROR_IO
a file can't be opened or read
.El
.Sh SEE ALSO
PAGE
sed '1,/^\.Sh DESCRIPTION/d; /^\.Xr.*[,3]$/{/ :$/!d;}' "$dir/man/caption_two.3" >"$dir/made"
none 'with what it says of errors and results' "$(diff "$dir/expected" "$dir/made")"

if have mandoc; then
    none 'mandoc finds nothing to warn of' \
        "$(mandoc -Tlint -W warning docs/man/*.[13] "$BUILD"/man/*.3 "$dir"/man/*.3 2>&1)"
    try 'the library line of libcaption(3) is a sentence' \
        sh -c 'mandoc -Tascii docs/man/libcaption.3 | col -b | grep -q "pkg-config --cflags --libs libcaption"'
else
    skip 'mandoc finds nothing to warn of' 'no mandoc'
fi
finish
