/* The files of files.h as read-only data, with a zero byte behind each. */
        .section .rodata
        .macro file name, path
        .globl serve_\name\()_begin
        .type serve_\name\()_begin, %object
        .hidden serve_\name\()_begin
serve_\name\()_begin:
        .incbin "\path"
        .globl serve_\name\()_end
        .type serve_\name\()_end, %object
        .hidden serve_\name\()_end
serve_\name\()_end:
        .byte 0
        .size serve_\name\()_begin, serve_\name\()_end - serve_\name\()_begin
        .endm
        file page, tools/serve/page.html
        file docs, tools/serve/docs.html
        file openapi, tools/serve/openapi.json
        .section .note.GNU-stack, "", %progbits
