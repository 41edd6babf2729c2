# Makes a page of the manual for each function of a public header:
#     awk -f man.awk -v folder=FOLDER include/caption.h     writes FOLDER/FUNCTION.3
#     awk -f man.awk -v list=1 include/caption.h            prints the functions' names; list=exported: of those
#                                                           that are not inline
#
# It reads comments that begin in the first column.  The comment above a declaration describes it, up to a blank line;
# its first sentence is the summary.  "Errors: IO, MODEL (damaged)." in it becomes the section ERRORS, and a paragraph
# that begins with "Returns:" the section RETURN VALUES.  A blank comment line separates paragraphs; lines that are indented by four blanks more are shown as they are; `- ` begins an
# item of a list; `name` in backquotes is a parameter.  `/* ---- name ---- */` begins a group of functions that refer
# to each other.  The date of the pages is that of docs/man/libcaption.3.

BEGIN {
    date = "January 1, 1970"
    while ((getline line < "docs/man/libcaption.3") > 0)
        if (line ~ /^\.Dd /) { date = substr(line, 5); break }
}

# ---- reading ----

# a comment of one or more lines that begins in the first column
!reading && /^\/\*/ {
    if ($0 ~ /^\/\* ---- .* ---- \*\/$/) { group++; comment = ""; next }
    comment = ""
    line = substr($0, 3)
    if (line ~ /\*\/[ \t]*$/) { comment = text_of(line); next }
    comment = text_of(line)
    reading = "comment"
    next
}
reading == "comment" {
    line = $0
    sub(/^ *\*?/, "", line)
    if ($0 ~ /\*\/[ \t]*$/) {
        if ($0 ~ /^ *\*\/[ \t]*$/) line = ""
        reading = ""
    }
    comment = comment "\n" text_of(line)
    next
}

# the statuses and what they mean
/^typedef enum caption_status/ { reading = "statuses"; comment = ""; next }
reading == "statuses" && /^\}/ { reading = ""; next }
reading == "statuses" {
    line = $0
    if (match(line, /CAPTION_ERROR_[A-Z_]+/)) {
        last_status = substr(line, RSTART + 14, RLENGTH - 14)
        statuses[++status_count] = last_status
        meaning[last_status] = ""
        if (!sub(/^.*\/\*/, "", line)) next
    } else if (!last_status) next
    sub(/\*\/.*$/, "", line)
    gsub(/^[ \t*]+|[ \t]+$/, "", line)
    meaning[last_status] = meaning[last_status] (meaning[last_status] == "" ? "" : " ") line
    next
}

# declarations; a function's inline body is passed over
!reading && /^(CAPTION_API|static inline) / { reading = "declaration"; declaration = "" }
reading == "declaration" {
    declaration = declaration " " $0
    if (declaration ~ /\)[ ;{]*$/) {
        add(declaration)
        reading = ""
    }
    next
}
/^[ \t]*$/ || /^(typedef|#)/ { comment = "" }

# a comment's line without its first blank and its end
function text_of(line) {
    sub(/[ \t]*\*\/[ \t]*$/, "", line)
    sub(/^ /, "", line)
    return line
}

function add(text,    before, name) {
    gsub(/[ \t]+/, " ", text)
    inline[count + 1] = text ~ /^ ?static inline /
    sub(/^ ?(CAPTION_API|static inline) /, "", text)
    before = substr(text, 1, index(text, "(") - 1)
    name = before
    sub(/^.*[ *]/, "", name)
    names[++count] = name
    number[name] = count
    type[count] = substr(before, 1, length(before) - length(name))
    sub(/ $/, "", type[count])
    parameters[count] = substr(text, index(text, "(") + 1)
    sub(/\)[ ;{]*$/, "", parameters[count])
    described[count] = comment
    group_of[count] = group
}

# ---- writing ----

END {
    for (i = 1; i <= count; i++) {
        if (list == "exported" && inline[i]) continue
        if (list) print names[i]
        else page(i)
    }
}

function page(i,    text, errors, returns) {
    file = folder "/" names[i] ".3"
    self = names[i]
    split_parameters(parameters[i])
    text = described[i]
    errors = taken = returns = ""
    if (match(text, /(^|[ \n])Errors?:/)) {
        text = take(text, RSTART, RLENGTH)
        errors = taken
    }
    if (match(text, /(^|\n)Returns:/)) {
        text = take(text, RSTART, RLENGTH)
        returns = taken
    }

    print ".\\\" made from caption.h by man.awk" >file
    put(".Dd " date)
    put(".Dt " toupper(self) " 3")
    put(".Os")
    put(".Sh NAME")
    put(".Nm " self)
    put(".Nd " summary(text))
    put(".Sh SYNOPSIS")
    put(".In caption.h")
    put(".Ft " escaped(type[i]))
    line = ".Fn " self
    for (k = 1; k <= parameter_count; k++) line = line " \"" parameter[k] "\""
    put(line)
    put(".Sh DESCRIPTION")
    body(text == "" ? "No description." : text)
    if (returns != "") {
        put(".Sh RETURN VALUES")
        words_of(capital(returns))
    } else if (type[i] == "caption_status") {
        put(".Sh RETURN VALUES")
        put(".Dv CAPTION_OK ,")
        put("which is 0, or a negative")
        put(".Vt caption_status ;")
        put(".Xr libcaption 3")
        put("describes them all.")
    }
    if (errors != "") write_errors(errors)
    put(".Sh SEE ALSO")
    see_also(i)
    close(file)
}

# the text without what begins at `at` and goes to the paragraph's end, which without its first `skip` characters is left
# in `taken`
function take(text, at, skip,    rest) {
    taken = substr(text, at + skip)
    rest = ""
    if (match(taken, /\n[ \t]*\n/)) {
        rest = substr(taken, RSTART)
        taken = substr(taken, 1, RSTART - 1)
    }
    gsub(/\n/, " ", taken)
    sub(/^ +/, "", taken)
    return substr(text, 1, at - 1) rest
}

function capital(text) { return toupper(substr(text, 1, 1)) substr(text, 2) }

function put(line) { print line >>file }

function split_parameters(text,    c, k, depth, one) {
    parameter_count = 0
    split("", is_parameter)
    one = ""
    depth = 0
    for (k = 1; k <= length(text) + 1; k++) {
        c = k > length(text) ? "," : substr(text, k, 1)
        if (c == "(") depth++
        if (c == ")") depth--
        if (c == "," && depth == 0) {
            sub(/^ /, "", one)
            parameter[++parameter_count] = one
            sub(/^.*[ *]/, "", one)
            is_parameter[one] = 1
            one = ""
        } else one = one c
    }
}

function escaped(text) {
    gsub(/\\/, "\\e", text)
    return text
}

function summary(text) {
    gsub(/\n/, " ", text)
    if (match(text, /\.( |$)/)) text = substr(text, 1, RSTART - 1)
    gsub(/`/, "", text)
    gsub(/ +/, " ", text)
    sub(/^ /, "", text)
    if (text ~ /^[A-Z][a-z ]/) text = tolower(substr(text, 1, 1)) substr(text, 2)
    return escaped(text == "" ? "see caption.h" : text)
}

# paragraphs, lists and what is shown as it is
function body(text,    lines, n, k, line, mode, blank) {
    n = split(text, lines, "\n")
    mode = ""
    blank = 0
    for (k = 1; k <= n; k++) {
        line = lines[k]
        if (line ~ /^[ \t]*$/) {
            blank = mode != "" || blank
            continue
        }
        if (line ~ /^    /) {
            if (mode == "list") put(".El")
            if (mode != "literal") put(".Bd -literal -offset indent")
            else if (blank) put("")
            mode = "literal"
            blank = 0
            put("\\&" escaped(substr(line, 5)))
            continue
        }
        if (mode == "literal") put(".Ed")
        if (line ~ /^- /) {
            if (mode != "list") put(".Bl -bullet -compact")
            mode = "list"
            put(".It")
            words_of(substr(line, 3))
        } else if (line ~ /^  / && mode == "list" && !blank) {
            words_of(line)
        } else {
            if (mode == "list") put(".El")
            if (blank && mode != "list" && mode != "literal") put(".Pp")
            mode = "text"
            words_of(line)
        }
        blank = 0
    }
    if (mode == "literal") put(".Ed")
    if (mode == "list") put(".El")
}

# a line of text, with macros for what has one
function words_of(text,    words, n, k, line, word, before, after, macro) {
    n = split(text, words, /[ \t]+/)
    line = ""
    for (k = 1; k <= n; k++) {
        word = words[k]
        if (word == "") continue
        before = after = ""
        if (word ~ /^\(/) { before = "( "; word = substr(word, 2) }
        if (match(word, /[.,;:?!)]+$/) && word !~ /\(\)$/) {
            after = substr(word, RSTART)
            word = substr(word, 1, RSTART - 1)
            if (word ~ /\($/) { word = word ")"; after = substr(after, 2) } # name(),
        }
        macro = macro_for(word)
        if (macro != "") {
            flush(line)
            gsub(/./, " &", after)
            put("." macro_first(macro, before) after)
            line = ""
        } else line = line (line == "" ? "" : " ") words[k] (words[k] ~ /[.?!]$/ && k < n ? "\n" : "")
        if (line ~ /\n$/) { # a sentence ends: the next begins on a line of its own
            flush(substr(line, 1, length(line) - 1))
            line = ""
        }
    }
    flush(line)
}

function macro_first(macro, before) {
    if (before == "") return macro
    sub(/^[A-Z][a-z] /, "&" before, macro)
    return macro
}

function macro_for(word,    name) {
    name = word
    sub(/\(\)$/, "", name)
    if (name in number) return name == self ? "Fn " name : "Xr " name " 3"
    if (word == "NULL" || word ~ /^CAPTION_[A-Z0-9_]+$/) return "Dv " word
    if (word ~ /^`[^`]+`$/) {
        name = substr(word, 2, length(word) - 2)
        return (name in is_parameter ? "Fa " : "Ql ") escaped(name)
    }
    if (word ~ /^\*[a-z_]+$/ && (substr(word, 2) in is_parameter)) return "Fa " word
    if (word ~ /^caption_[a-z_]+$/) return "Vt " word
    return ""
}

function flush(line) {
    if (line == "") return
    line = escaped(line)
    if (line ~ /^[.']/) line = "\\&" line
    put(line)
}

# "IO, MODEL (damaged)", "ARGUMENT when index is out of range", "as caption_pixels; VERSION (too new)", "all"
function write_errors(text,    n, k, item, mark, name, what, long, more) {
    more = ""
    if (match(text, /\.  ?[A-Z]/)) { # sentences after the first
        more = substr(text, RSTART + 2)
        text = substr(text, 1, RSTART)
    }
    sub(/[. ]+$/, "", text)
    put(".Sh ERRORS")
    open_list = 0
    if (text == "all") {
        for (k = 1; k <= status_count; k++) one_error(statuses[k], "")
        text = ""
    }
    name = what = mark = ""
    while (text != "") {
        item = text
        text = ""
        if (match(item, /[,;] +/)) {
            text = substr(item, RSTART + RLENGTH)
            next_mark = substr(item, RSTART, 1) " "
            item = substr(item, 1, RSTART - 1)
        }
        if (match(item, /^(and |or )?(CAPTION_ERROR_)?[A-Z][A-Z_]+/)) {
            long = RLENGTH
            one_error(name, what)
            name = substr(item, 1, long)
            what = substr(item, long + 1)
            sub(/^(and |or )/, "", name)
            sub(/^CAPTION_ERROR_/, "", name)
            sub(/^:? +/, "", what)
        } else what = what (what == "" ? "" : mark) item
        mark = next_mark
    }
    one_error(name, what)
    if (open_list) put(".El")
    if (more != "") {
        put(".Pp")
        words_of(more)
    }
}

# without a name: what stands before the first one
function one_error(name, what) {
    if (name == "") {
        if (what != "") words_of(capital(what) ":")
        return
    }
    if (!open_list) put(".Bl -tag -width Ds")
    open_list = 1
    put(".It Dv CAPTION_ERROR_" name)
    if (what ~ /^\([^()]*\)$/) what = substr(what, 2, length(what) - 2)
    words_of(what != "" ? what : meaning[name])
}

# libcaption(3) and the functions of the same group, in order
function see_also(i,    k, n, sorted, j, t) {
    n = 0
    for (k = 1; k <= count; k++) if (group_of[k] == group_of[i] && k != i) sorted[++n] = names[k]
    for (k = 2; k <= n; k++)
        for (j = k; j > 1 && sorted[j] < sorted[j - 1]; j--) { t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t }
    for (k = 1; k <= n; k++) put(".Xr " sorted[k] " 3 ,")
    put(".Xr libcaption 3")
}
