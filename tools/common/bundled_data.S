/* The bundled model as read-only data.  The Makefile assembles this only where it found a model, whose path
 * is TOOL_BUNDLED_FILE.  A page's alignment keeps the model's own 64-byte alignment. */
        .section .rodata
        .balign 4096
        .globl tool_bundled_begin
        .type tool_bundled_begin, %object
        .hidden tool_bundled_begin
tool_bundled_begin:
        .incbin TOOL_BUNDLED_FILE
        .globl tool_bundled_end
        .type tool_bundled_end, %object
        .hidden tool_bundled_end
tool_bundled_end:
        .byte 0
        .size tool_bundled_begin, tool_bundled_end - tool_bundled_begin
        .section .note.GNU-stack, "", %progbits
