/* The files of page.c. */
        .include "tools/common/embed.inc"
        embed page_report_text, tools/page/report.html
        embed page_css, tools/page/look.css
        embed page_js, tools/page/look.js
        .section .note.GNU-stack, "", %progbits
