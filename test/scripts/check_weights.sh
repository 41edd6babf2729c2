#!/bin/sh
# The bundled files are those that weights/SHA256SUMS was written for.
set -u
cd weights 2>/dev/null || { echo 'ok - bundled files # SKIP no weights folder'; exit 0; }
command -v sha256sum >/dev/null 2>&1 || { echo 'ok - bundled files # SKIP no sha256sum'; exit 0; }
if bad=$(sha256sum --quiet -c SHA256SUMS 2>&1); then echo 'ok - bundled files'; else
    echo 'not ok - bundled files'
    echo "$bad" | sed 's/^/# /'
    exit 1
fi
if [ -f scenes.capw ]; then
    if grep -q ' .*scenes.capw$' SHA256SUMS; then echo 'ok - the model has a checksum'; else
        echo 'not ok - scenes.capw has no line in SHA256SUMS'
        exit 1
    fi
fi
