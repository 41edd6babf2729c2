/* model.S - the model file in read-only memory: MODEL_FILE names it. */
    .section .model, "a"
    .balign 64
    .incbin MODEL_FILE
