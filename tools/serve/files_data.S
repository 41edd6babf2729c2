/* The files of files.c. */
        .include "tools/common/embed.inc"
        embed serve_page, tools/serve/page.html
        embed serve_docs, tools/serve/docs.html
        embed serve_openapi, tools/serve/openapi.json
        .section .note.GNU-stack, "", %progbits
