#!/bin/sh
# The bundled files are those that weights/SHA256SUMS was written for.
set -u
. test/scripts/tap.sh
[ -f weights/SHA256SUMS ] || { skip 'bundled files' 'no weights/SHA256SUMS'; finish; }
have sha256sum || { skip 'bundled files' 'no sha256sum'; finish; }
try 'bundled files' sh -c 'cd weights && sha256sum --quiet -c SHA256SUMS'
try 'the model has a checksum' grep -q ' .*scenes.capw$' weights/SHA256SUMS
finish
