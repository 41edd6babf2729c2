/* The files of page.h as read-only data. */
        .section .rodata
        .macro file name, path
        .globl page_\name\()_begin
        .type page_\name\()_begin, %object
        .hidden page_\name\()_begin
page_\name\()_begin:
        .incbin "\path"
        .globl page_\name\()_end
        .type page_\name\()_end, %object
        .hidden page_\name\()_end
page_\name\()_end:
        .byte 0
        .size page_\name\()_begin, page_\name\()_end - page_\name\()_begin
        .endm
        file report_text, tools/page/report.html
        file css, tools/page/look.css
        file js, tools/page/look.js
        .section .note.GNU-stack, "", %progbits
