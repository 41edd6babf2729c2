#!/bin/sh
# Captions the bundled pictures beside their reference captions, shows where the model looked for one of them, and
# captions $IMAGE where one is named.  Without a trained model it makes one of random weights and draws a picture.
#
#   BUILD          where capdemo is (build)
#   IMAGE          a picture to be captioned, too
#   CAPTION_MODEL  the model for IMAGE (the bundled one)
set -eu
BUILD=${BUILD:-build}
IMAGE=${IMAGE:-}
capdemo=$BUILD/capdemo
model=weights/scenes.capw
pictures=weights/scenes/demo
looked_at=$pictures/scene_2035_000001.jpg

if [ ! -x "$capdemo" ]; then
    echo "demo: $capdemo was not built" >&2
    exit 1
fi

# what the model says of a picture, and the references
show() {
    name=$(basename "$1")
    said=$("$capdemo" -m "$model" "$1")
    verdict='equals none of them'
    if grep -qxF "$name,$said" "$pictures/captions.txt"; then verdict='equals one of them'; fi
    printf '\n%s\n  the model: %s\n  references (it %s):\n' "$1" "$said" "$verdict"
    sed -n "s|^$name,|      |p" "$pictures/captions.txt"
}

if [ -f "$model" ] && [ -d "$pictures" ]; then
    echo 'Twelve drawn scenes that the bundled model was never trained on (weights/README.md).'
    for picture in "$pictures"/*.jpg; do show "$picture"; done
    printf '\nWhere it looked, word by word, in %s:\n\n' "$looked_at"
    "$capdemo" -m "$model" --attention "$looked_at"
    [ -n "$IMAGE" ] || printf 'A picture of yours:  make demo IMAGE=photo.jpg\n'
else
    model=$BUILD/random.capw
    "$BUILD/test/programs/make_demo" "$model" "$BUILD/drawn.jpg"
    echo 'There is no trained model here, so this one has random weights: the path from picture to words is'
    echo 'the real one, but the words are invented and mean nothing.'
    echo
    "$capdemo" -m "$model" "$BUILD/drawn.jpg"
fi

if [ -n "$IMAGE" ]; then
    [ -n "${CAPTION_MODEL:-}" ] || [ ! -f weights/scenes.capw ] ||
        note='(The bundled model knows drawn scenes alone; the published weights know photographs: make weights, README.md.)'
    printf '\n%s: ' "$IMAGE"
    "$capdemo" -m "${CAPTION_MODEL:-$model}" "$IMAGE"
    [ -z "${note:-}" ] || echo "$note"
fi
