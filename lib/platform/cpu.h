/* cpu.h - which instruction sets this machine can run (the operating system's support for their registers
 * included). */
#ifndef CPT_CPU_H
#define CPT_CPU_H

#include <stdint.h>

/* CAPTION_CPU_* bits. */
uint32_t cpt_cpu_detect(void);

#endif
