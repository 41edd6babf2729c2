#!/bin/sh
# Captions the bundled pictures beside their reference captions, and $IMAGE where one is named.  Called by
# `make demo` with BUILD in the environment.  Without a trained model: random weights and a drawn picture.
set -eu
BUILD=${BUILD:-build}
IMAGE=${IMAGE:-}
capdemo=$BUILD/capdemo
model=weights/scenes.capw
pictures=weights/scenes/demo

if [ ! -x "$capdemo" ]; then
    echo "demo: $capdemo was not built" >&2
    exit 1
fi

if [ -f "$model" ] && [ -d "$pictures" ]; then
    echo "Pictures from $pictures, captioned with $model."
    for picture in "$pictures"/*.jpg; do
        echo
        "$capdemo" -m "$model" "$picture"
        name=$(basename "$picture")
        sed -n "s|^$name,|    reference: |p" "$pictures/captions.txt"
    done
    [ -z "$IMAGE" ] && printf '\nAnd a picture of yours:  make demo IMAGE=photo.jpg\n'
else
    model=$BUILD/random.capw
    "$BUILD/test/programs/make_demo" "$model" "$BUILD/drawn.jpg"
    echo 'There is no trained model here, so this one has random weights: the path from picture to words is'
    echo 'the real one, but the words are invented and mean nothing.'
    echo
    "$capdemo" -m "$model" "$BUILD/drawn.jpg"
fi

if [ -n "$IMAGE" ]; then
    echo
    "$capdemo" -m "$model" "$IMAGE"
fi
