#!/bin/sh
# Downloads the published weights, converts them, and captions a picture where one is named: `make weights`.  What is
# already there is not fetched again, and a download that was cut off goes on where it stopped.  From the environment:
#   WEIGHTS_URL  the folder with the files (the authors' model page)
#   WEIGHTS_DIR  where they go (weights/published)
#   IMAGE        a picture to caption at the end
#   BUILD        where capconvert, capinfo and capdemo are (build)
#   FETCH        curl or wget (whichever is there)
# Never runs anything that was downloaded.
set -u
URL=${WEIGHTS_URL:-https://huggingface.co/OmarGamal48812/flickr-captioning/resolve/main/}
URL=${URL%/}
DIR=${WEIGHTS_DIR:-weights/published}
BUILD=${BUILD:-build}
IMAGE=${IMAGE:-}
CHECKPOINT=attention_gru_glove.pth
MODEL_MB=320 # the converted model, rounded up
ATTEMPTS=5   # that bring nothing, one after the other
PAUSE=${PAUSE:-3} # seconds before the next

say() { echo "make weights: $1"; }
fail() {
    say "$1" >&2
    exit 1
}

# ---- what is needed ----
if [ -z "${FETCH:-}" ]; then
    for FETCH in curl wget neither; do
        if command -v "$FETCH" >/dev/null 2>&1; then break; fi
    done
fi
case $FETCH in
curl | wget) ;;
*) fail 'neither curl nor wget is installed' ;;
esac
if [ -n "$IMAGE" ] && [ ! -r "$IMAGE" ]; then fail "$IMAGE: no such picture"; fi
for program in capconvert capinfo capdemo; do
    [ -x "$BUILD/$program" ] || fail "$BUILD/$program was not built"
done
mkdir -p "$DIR" || fail "$DIR: the folder cannot be made"
trap 'say "interrupted; the same command goes on from here" >&2; exit 130' INT TERM

# ---- one request each ----

# Asks for the size of the file NAME.  Sets `status`, the server's answer (nothing: there was none), and `announced`,
# the size in bytes or nothing.
ask() {
    answer=$(
        case $FETCH in
        curl) curl -sSIL --connect-timeout 30 "$URL/$1" 2>/dev/null ;;
        wget) wget --spider -S -T 30 -t 1 "$URL/$1" 2>&1 ;;
        esac | awk '{ sub(/\r$/, ""); sub(/^ */, "") }
            /^HTTP\// { status = $2; size = "" }
            tolower($1) == "content-length:" { size = $2 }
            END { print status, (status == 200 ? size : "") }'
    )
    status=${answer%% *} announced=${answer#* }
}

# Downloads NAME into FILE, behind what FILE holds.  The exit code is 0, or 1 where more attempts may help.
download() {
    quiet=1
    [ ! -t 2 ] || quiet=
    if [ "$FETCH" = curl ]; then
        curl -fL ${quiet:+-s} -C - --connect-timeout 30 --speed-limit 1 --speed-time 60 -o "$2" "$URL/$1"
        result=$?
        case $result in
        0) return 0 ;;
        33) rm -f "$2" ;; # the server cannot continue: from the beginning
        23 | 153) fail "$2 cannot be written; is the disk full?" ;;
        35 | 51 | 60 | 77) fail "$URL: the server's certificate is not trusted" ;;
        esac
    else
        wget ${quiet:+-q} -c -T 60 -t 1 -O "$2" "$URL/$1"
        result=$?
        case $result in
        0) return 0 ;;
        3 | 153) fail "$2 cannot be written; is the disk full?" ;;
        5) fail "$URL: the server's certificate is not trusted" ;;
        esac
    fi
    return 1
}

bytes() { if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }
megabytes() { echo $((($1 + 500000) / 1000000)); }

# Is FILE what its name promises?  Sets `wrong`.
looks_right() {
    begin=$(head -c 64 "$2" | LC_ALL=C tr -d '\0')
    case $begin in
    '<'*) wrong='a web page' ;;
    'version https://git-lfs'*) wrong='a pointer to a file, not the file' ;;
    *) wrong="no $3" ;;
    esac
    case $1 in
    *.pth) magic='504b0304' ;;
    *.pkl) magic='80' ;;
    *) magic='7b' ;;
    esac
    found=$(head -c 4 "$2" | od -A n -t x1 | tr -d ' \n')
    case $found in
    "$magic"*) return 0 ;;
    esac
    return 1
}

enough_room() {
    free=$(df -Pk "$DIR" 2>/dev/null | awk 'NR == 2 { print int($4 / 1000) }')
    [ -n "$free" ] || return 0
    [ "$free" -ge "$1" ] || fail "$DIR: $1 MB are needed, $free MB are free"
}

# ---- a file ----

# fetch NAME KIND NEEDED: KIND in words; NEEDED is 0 where captions can be made without the file
fetch() {
    name=$1 file=$DIR/$1 part=$DIR/$1.part
    [ ! -s "$file" ] || return 0
    ask "$name"
    case $status in
    '') fail "$URL/$name: no connection" ;;
    404) if [ "$3" = 0 ]; then
        say "$name: not there, going on without it"
        return 0
    fi ;;
    esac
    case $status in
    200 | 403 | 405 | 501) ;; # some servers answer only when the file itself is asked for
    *) fail "$URL/$name: the server answered $status" ;;
    esac
    if [ -n "$announced" ]; then
        [ "$name" != "$CHECKPOINT" ] || enough_room $((MODEL_MB + $(megabytes $((announced - $(bytes "$part"))))))
        say "$name: $(megabytes "$announced") MB ($announced bytes)"
    fi
    tries=0
    # a part as long as the file lacks no more than its name; a longer one is of another file
    if [ -n "$announced" ] && [ "$(bytes "$part")" -gt "$announced" ]; then rm -f "$part"; fi
    while [ -z "$announced" ] || [ "$(bytes "$part")" != "$announced" ]; do
        before=$(bytes "$part")
        if download "$name" "$part"; then
            [ -z "$announced" ] || [ "$(bytes "$part")" = "$announced" ] || {
                rm -f "$part"
                fail "$URL/$name: the server sent another size than the $announced bytes it announced"
            }
            break
        fi
        tries=$((tries + 1))
        [ "$(bytes "$part")" -le "$before" ] || tries=0
        [ $tries -lt $ATTEMPTS ] || fail "$URL/$name: the download failed ($FETCH: $result, server: $status)"
        say "$name: the connection was cut after $(bytes "$part") bytes; going on" >&2
        sleep "$PAUSE"
    done
    looks_right "$name" "$part" "$2" || {
        rm -f "$part"
        fail "$URL/$name: the server sent $wrong"
    }
    mv -f "$part" "$file" || fail "$file: cannot be written"
}

fetch vocab.pkl 'pickled vocabulary' 1
fetch config.json 'JSON object' 0
fetch metrics_beam5.json 'JSON object' 0
fetch "$CHECKPOINT" 'checkpoint of torch.save' 1

# ---- the model ----
model=$DIR/model.capw
newer=$(find "$DIR/$CHECKPOINT" "$DIR/vocab.pkl" -newer "$model" 2>/dev/null)
if [ ! -s "$model" ] || [ -n "$newer" ]; then
    set -- "$DIR/$CHECKPOINT" --vocab "$DIR/vocab.pkl"
    [ ! -f "$DIR/config.json" ] || set -- "$@" --config "$DIR/config.json"
    [ ! -f "$DIR/metrics_beam5.json" ] || set -- "$@" --metrics "$DIR/metrics_beam5.json"
    "$BUILD/capconvert" "$@" -o "$model" ||
        fail "$DIR: not converted; if a file there is damaged, remove it and run this again"
    "$BUILD/capinfo" --verify "$model" || {
        rm -f "$model"
        fail "$model: damaged, and removed; run this again"
    }
fi

if [ -n "$IMAGE" ]; then
    "$BUILD/capdemo" -m "$model" "$IMAGE"
else
    say "ready; a caption: $BUILD/capdemo -m $model photo.jpg"
fi
